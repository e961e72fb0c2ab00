"""Segmentation on top of an image encoder: the query decoder, and the linear head beside it.

MAE-Seg and CLIP-Seg are `QuerySegmenter` with another encoder. `LinearSegmenter` stands beside it:
Segmenter (Strudel et al. 2021) gained only 1.6 mIoU over a linear head.

Shapes: B batch, H W pixels, Q mask tokens, K classes, h w the grid of the image tokens.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.config import IGNORE, UserError
from common.models.encoders.encoder import ImageEncoder
from common.models.encoders.packing import unpack
from common.models.losses import image_cross_entropy, segmentation_loss
from common.models.padding import pad, padded_size, padding, resize, unpad
from common.models.query.decoder import GRID, QueryDecoder, semantic_scores
from common.models.query.matching import MATCHINGS, set_loss


class EncoderSegmenter(nn.Module):
    """What both heads share: an encoder, and photos padded to its grids.

    Args:
        encoder: of photos; its weights stay out of the checkpoint where it is a `FrozenEncoder`.
            None leaves the photo's pixels alone.
    """

    version = 1
    inputs = ("image", "mask")

    def __init__(self, encoder: ImageEncoder | None) -> None:
        super().__init__()
        self.encoder = encoder
        self.channels: tuple[int, ...] = encoder.channels if encoder is not None else ()
        self.strides: tuple[int, ...] = encoder.strides if encoder is not None else ()
        self.divisor = math.lcm(max(self.strides, default=4 * GRID), GRID)

    def encode_image(self, image: Tensor) -> list[Tensor]:
        """Feature maps of photos (B, 3, H, W); of a frozen encoder they may be kept."""
        return self.encoder(pad(image, self.divisor)) if self.encoder is not None else []

    def features_of(self, batch: dict[str, Tensor]) -> list[Tensor]:
        """`encode_image` of a batch's photos, or what it brings as ``features`` (B, F), packed.

        Kept features are brought where the network's ``inputs`` ask for them.
        """
        if "features" not in batch:
            return self.encode_image(batch["image"])
        size = padded_size(batch["image"], self.divisor)
        return unpack(batch["features"], self.channels, self.strides, size)


class QuerySegmenter(EncoderSegmenter):
    """Photo -> mask tokens, each with a class and a mask -> class scores.

    Args:
        encoder: of photos; None where ``stem`` is "only".
        queries, stem, width, depth, neck, classes: of `QueryDecoder`.
        breed_weight: of the breed's loss, which a neck has beside that of each place.
        matching: of `set_loss`.
    """

    def __init__(
        self,
        encoder: ImageEncoder | None,
        *,
        queries: int = 12,
        stem: bool | str = True,
        matching: str = "bipartite",
        width: int = 128,
        depth: int = 2,
        neck: tuple[int, ...] = (),
        breed_weight: float = 0.5,
        classes: int = 3,
    ) -> None:
        super().__init__(encoder)
        if matching not in MATCHINGS:
            known = ", ".join(MATCHINGS)
            raise UserError(f"matching {matching!r} is unknown; choose one of {known}")
        self.matching, self.breed_weight = matching, breed_weight
        self.divisor *= 2 ** len(neck)
        if neck:
            self.inputs = ("image", "mask", "breed")
        self.decoder = QueryDecoder(
            self.channels,
            self.strides,
            stem=stem,
            queries=queries,
            width=width,
            depth=depth,
            neck=neck,
            classes=classes,
        )

    def forward(self, image: Tensor) -> Tensor:
        """Class scores (B, 3, H, W) of photos (B, 3, H, W), float RGB in [0, 1].

        They are `semantic_scores`, logarithms: their softmax over classes is a probability.
        """
        class_logits, masks = self.decode_features(self.encode_image(image), image)
        return semantic_scores(class_logits, unpad(masks, image, self.divisor))

    def decode_features(self, features: list[Tensor], image: Tensor) -> tuple[Tensor, Tensor]:
        """Class logits (B, Q, K + 1), and mask logits on 1/4 of the padded photo."""
        return self.decoder(features, pad(image, self.divisor))

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Set loss of ``image`` and ``mask`` (B, H, W); a neck's lessons, with ``breed`` (B,)."""
        image = pad(batch["image"], self.divisor)
        target = F.pad(batch["mask"], padding(batch["image"], self.divisor), value=IGNORE)
        grids, skips = self.decoder.image_grids(self.features_of(batch), image)
        answer = self.decoder.answer(grids[-1], skips, image)
        loss = set_loss(*answer, target, self.matching)
        if len(grids) == 1:
            return loss
        breed, places = self.decoder.lessons(grids)
        loss = loss + self.breed_weight * image_cross_entropy(breed, batch["breed"])
        return loss + segmentation_loss(resize(places.float(), image.shape[-2:]), target)

    @torch.no_grad()
    def explain(self, image: Tensor) -> dict[str, Tensor]:
        """What each mask token says, for figures.

        Returns:
            classes: (B, Q, K + 1) probabilities, the last of "no object".
            masks: (B, Q, H, W) probabilities.
            attention: (B, layers, Q, h, w) shares over the padded photo's grid.
        """
        features = self.encode_image(image)
        class_logits, masks = self.decode_features(features, image)
        return {
            "classes": class_logits.float().softmax(-1),
            "masks": unpad(masks, image, self.divisor).sigmoid(),
            "attention": self.decoder.attention(features, pad(image, self.divisor)),
        }


class LinearSegmenter(EncoderSegmenter):
    """The honest minimum: standardise each channel, one 1×1 convolution, resize.

    It is a 1×1 convolution of the concatenated taps resized to the finest, computed a tap at a
    time (both are linear). Standardising as in MAE's linear probe: a batch norm without weights.
    """

    def __init__(self, encoder: ImageEncoder, *, classes: int = 3) -> None:
        super().__init__(encoder)
        last = len(self.channels) - 1  # one bias is enough for the sum
        self.head = nn.ModuleList(
            nn.Sequential(
                nn.BatchNorm2d(c, affine=False), nn.Conv2d(c, classes, 1, bias=i == last)
            )
            for i, c in enumerate(self.channels)
        )

    def forward(self, image: Tensor) -> Tensor:
        """Class scores (B, 3, H, W) of photos (B, 3, H, W), float RGB in [0, 1]."""
        return self.decode_features(self.encode_image(image), image)

    def decode_features(self, features: list[Tensor], image: Tensor) -> Tensor:
        """Class scores (B, 3, H, W) at the size of ``image``."""
        maps = [head(feature) for head, feature in zip(self.head, features, strict=True)]
        finest = max(tuple(x.shape[-2:]) for x in maps)
        scores = [resize(x.float(), finest) for x in maps]
        return unpad(torch.stack(scores).sum(0), image, self.divisor)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Cross-entropy + Dice of ``image`` and ``mask`` (B, H, W)."""
        scores = self.decode_features(self.features_of(batch), batch["image"])
        return segmentation_loss(scores, batch["mask"])
