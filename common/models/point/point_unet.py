"""The point-prompted UNet: the photo passes the encoder once, then each click costs little.

A click map of the pet, one of the ground, and the previous mask join the *decoder*, at each of
its resolutions. The coursework's diagram joins them to the photo instead (``prompt="input"``):
then the whole network runs again at each click. Trained iteratively as in RITM (Sofiiuk et al.
2021): up to three rounds of clicks on the network's own mistakes.

Shapes: B batch, H W the photo given, h w half of it, C channels, M points. Points are (x, y) in
pixels of the photo given; labels are 1 pet, 0 not the pet, -1 no click (padding).
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.config import IGNORE, PET, mask_iou
from common.models.losses import image_cross_entropy, segmentation_loss
from common.models.padding import pad, unpad
from common.models.point.click_maps import click_maps
from common.models.point.click_sampling import NO_CLICK, correcting_clicks, first_clicks
from common.models.point.decoder import PromptDecoder
from common.models.point.pyramid import image_pyramid

GRID = 2  # pixels of the photo for one of the mask's


class PointUNet(nn.Module):
    """Photo and clicks -> the pet's mask, its species, and how good the mask is likely to be.

    Args:
        encoder: of `image_pyramid`: "lite0" (ImageNet weights) or "residual" (from scratch).
        widths: channels of the decoder's levels, finest first, one for each of the encoder's.
        radius: of a click's disk (or σ of its Gaussian) in pixels of the mask's grid.
        kind: of `click_maps`, "disk" or "gaussian".
        prompt: "decoder", or "input" to join the photo.
        previous: whether the network sees its mask of before.
        rounds: of training clicks on the network's own mistakes, at most.
        blank: share of the training photos that get no click at all.
    """

    version = 1
    inputs = ("image", "mask", "species")

    def __init__(
        self,
        *,
        encoder: str = "lite0",
        widths: tuple[int, ...] = (24, 48, 64, 96, 128),
        radius: float = 3.0,
        kind: str = "disk",
        prompt: str = "decoder",
        previous: bool = True,
        rounds: int = 3,
        blank: float = 0.15,
    ) -> None:
        super().__init__()
        self.radius, self.kind, self.previous = radius, kind, previous
        self.rounds, self.blank = rounds, blank
        self.encoder = image_pyramid(encoder)
        self.join = nn.Conv2d(3, 3, 3, padding=1, bias=False) if prompt == "input" else None
        self.decoder = PromptDecoder(self.encoder.channels, widths, prompted=prompt == "decoder")
        self.species = nn.Linear(self.encoder.channels[-1], 2)

    def forward(
        self, image: Tensor, points: Tensor | None = None, labels: Tensor | None = None
    ) -> Tensor:
        """Class scores (B, 3, H, W): the probability of the clicks' mask goes to the species.

        Their softmax over classes is the probability of ground, cat and dog. Arguments as of
        `encode_image` and `decode_clicks`; without points it is the answer before any click.
        """
        out = self.decode_clicks(self.encode_image(image), points, labels)
        mask = unpad(out["mask"], image, self.encoder.strides[-1])
        species = out["species"].float().log_softmax(1)[..., None, None]  # (B, 2, 1, 1)
        return torch.cat([F.logsigmoid(-mask), F.logsigmoid(mask) + species], 1)

    def encode_image(self, image: Tensor) -> dict[str, list[Tensor] | Tensor]:
        """What clicks do not change, of photos (B, 3, H, W) in [0, 1]: done once a photo."""
        image = pad(image, self.encoder.strides[-1])
        return {"image": image} if self.join else {"image": image, "pyramid": self.encoder(image)}

    def decode_clicks(
        self,
        features: dict,
        points: Tensor | None = None,
        labels: Tensor | None = None,
        previous: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """What the clicks so far make of a photo.

        Args:
            features: of `encode_image`.
            points, labels: (B, M, 2) and (B, M); none at all is fine.
            previous: (B, 1, h, w) mask logits that an earlier call returned.

        Returns:
            mask: (B, 1, h, w) logits on the padded photo's grid, halved.
            species: (B, 2) logits of cat and dog.
            quality: (B,) the IoU that the mask is likely to have, in [0, 1].
        """
        image = features["image"]
        prompt = self.prompt_maps(image, points, labels, previous)
        if self.join:
            full = F.interpolate(prompt, scale_factor=float(GRID), mode="nearest")
            pyramid = self.encoder(image + self.join(full))
        else:
            pyramid = features["pyramid"]
        mask, quality = self.decoder(pyramid, prompt)
        species = self.species(pyramid[-1].mean((2, 3)))
        return {"mask": mask, "species": species, "quality": quality}

    def prompt_maps(
        self, image: Tensor, points: Tensor | None, labels: Tensor | None, previous: Tensor | None
    ) -> Tensor:
        """Click maps and the mask before, on the mask's grid: (B, 3, h, w)."""
        count, size = len(image), (image.shape[-2] // GRID, image.shape[-1] // GRID)
        if points is None or labels is None:
            points = image.new_zeros(count, 0, 2)
            labels = torch.zeros(count, 0, dtype=torch.long, device=image.device)
        maps = click_maps(to_grid(points), labels, size, self.radius, self.kind)
        if previous is None or not self.previous:
            before = maps.new_zeros(count, 1, *size)
        else:
            before = previous.float().sigmoid()
        return torch.cat([maps, before], 1)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Mask (cross-entropy and Dice), species and quality after some rounds of clicks."""
        mask = batch["mask"]  # (B, H, W)
        truth = torch.where(mask == IGNORE, IGNORE, (mask > 0).to(mask.dtype))
        features = self.encode_image(batch["image"])
        points, labels, previous = self.simulate(features, small(truth))
        out = self.decode_clicks(features, points, labels, previous)
        logits = unpad(out["mask"], batch["image"], self.encoder.strides[-1])
        two = torch.cat([torch.zeros_like(logits), logits], 1)  # softmax of (0, z) = sigmoid(z)
        quality = F.mse_loss(out["quality"], mask_iou(logits[:, 0] > 0, truth))
        species = image_cross_entropy(out["species"], batch["species"])
        return segmentation_loss(two, truth) + 0.25 * species + quality

    @torch.no_grad()
    def simulate(self, features: dict, truth: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Clicks of a user in training, and the mask before the last of them.

        Args:
            features: of `encode_image`.
            truth: (B, h, w) on the mask's grid.

        Returns:
            points (B, M, 2) in pixels of the photo, labels (B, M), previous logits or None.
        """
        points, labels = first_clicks(truth == PET)
        blank = torch.rand(len(truth), device=truth.device) < self.blank
        labels = labels.masked_fill(blank[:, None], NO_CLICK)
        previous = None
        for _ in range(int(torch.randint(self.rounds + 1, ()))):
            previous = self.decode_clicks(features, from_grid(points), labels, previous)["mask"]
            predicted = previous[:, 0, : truth.shape[1], : truth.shape[2]] > 0
            point, label = correcting_clicks(predicted, truth)
            label = label.masked_fill(blank[:, None], NO_CLICK)
            points, labels = torch.cat([points, point], 1), torch.cat([labels, label], 1)
        return from_grid(points), labels, previous


def to_grid(points: Tensor) -> Tensor:
    """Points in pixels of the photo -> of the mask's grid; whole numbers are pixels' centres."""
    return (points - (GRID - 1) / 2) / GRID


def from_grid(points: Tensor) -> Tensor:
    """The way back of `to_grid`."""
    return points * GRID + (GRID - 1) / 2


def small(truth: Tensor) -> Tensor:
    """Truth (B, H, W) on the mask's grid, by nearest neighbour: (B, ceil(H/2), ceil(W/2))."""
    return truth[:, ::GRID, ::GRID]
