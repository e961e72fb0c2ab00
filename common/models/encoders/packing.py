"""Feature maps as one row of numbers, and back: how frozen features are kept on disk.

Shapes: B batch, D_i h_i w_i channels and grid of map i, F = Σ D_i·h_i·w_i.
"""

import torch
from torch import Tensor


def pack(features: list[Tensor]) -> Tensor:
    """Maps (B, D_i, h_i, w_i) -> (B, F)."""
    return torch.cat([x.flatten(1) for x in features], 1)


def unpack(
    packed: Tensor, channels: tuple[int, ...], strides: tuple[int, ...], size: tuple[int, int]
) -> list[Tensor]:
    """(B, F) -> maps (B, D_i, h_i, w_i), float32.

    Args:
        channels, strides: of the maps.
        size: height and width of the photo, which the strides divide.
    """
    height, width = size
    shapes = [(c, height // s, width // s) for c, s in zip(channels, strides, strict=True)]
    parts = packed.float().split([c * h * w for c, h, w in shapes], 1)
    return [part.unflatten(1, shape) for part, shape in zip(parts, shapes, strict=True)]
