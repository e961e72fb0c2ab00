"""The way down of the point-prompted UNet: a photo's features at every resolution, trained along.

Either EfficientNet-Lite0 from its ImageNet weights, or the custom UNet's residual stages from
scratch. Shapes: B batch, H W pixels, D_i h_i w_i channels and grid of level i.
"""

from __future__ import annotations

from itertools import pairwise

from torch import Tensor, nn

from common.config import UserError
from common.models.encoders.encoder import ImageEncoder
from common.models.layers import Downsample, Normalize, ResidualBlock

PYRAMIDS = ("lite0", "residual")


class ResidualPyramid(nn.Module):
    """Photos (B, 3, H, W) in [0, 1] -> maps (B, D_i, H / 2^(i+1), W / 2^(i+1)), finest first.

    Args:
        widths: channels of each level; the two coarsest attend.
        depth: residual blocks of a level.
    """

    def __init__(self, widths: tuple[int, ...] = (32, 64, 128, 192), depth: int = 2) -> None:
        super().__init__()
        self.channels = widths
        self.strides = tuple(2 ** (level + 1) for level in range(len(widths)))
        self.normalize = Normalize((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        steps = [nn.Conv2d(3, widths[0], 4, 2, padding=1)]
        steps += [
            Downsample(a, b, attention=level >= len(widths) - 3)
            for level, (a, b) in enumerate(pairwise(widths))
        ]
        self.levels = nn.ModuleList(
            nn.Sequential(step, *(ResidualBlock(width, width, dropout=0.0) for _ in range(depth)))
            for step, width in zip(steps, widths, strict=True)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        x, maps = self.normalize(image), []
        for level in self.levels:
            x = level(x)
            maps.append(x)
        return maps


def image_pyramid(name: str, **kwargs) -> nn.Module:
    """An untrained "residual" pyramid, or "lite0" with its ImageNet weights, from stride 2 on."""
    if name not in PYRAMIDS:
        raise UserError(f"encoder {name!r} is unknown; choose one of {', '.join(PYRAMIDS)}")
    if name == "residual":
        return ResidualPyramid(**kwargs)
    return ImageEncoder(name, taps=(0, 1, 2, 3, 4), **kwargs)
