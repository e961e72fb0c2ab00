"""What a robot's first clicks make of a photo, for those who only read (`figures.film` draws it).

It is the static twin of the click canvas, for any predictor.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from common.canvas.answers import Photo, iou
from common.clicks.protocol import Predictor
from common.clicks.robot import Reply, replies
from common.config import CLASSES

STOPS = (0, 1, 2, 3, 5)


def film(predictor: Predictor, photo: Photo, stops: Sequence[int] = STOPS) -> dict[str, Any]:
    """One photo after each of some numbers of clicks.

    Args:
        predictor: any.
        photo: with its truth.
        stops: rising numbers of clicks, 0 for none.

    Returns:
        name, image (H, W, 3), credit, and frames: each with clicks (their number), mask (H, W)
        uint8 of classes, points [(x, y, positive)] and iou. Where the robot finds nothing more
        to mend, later frames repeat the mask.
    """
    predictor.set_image(photo.image)
    told = enumerate(replies(predictor, photo.truth, clicks=max(stops)))
    frames = [_frame(clicks, reply, photo.truth) for clicks, reply in told if clicks in stops]
    return {"name": photo.name, "image": photo.image, "credit": photo.credit, "frames": frames}


def films(
    predictor: Predictor, photos: Iterable[Photo], stops: Sequence[int] = STOPS
) -> list[dict[str, Any]]:
    """`film` of each photo."""
    return [film(predictor, photo, stops) for photo in photos]


def _frame(clicks: int, reply: Reply, truth: np.ndarray) -> dict[str, Any]:
    animal = CLASSES.index(reply.species[0]) if reply.species else 1
    points = [(click.x, click.y, click.positive) for click in reply.clicks]
    mask = (reply.mask * animal).astype(np.uint8)
    return {"clicks": clicks, "mask": mask, "points": points, "iou": iou(reply.mask, truth)}
