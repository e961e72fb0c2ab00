"""A box round an animal as a prompt: where in it the animal may be clicked, and what lies outside.

Shapes: H W pixels of the photo, M points, (x, y) in pixels of it. A box is (x0, y0, x1, y1).
"""

import numpy as np

from common.clicks.prompts import Box
from common.clicks.window import OUTSIDE, View, framed, part

MARGIN, NARROWEST = 1.8, 0.2  # of `framed`: a drawn box says where the animal is
GROWN = 0.03  # of its sides: how far beyond a box the animal may reach, as hands are not exact
WITHIN = (
    (0.5, 0.5),
    (0.5, 1 / 3),
    (0.5, 2 / 3),
    (1 / 3, 0.5),
    (2 / 3, 0.5),
)  # shares of its sides
BESIDE = ((-0.06, -0.06), (1.06, -0.06), (-0.06, 1.06), (1.06, 1.06))
DENIED = 0.1  # of the longer side: within it a click that says otherwise takes a box's click away


def grown(box: Box, shape: tuple[int, int], share: float = GROWN) -> View:
    """The pixels of a photo (H, W) in a box that is larger by a share of its sides all round."""
    x0, y0, x1, y1 = box
    across, down = share * (x1 - x0), share * (y1 - y0)
    return View(
        max(0, int(np.floor(x0 - across))),
        max(0, int(np.floor(y0 - down))),
        min(shape[1], int(np.ceil(x1 + across))),
        min(shape[0], int(np.ceil(y1 + down))),
    )


def round_box(box: Box, shape: tuple[int, int]) -> View | None:
    """Where to look at a box from near, or None where that is the whole photo (H, W)."""
    return framed(np.array(box[:2]), np.array(box[2:]), shape, MARGIN, NARROWEST)


def leaves(box: Box, points: np.ndarray, labels: np.ndarray, shape: tuple[int, int]) -> bool:
    """Whether a click says that the animal reaches beyond its box: the box then says nothing."""
    area, wanted = grown(box, shape), points[labels == 1]
    return not ((wanted >= area[:2]) & (wanted < area[2:])).all()


def only_inside(logits: np.ndarray, box: Box) -> np.ndarray:
    """Logits (H, W) that are negative outside a box."""
    area, kept = grown(box, logits.shape), np.full_like(logits, OUTSIDE)
    part(kept, area)[:] = part(logits, area)
    return kept


def box_clicks(box: Box, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Clicks (M, 2) that a box stands for, and their labels (M,): corners beside it, then inside.

    Args:
        shape: (H, W) of the photo; where the box is at its edge, there are fewer.
    """
    corner, size = np.array(box[:2]), np.subtract(box[2:], box[:2])
    beside = np.clip(corner + np.array(BESIDE) * size, 0, np.array(shape[::-1]) - 1)
    beside = beside[~((beside >= box[:2]) & (beside < box[2:])).all(1)]
    points = np.concatenate([beside, corner + np.array(WITHIN) * size])
    labels = np.repeat([0, 1], [len(beside), len(WITHIN)])
    return points.astype(np.float32), labels


def unless_denied(
    box: Box, hints: tuple[np.ndarray, np.ndarray], clicks: tuple[np.ndarray, np.ndarray]
) -> tuple[np.ndarray, np.ndarray]:
    """A box's clicks and the user's after them, without those of which a near one says otherwise.

    Args:
        hints, clicks: points (M, 2) and labels (M,) each.
    """
    (points, labels), (own, said) = hints, clicks
    reach = DENIED * max(box[2] - box[0], box[3] - box[1])
    near = np.hypot(*(points[:, None] - own[None]).transpose(2, 0, 1)) < reach  # (hints, clicks)
    kept = ~(near & (labels[:, None] != said)).any(1)
    return np.concatenate([points[kept], own]), np.concatenate([labels[kept], said])
