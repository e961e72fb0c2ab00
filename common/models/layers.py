"""Building blocks of the UNet: residual convolutions, self-attention, and the two resamplers.

Everything is pre-activated (He et al. 2016, "Identity mappings in deep residual networks"):
normalise, activate, convolve, then add the shortcut.

Shapes: B batch, C channels, H W pixels, N = H·W tokens.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.config import UserError

NORMS = ("batch", "group")
HALF = (0.5, 0.5, 0.5)  # mean and deviation that bring [0, 1] to [-1, 1]


def norm(channels: int, kind: str = "batch") -> nn.Module:
    """Batch normalisation (Ioffe and Szegedy 2015) or group normalisation (Wu and He 2018)."""
    if kind not in NORMS:
        raise UserError(f"norm {kind!r} is unknown; choose one of {', '.join(NORMS)}")
    if kind == "batch":
        return nn.BatchNorm2d(channels)
    return nn.GroupNorm(max(1, channels // 16), channels)


class ResidualBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: (B, C_in, H, W) -> (B, C_out, H, W).

    Args:
        dropout: probability of dropping a channel between the two convolutions (whole
            channels, Tompson et al. 2015: neighbouring pixels would give a dropped one away).
        kind: of `norm`.
        residual: without it the shortcut is left out (the ablation of notebook 02).
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        *,
        dropout: float = 0.1,
        residual: bool = True,
        kind: str = "batch",
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            norm(c_in, kind),
            nn.SiLU(inplace=True),
            nn.Conv2d(c_in, c_out, 3, padding=1, bias=False),
            norm(c_out, kind),
            nn.SiLU(inplace=True),
            nn.Dropout2d(dropout),
            nn.Conv2d(c_out, c_out, 3, padding=1),
        )
        self.residual = residual
        widen = residual and c_in != c_out
        self.shortcut = nn.Conv2d(c_in, c_out, 1, bias=False) if widen else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.body(x) + self.shortcut(x) if self.residual else self.body(x)


class SelfAttention(nn.Module):
    """Every place of the grid looks at every other (Vaswani et al. 2017): (B, C, H, W) -> same.

    Costs (H·W)² per head: it belongs where the grid is small.
    """

    def __init__(self, channels: int, *, head_width: int = 64, kind: str = "batch") -> None:
        super().__init__()
        self.heads = max(1, channels // head_width)
        self.norm = norm(channels, kind)
        self.to_qkv = nn.Conv2d(channels, 3 * channels, 1, bias=False)
        self.out = nn.Conv2d(channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        height = x.shape[-2]
        heads = self.to_qkv(self.norm(x)).flatten(2).unflatten(1, (3, self.heads, -1))
        q, k, v = heads.permute(1, 0, 2, 4, 3)
        seen = F.scaled_dot_product_attention(q, k, v)  # (B, heads, N, D)
        maps = seen.unflatten(2, (height, -1)).permute(0, 1, 4, 2, 3)  # (B, heads, D, H, W)
        return x + self.out(maps.flatten(1, 2))


class Downsample(nn.Module):
    """Halve the grid: strided 3×3 convolution beside an averaged shortcut, then attention.

    (B, C_in, H, W) -> (B, C_out, H/2, W/2).
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        *,
        attention: bool = False,
        residual: bool = True,
        kind: str = "batch",
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            norm(c_in, kind), nn.SiLU(), nn.Conv2d(c_in, c_out, 3, stride=2, padding=1)
        )
        self.residual = residual
        if residual:
            self.shortcut = nn.Sequential(nn.AvgPool2d(2), nn.Conv2d(c_in, c_out, 1, bias=False))
        self.attend = SelfAttention(c_out, kind=kind) if attention else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        return self.attend(self.body(x) + self.shortcut(x) if self.residual else self.body(x))


class Upsample(nn.Module):
    """Double the grid: attention, then a 3×3 convolution beside a 1×1 shortcut, upsampled.

    (B, C_in, h, w) -> (B, C_out, 2h, 2w). The convolution runs on the small grid, where it is
    four times cheaper; interpolation commutes with the 1×1 shortcut.
    """

    def __init__(
        self,
        c_in: int,
        c_out: int,
        *,
        attention: bool = False,
        residual: bool = True,
        kind: str = "batch",
    ) -> None:
        super().__init__()
        self.body = nn.Sequential(
            norm(c_in, kind), nn.SiLU(), nn.Conv2d(c_in, c_out, 3, padding=1)
        )
        self.residual = residual
        if residual:
            self.shortcut = nn.Conv2d(c_in, c_out, 1, bias=False)
        self.attend = SelfAttention(c_in, kind=kind) if attention else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.attend(x)
        x = self.body(x) + self.shortcut(x) if self.residual else self.body(x)
        return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


class Normalize(nn.Module):
    """Float RGB in [0, 1] -> the encoder's own scale; mean and std travel with the model."""

    def __init__(self, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.register_buffer("mean", torch.tensor(mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(1, 3, 1, 1), persistent=False)

    def forward(self, image: Tensor) -> Tensor:
        return (image - self.mean) / self.std


def full_precision(x: Tensor) -> torch.autocast:
    """Context without mixed precision on the device of ``x``, for sums over many pixels."""
    return torch.autocast("cpu" if x.is_meta else x.device.type, enabled=False)
