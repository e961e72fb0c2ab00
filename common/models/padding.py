"""Photos of any size in networks that halve their grid: padded on the way in, cut on the way out.

Shapes: B batch, C channels, H W the photo, h w the grid of a network's answer.
"""

import torch.nn.functional as F
from torch import Tensor


def padding(image: Tensor, divisor: int) -> tuple[int, int, int, int]:
    """What (..., H, W) lacks to multiples of ``divisor``: 0, right, 0, bottom (`F.pad`)."""
    return 0, -image.shape[-1] % divisor, 0, -image.shape[-2] % divisor


def padded_size(image: Tensor, divisor: int) -> tuple[int, int]:
    """Height and width to which `pad` brings (B, 3, H, W)."""
    _, right, _, bottom = padding(image, divisor)
    return image.shape[-2] + bottom, image.shape[-1] + right


def pad(image: Tensor, divisor: int) -> Tensor:
    """(B, 3, H, W), the last row and column repeated up to multiples of ``divisor``."""
    missing = padding(image, divisor)
    return F.pad(image, missing, mode="replicate") if any(missing) else image


def unpad(maps: Tensor, image: Tensor, divisor: int) -> Tensor:
    """Maps (B, C, h, w) of the padded photo, at the photo's own size: (B, C, H, W) float32."""
    full = resize(maps.float(), padded_size(image, divisor))
    return full[..., : image.shape[-2], : image.shape[-1]]


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, h, w) on another grid."""
    return x if x.shape[-2:] == size else F.interpolate(x, size, mode="bilinear")
