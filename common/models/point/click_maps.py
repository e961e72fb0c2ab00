"""Clicks as pictures that a network can read: one map of the pet's clicks, one of the others.

Shapes: B batch, M points, H W the map's grid. Points are (x, y) in pixels of that grid, and whole
numbers are the centres of pixels; labels are 1 the pet, 0 not the pet, -1 no click (padding).
"""

import torch
from torch import Tensor

from common.config import GROUND, PET, UserError

KINDS = ("disk", "gaussian")
FAR = 1e12  # squared distance to a click that there is not


def click_maps(
    points: Tensor, labels: Tensor, size: tuple[int, int], radius: float, kind: str
) -> Tensor:
    """Where the clicks are; several clicks leave the greatest value of each pixel.

    Args:
        points: (B, M, 2); M may be 0.
        labels: (B, M).
        size: (H, W).
        radius: in pixels of the grid.
        kind: "disk", 1 up to the radius and 0 beyond (Sofiiuk et al. 2021), or "gaussian",
            exp(-d² / 2 radius²) at the distance d.

    Returns:
        (B, 2, H, W) float: first the map of the pet's clicks, then that of the others.
    """
    if kind not in KINDS:
        raise UserError(f"click map {kind!r} is unknown; choose one of {', '.join(KINDS)}")
    if not radius > 0:
        raise UserError(f"click radius {radius} is not positive")
    if not points.shape[1]:
        return torch.zeros(len(points), 2, *size, device=points.device)
    squared = squared_distances(points.float(), size)  # (B, M, H, W)
    if kind == "disk":
        blobs = (squared <= radius**2).float()
    else:
        blobs = torch.exp(-squared / (2 * radius**2))
    maps = [
        torch.where((labels == which)[..., None, None], blobs, 0.0).amax(1)
        for which in (PET, GROUND)
    ]
    return torch.stack(maps, 1)


def proximity_maps(
    points: Tensor, labels: Tensor, size: tuple[int, int], shares: tuple[float, ...]
) -> Tensor:
    """How near each pixel lies to the nearest click of each label, seen at several ranges.

    A disk speaks to the pixels beside it; these maps tell every pixel where the click is, so that
    two animals that look alike can be told apart.

    Args:
        points, labels, size: of `click_maps`.
        shares: ranges, as shares of the longer edge, over which a map falls from 1 to 1/e.

    Returns:
        (B, 2 · len(shares), H, W) float: all ranges of the pet's clicks, then of the others'; 0
        where there is no click of that label.
    """
    if not points.shape[1]:
        return torch.zeros(len(points), 2 * len(shares), *size, device=points.device)
    squared = squared_distances(points.float(), size)  # (B, M, H, W)
    ranges = [share * max(size) for share in shares]
    maps = []
    for which in (PET, GROUND):
        far = torch.where((labels == which)[..., None, None], squared, FAR).amin(1).sqrt()
        maps += [torch.exp(-far / reach) for reach in ranges]
    return torch.stack(maps, 1)


def squared_distances(points: Tensor, size: tuple[int, int]) -> Tensor:
    """Squared distance of each pixel's centre to each point (B, M, 2): (B, M, H, W)."""
    rows, columns = (torch.arange(edge, device=points.device) for edge in size)
    across = (columns - points[..., :1]) ** 2  # (B, M, W)
    down = (rows - points[..., 1:]) ** 2  # (B, M, H)
    return down[..., :, None] + across[..., None, :]
