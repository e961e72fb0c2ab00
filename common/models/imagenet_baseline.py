"""Ordinary transfer learning: EfficientNet-Lite0 with its ImageNet weights and a light FPN.

After Tan and Le 2019 (EfficientNet; "Lite" leaves out what small devices cannot do) and Lin et
al. 2017 (feature pyramid networks). It says what a reader should expect of the same photos.

Shapes: B batch, C_i channels, H W pixels.
"""

from pathlib import Path

from torch import Tensor, nn

from common.models.encoders.encoder import ImageEncoder
from common.models.losses import BreedTaught
from common.models.padding import pad, resize, unpad


class Merge(nn.Module):
    """Coarse features and the encoder's of the next finer grid: -> (B, C_out, 2h, 2w).

    Channels are narrowed on the small grid, where it costs a quarter.
    """

    def __init__(self, c_coarse: int, c_fine: int, c_out: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(c_coarse, c_out, 1, bias=False)
        self.lateral = nn.Conv2d(c_fine, c_out, 1, bias=False)
        self.mix = nn.Sequential(
            nn.BatchNorm2d(c_out),
            nn.SiLU(inplace=True),
            nn.Conv2d(c_out, c_out, 3, padding=1, bias=False),
            nn.BatchNorm2d(c_out),
            nn.SiLU(inplace=True),
        )

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        return self.mix(resize(self.narrow(coarse), fine.shape[-2:]) + self.lateral(fine))


class ImageNetBaseline(BreedTaught):
    """Photo -> class scores, the encoder fine-tuned with the decoder.

    Args:
        widths: channels of the decoder's grids, finest first; with four of them the finest is
            1/2 of the photo, with three 1/4.
        dice_weight, breed_weight: of the Dice loss, and of the breed's (`BreedTaught`).
        random, checkpoint, sha256: of `ImageEncoder`; random weights are the control of what
            ImageNet gives.
    """

    version = 1

    def __init__(
        self,
        *,
        widths: tuple[int, ...] = (32, 64, 64, 96),
        dice_weight: float = 1.0,
        breed_weight: float = 0.25,
        random: bool = False,
        checkpoint: str | Path | None = None,
        sha256: str = "",
        classes: int = 3,
        breeds: int = 37,
    ) -> None:
        super().__init__(dice_weight, breed_weight)
        self.encoder = ImageEncoder(
            "lite0",
            taps=tuple(range(4 - len(widths), 5)),
            checkpoint=checkpoint,
            sha256=sha256,
            random=random,
        )
        channels = self.encoder.channels
        self.merges = nn.ModuleList(
            Merge(coarse, fine, out)
            for coarse, fine, out in zip(
                (*widths[1:], channels[-1]), channels[:-1], widths, strict=True
            )
        )
        self.head = nn.Sequential(nn.Conv2d(widths[0], classes, 1))
        self.breed = nn.Linear(channels[-1], breeds) if breed_weight else None

    def encode_image(self, image: Tensor) -> list[Tensor]:
        """Features (B, C_i, H/2^i, W/2^i) of the padded photo, finest first."""
        return self.encoder(pad(image, self.encoder.strides[-1]))

    def decode_features(self, features: list[Tensor], image: Tensor) -> Tensor:
        """Class scores (B, 3, H, W) at the size of ``image``."""
        x = features[-1]
        for merge, fine in zip(reversed(self.merges), reversed(features[:-1]), strict=True):
            x = merge(x, fine)
        return unpad(self.head(x), image, self.encoder.strides[-1])
