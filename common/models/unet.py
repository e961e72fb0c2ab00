"""The custom UNet: residual stages, attention where the grid is small, skips copied across.

After Ronneberger et al. 2015 (the U and its skips), He et al. 2016 (residual blocks) and the
UNets of diffusion models, Ho et al. 2020 (attention at the low resolutions).
"""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor, nn

from common.models.layers import Downsample, Normalize, ResidualBlock, SelfAttention, Upsample
from common.models.layers import norm as normalise
from common.models.losses import image_cross_entropy, segmentation_loss
from common.models.padding import pad, unpad


class UNet(nn.Module):
    """Photo -> class scores, one residual stage a resolution.

    Args:
        widths: channels of each resolution, finest first; each step halves the grid.
        depth: residual blocks of a stage on the way down (two convolutions each).
        up_depth: residual blocks of a stage on the way up.
        attention_levels: how many of the coarsest resolutions attend.
        stem: the first convolution's stride; 2 lets the finest stage work on half the grid.
        dropout: of whole channels, in the stages of the coarse, attending resolutions.
        norm: "batch" or "group"; notebook 02 compares them.
        residual, skips, dice_weight, breed_weight: the claims that notebook 02 takes away one at
            a time. The breed is asked of the coarsest features in training only: it teaches them
            what tells animals apart, and nothing of it is used to segment.
    """

    version = 1
    inputs = ("image", "mask", "breed")

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
        super().__init__()
        self.skips = skips
        self.dice_weight, self.breed_weight = dice_weight, breed_weight
        self.divisor = stem * 2 ** (len(widths) - 1)
        coarse = [level >= len(widths) - attention_levels for level in range(len(widths))]
        common = {"residual": residual, "kind": norm}

        def stage(c_in: int, c_out: int, level: int, blocks: int) -> nn.Sequential:
            block = partial(ResidualBlock, dropout=dropout if coarse[level] else 0.0, **common)
            return nn.Sequential(
                block(c_in, c_out), *(block(c_out, c_out) for _ in range(blocks - 1))
            )

        self.normalize = Normalize((0.5, 0.5, 0.5), (0.25, 0.25, 0.25))
        self.stem = nn.Conv2d(3, widths[0], 3 if stem == 1 else 2 * stem, stem, padding=1)
        self.encode = nn.ModuleList(stage(w, w, i, depth) for i, w in enumerate(widths))
        pairs = list(zip(widths, widths[1:], coarse[1:], strict=False))
        self.down = nn.ModuleList(
            Downsample(a, b, attention=attend, **common) for a, b, attend in pairs
        )
        self.up = nn.ModuleList(
            Upsample(b, a, attention=attend, **common) for a, b, attend in pairs
        )
        merged = 2 if skips else 1
        self.decode = nn.ModuleList(
            stage(merged * w, w, i, up_depth) for i, w in enumerate(widths[:-1])
        )
        self.head = nn.Sequential(
            normalise(widths[0], norm), nn.SiLU(), nn.Conv2d(widths[0], classes, 1)
        )
        self.breed = nn.Linear(widths[-1], breeds) if breed_weight else None

    def forward(self, image: Tensor) -> Tensor:
        """Class scores (B, 3, H, W) of photos (B, 3, H, W), float RGB in [0, 1]."""
        return self.decode_features(self.encode_image(image), image)

    def encode_image(self, image: Tensor) -> list[Tensor]:
        """The way down: features (B, widths[i], H/2^i, W/2^i) of each resolution, finest first."""
        x = self.stem(pad(self.normalize(image), self.divisor))
        features = []
        for level, encode in enumerate(self.encode):
            x = encode(x if level == 0 else self.down[level - 1](x))
            features.append(x)
        return features

    def decode_features(self, features: list[Tensor], image: Tensor) -> Tensor:
        """The way up: class scores (B, 3, H, W) at the size of ``image``."""
        x = features[-1]
        for level in reversed(range(len(self.up))):
            x = self.up[level](x)
            x = self.decode[level](torch.cat([x, features[level]], 1) if self.skips else x)
        return unpad(self.head(x), image, self.divisor)

    def stages(self, size: int) -> list[dict]:
        """The U as a table, for the reader: name, side, level, channels, size, attention."""
        grid = size // self.stem.stride[0]
        widths = [encode[0].body[2].out_channels for encode in self.encode]
        attends = [False, *(isinstance(down.attend, SelfAttention) for down in self.down)]
        rows = [
            {"level": level, "channels": width, "size": grid // 2**level, "attention": attend}
            for level, (width, attend) in enumerate(zip(widths, attends, strict=True))
        ]
        down = [{"name": f"encode {row['level']}", "side": "down", **row} for row in rows]
        down[-1] |= {"side": "bottom"}
        up = [{"name": f"decode {row['level']}", "side": "up", **row} for row in rows[-2::-1]]
        return down + up

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Cross-entropy + Dice of ``image`` and ``mask`` (B, H, W), and the ``breed``'s (B,)."""
        features = self.encode_image(batch["image"])
        scores = self.decode_features(features, batch["image"])
        loss = segmentation_loss(scores, batch["mask"], dice_weight=self.dice_weight)
        if self.breed is None:
            return loss
        breed = self.breed(features[-1].mean((2, 3)))
        return loss + self.breed_weight * image_cross_entropy(breed, batch["breed"])
