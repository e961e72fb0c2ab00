"""The custom UNet: residual stages, attention where the grid is small, skips copied across.

After Ronneberger et al. 2015 (the U and its skips), He et al. 2016 (residual blocks) and the
UNets of diffusion models, Ho et al. 2020 (attention at the low resolutions).
"""

from itertools import pairwise

import torch
from torch import Tensor, nn

from common.models.layers import HALF, Downsample, Normalize, ResidualBlock, Upsample
from common.models.layers import norm as normalise
from common.models.losses import BreedTaught
from common.models.padding import pad, unpad


def stage(c_in: int, c_out: int, depth: int, **kwargs) -> nn.Sequential:
    """Residual blocks one after another: (B, C_in, h, w) -> (B, C_out, h, w)."""
    widths = (c_in, *[c_out] * depth)
    return nn.Sequential(*(ResidualBlock(*pair, **kwargs) for pair in pairwise(widths)))


class ResidualPyramid(nn.Module):
    """Photo -> features of each resolution, finest first, one residual stage each.

    Args:
        widths: channels of each resolution, finest first; each step halves the grid.
        depth: residual blocks of a stage (two convolutions each).
        attention_levels: how many of the coarsest resolutions attend.
        stem: the first convolution's stride; 2 lets the finest stage work on half the grid.
        dropout: of whole channels, in the stages of the resolutions that attend.
        residual, kind: of `ResidualBlock`.

    Attributes:
        channels, strides: of each map, and pixels of the photo for one of its.
    """

    def __init__(
        self,
        widths: tuple[int, ...] = (32, 64, 128, 192),
        *,
        depth: int = 2,
        attention_levels: int = 2,
        stem: int = 2,
        dropout: float = 0.0,
        residual: bool = True,
        kind: str = "batch",
    ) -> None:
        super().__init__()
        self.channels = tuple(widths)
        self.strides = tuple(stem * 2**level for level in range(len(widths)))
        self.attends = [len(widths) - level <= attention_levels for level in range(len(widths))]
        self.normalize = Normalize(HALF, (0.25, 0.25, 0.25))
        self.stem = nn.Conv2d(3, widths[0], 3 if stem == 1 else 2 * stem, stem, padding=1)
        common = {"residual": residual, "kind": kind}
        self.stages = nn.ModuleList(
            stage(width, width, depth, dropout=dropout * attend, **common)
            for width, attend in zip(widths, self.attends, strict=True)
        )
        self.down = nn.ModuleList(
            Downsample(*pair, attention=attend, **common)
            for pair, attend in zip(pairwise(widths), self.attends[1:], strict=True)
        )

    def forward(self, image: Tensor) -> list[Tensor]:
        """(B, 3, H, W) in [0, 1] -> (B, channels[i], H / strides[i], W / strides[i])."""
        x = self.stem(self.normalize(image))
        features = [self.stages[0](x)]
        for down, level in zip(self.down, self.stages[1:], strict=True):
            features.append(level(down(features[-1])))
        return features


class UNet(BreedTaught):
    """Photo -> class scores, one residual stage a resolution.

    A `ResidualPyramid` and the same stages on the way up.

    Args:
        widths, depth, attention_levels, stem, dropout: of `ResidualPyramid`, the way down.
        up_depth: residual blocks of a stage on the way up.
        norm: "batch" or "group"; notebook 02 compares them.
        residual, skips, dice_weight, breed_weight: the claims that notebook 02 takes away one at
            a time; the weights are of the Dice loss and of the breed's (`BreedTaught`).
    """

    version = 1

    def __init__(
        self,
        *,
        widths: tuple[int, ...] = (64, 128, 256),
        depth: int = 2,
        up_depth: int = 1,
        attention_levels: int = 2,
        stem: int = 1,
        dropout: float = 0.1,
        norm: str = "batch",
        residual: bool = True,
        skips: bool = True,
        dice_weight: float = 1.0,
        breed_weight: float = 0.25,
        classes: int = 3,
        breeds: int = 37,
    ) -> None:
        super().__init__(dice_weight, breed_weight)
        self.skips = skips
        common = {"residual": residual, "kind": norm}
        self.encoder = ResidualPyramid(
            widths,
            depth=depth,
            attention_levels=attention_levels,
            stem=stem,
            dropout=dropout,
            **common,
        )
        attends = self.encoder.attends
        self.up = nn.ModuleList(
            Upsample(coarse, fine, attention=attend, **common)
            for (fine, coarse), attend in zip(pairwise(widths), attends[1:], strict=True)
        )
        merged = 2 if skips else 1
        self.decode = nn.ModuleList(
            stage(merged * width, width, up_depth, dropout=dropout * attend, **common)
            for width, attend in zip(widths[:-1], attends[:-1], strict=True)
        )
        self.head = nn.Sequential(
            normalise(widths[0], norm), nn.SiLU(), nn.Conv2d(widths[0], classes, 1)
        )
        self.breed = nn.Linear(widths[-1], breeds) if breed_weight else None

    def encode_image(self, image: Tensor) -> list[Tensor]:
        """The way down: features (B, widths[i], H/2^i, W/2^i) of each resolution, finest first."""
        return self.encoder(pad(image, self.encoder.strides[-1]))

    def decode_features(self, features: list[Tensor], image: Tensor) -> Tensor:
        """The way up: class scores (B, 3, H, W) at the size of ``image``."""
        x = features[-1]
        for level in reversed(range(len(self.up))):
            x = self.up[level](x)  # (B, widths[level], H/2^level, W/2^level)
            x = self.decode[level](torch.cat([x, features[level]], 1) if self.skips else x)
        return unpad(self.head(x), image, self.encoder.strides[-1])

    def stages(self, size: int) -> list[dict]:
        """The U as a table, for the reader: name, side, level, channels, size, attention."""
        levels = zip(
            self.encoder.channels, self.encoder.strides, self.encoder.attends, strict=True
        )
        rows = [
            {"level": level, "channels": width, "size": size // stride, "attention": attend}
            for level, (width, stride, attend) in enumerate(levels)
        ]
        down = [{"name": f"encode {row['level']}", "side": "down", **row} for row in rows]
        down[-1] |= {"side": "bottom"}
        up = [{"name": f"decode {row['level']}", "side": "up", **row} for row in rows[-2::-1]]
        return down + up
