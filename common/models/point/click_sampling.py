"""Training clicks of the point-prompted UNet, drawn for a whole batch on the model's device.

As in RITM (Sofiiuk et al. 2021): a click falls at random where a region is at least half as deep
as at its deepest. Depth is the chessboard distance to the region's outside, found by erosion, on
any device. The robot user of the evaluation is exact and lives in `interact`.

Shapes: B batch, h w grid, M points. Points are (x, y), in pixels of the grid.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from common.config import GROUND, PET

NO_CLICK = -1
Ask = Callable[[Tensor, Tensor, Tensor | None], Tensor]  # points, labels, logits -> logits


def depth(region: Tensor) -> Tensor:
    """Chessboard distance of each pixel to the outside of its region, 0 outside.

    Args:
        region: (B, h, w) bool. What lies beyond the frame is outside, as in the protocol.

    Returns:
        (B, h, w) float: whole numbers of pixels.
    """
    left, total = region, torch.zeros(region.shape, device=region.device)
    while left.any():
        total += left
        left = eroded(left)
    return total


def eroded(region: Tensor) -> Tensor:
    """A region (B, h, w) bool without its outermost pixels, be they so at a corner only.

    Rows, then columns, and of bytes: several times faster on a CPU than pooling numbers.
    """
    rows = F.pad(region, (0, 0, 1, 1))
    rows = rows[:, :-2] & rows[:, 1:-1] & rows[:, 2:]
    both = F.pad(rows, (1, 1))
    return both[..., :-2] & both[..., 1:-1] & both[..., 2:]


def random_points(weight: Tensor) -> Tensor:
    """One point (x, y) a photo, drawn in proportion to ``weight`` (B, h, w): (B, 2) float.

    A photo without any weight gets some point; the caller drops it.
    """
    flat = weight.flatten(1)
    flat = torch.where(flat.sum(1, keepdim=True) > 0, flat, torch.ones_like(flat))
    index = torch.multinomial(flat, 1)[:, 0]
    width = weight.shape[-1]
    return torch.stack([index % width, index // width], -1).float()


def first_clicks(pet: Tensor) -> tuple[Tensor, Tensor]:
    """A click on the pet of each photo.

    Args:
        pet: (B, h, w) bool.

    Returns:
        points (B, 1, 2) and labels (B, 1): 1, or -1 where the photo shows no pet.
    """
    inside = depth(pet)
    labels = torch.where(pet.flatten(1).any(1), PET, NO_CLICK)
    return random_points(deep(inside))[:, None], labels[:, None]


def correcting_clicks(predicted: Tensor, truth: Tensor) -> tuple[Tensor, Tensor]:
    """A click in the deeper of what was missed and what was added.

    Args:
        predicted: (B, h, w) bool.
        truth: (B, h, w) uint8: 1 pet, 0 not, 255 border, which is no error.

    Returns:
        points (B, 1, 2) and labels (B, 1): 1 missed, 0 added, -1 where nothing is wrong.
    """
    missed = depth((truth == PET) & ~predicted)
    added = depth((truth == GROUND) & predicted)
    most_missed, most_added = missed.amax((1, 2)), added.amax((1, 2))
    is_missed = most_missed > most_added  # as the robot user decides
    region = torch.where(is_missed[:, None, None], missed, added)
    labels = torch.where(is_missed, PET, GROUND)
    labels = torch.where(torch.maximum(most_missed, most_added) > 0, labels, NO_CLICK)
    return random_points(deep(region))[:, None], labels[:, None]


def deep(depths: Tensor) -> Tensor:
    """Weight 1 where a region is deeper than half its greatest depth: (B, h, w) float."""
    return ((depths > 0) & (depths > depths.amax((1, 2), keepdim=True) / 2)).float()


def robot_clicks(
    ask: Ask, truth: Tensor, rounds: int, blank: float
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Clicks of a user in training, and the mask before the last of them.

    Args:
        ask: the network's logits (B, 1, h, w) under some clicks.
        truth: (B, h, w) uint8, as of `correcting_clicks`.
        rounds: of clicks on the network's own mistakes, at most.
        blank: share of the photos that get no click at all.

    Returns:
        points (B, M, 2), labels (B, M), previous logits or None.
    """
    points, labels = first_clicks(truth == PET)
    silent = torch.rand(len(truth), device=truth.device) < blank
    labels = labels.masked_fill(silent[:, None], NO_CLICK)
    previous = None
    for _ in range(int(torch.randint(rounds + 1, ()))):
        previous = ask(points, labels, previous)
        predicted = previous[:, 0, : truth.shape[1], : truth.shape[2]] > 0
        point, label = correcting_clicks(predicted, truth)
        label = label.masked_fill(silent[:, None], NO_CLICK)
        points, labels = torch.cat([points, point], 1), torch.cat([labels, label], 1)
    return points, labels, previous
