"""The point-prompted UNet: the photo passes the encoder once, then each click costs little.

A click map of the pet, one of the ground, and the previous mask join the *decoder*, at each of
its resolutions. The coursework's diagram joins them to the photo instead (``prompt="input"``):
then the whole network runs again at each click. Trained iteratively as in RITM (Sofiiuk et al.
2021): up to three rounds of clicks on the network's own mistakes.

Shapes: B batch, H W the photo given, h w half of it, C channels, M points. Points are (x, y) in
pixels of the photo given; labels are 1 pet, 0 not the pet, -1 no click (padding).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.config import IGNORE, mask_iou
from common.models.encoders.encoder import FrozenEncoder
from common.models.losses import image_cross_entropy, segmentation_loss
from common.models.padding import pad, unpad
from common.models.point.click_maps import click_maps, proximity_maps
from common.models.point.click_sampling import Ask, robot_clicks
from common.models.point.decoder import PromptDecoder
from common.models.point.grid import GRID, from_grid, repeated, small, to_grid
from common.models.point.instances import (
    TARGETS,
    choose_targets,
    instance_clicks,
    obedience_loss,
    obeyed,
)
from common.models.point.pyramid import image_pyramid
from common.models.point.species import CLASSIFIER, cat_or_dog

OBEDIENCE = 0.5  # weight of the clicks' spots in the loss


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
        instances: a click means one animal among several (`instances`): its species is that of
            the places under its mask (`species`), and a predictor may look at it from near.
        proximity: ranges of `proximity_maps`, seen beside the clicks; () leaves them out.
        attending: of `PromptDecoder`.
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
        instances: bool = False,
        proximity: tuple[float, ...] = (),
        attending: int = 1,
    ) -> None:
        super().__init__()
        self.radius, self.kind, self.previous = radius, kind, previous
        self.rounds, self.blank = rounds, blank
        self.instances, self.proximity = instances, tuple(proximity)
        self.encoder = image_pyramid(encoder)
        channels, maps = self.encoder.channels, 3 + 2 * len(self.proximity)
        at_input = prompt == "input"
        self.join = nn.Conv2d(maps, 3, 3, padding=1, bias=False) if at_input else None
        self.decoder = PromptDecoder(
            channels, widths, c_prompt=0 if at_input else maps, attending=attending
        )
        self.species = None if instances else nn.Linear(channels[-1], 2)
        self.classifier = FrozenEncoder(CLASSIFIER) if instances else None

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
        classes = {} if self.classifier is None else {"classes": self.classes(image)}
        return self.features(image) | classes

    def features(self, image: Tensor) -> dict[str, list[Tensor] | Tensor]:
        """`encode_image` without what the mask does not need."""
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
            features: of `encode_image` (or `features`, then the species is not told).
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
        out = {"mask": mask, "quality": quality}
        if self.species is not None or "classes" in features:
            out["species"] = self.species_of(pyramid[-1], features.get("classes"), mask)
        return out

    def classes(self, image: Tensor) -> Tensor:
        """Of `species`, what its classifier says of photos (B, 3, H, W): only of ``instances``."""
        assert self.classifier is not None
        return self.classifier(pad(image, self.encoder.strides[-1]))[0]

    def species_of(self, coarsest: Tensor, classes: Tensor | None, mask: Tensor) -> Tensor:
        """Logits (B, 2): of the photo's last map or, with ``instances``, as `cat_or_dog`."""
        if self.species is not None:
            return self.species(coarsest.mean((2, 3)))
        return cat_or_dog(classes, mask)

    def prompt_maps(
        self, image: Tensor, points: Tensor | None, labels: Tensor | None, previous: Tensor | None
    ) -> Tensor:
        """Click maps, the mask before and proximity maps, on the mask's grid: (B, P, h, w)."""
        count, size = len(image), (image.shape[-2] // GRID, image.shape[-1] // GRID)
        if points is None or labels is None:
            points = image.new_zeros(count, 0, 2)
            labels = torch.zeros(count, 0, dtype=torch.long, device=image.device)
        points = to_grid(points)
        maps = click_maps(points, labels, size, self.radius, self.kind)
        if previous is None or not self.previous:
            before = maps.new_zeros(count, 1, *size)
        else:
            before = previous.float().sigmoid()
        if not self.proximity:
            return torch.cat([maps, before], 1)
        return torch.cat([maps, before, proximity_maps(points, labels, size, self.proximity)], 1)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Mask (cross-entropy and Dice), species and quality after some rounds of clicks."""
        if self.instances:
            return self.instance_loss(batch)
        mask = batch["mask"]  # (B, H, W)
        truth = torch.where(mask == IGNORE, IGNORE, (mask > 0).to(mask.dtype))
        features = self.encode_image(batch["image"])
        ask = self.answerer(features)
        points, labels, previous = robot_clicks(ask, small(truth), self.rounds, self.blank)
        out = self.decode_clicks(features, from_grid(points), labels, previous)
        logits = unpad(out["mask"], batch["image"], self.encoder.strides[-1])
        two = torch.cat([torch.zeros_like(logits), logits], 1)  # softmax of (0, z) = sigmoid(z)
        quality = F.mse_loss(out["quality"], mask_iou(logits[:, 0] > 0, truth))
        species = image_cross_entropy(out["species"], batch["species"])
        return segmentation_loss(two, truth) + 0.25 * species + quality

    def instance_loss(self, batch: dict[str, Tensor]) -> Tensor:
        """The same for animals of scenes (`instances`), with the word of each click on its spot.

        A photo of one animal, as `PetDataset` gives it, is a scene as well.
        """
        mask, species = batch["mask"], batch["species"]
        if species.ndim == 1:
            mask = torch.where(mask == IGNORE, IGNORE, (mask > 0).to(mask.dtype))
            species = species[:, None]
        targets = choose_targets(mask, species, self.blank)
        image, features = batch["image"], repeated(self.features(batch["image"]), TARGETS)
        grid = small(targets.truth), small(targets.animals)
        ask = self.answerer(features)
        points, labels, previous = instance_clicks(ask, *grid, targets, self.rounds)
        points = from_grid(points)
        out = self.decode_clicks(features, points, labels, previous)
        logits = unpad(out["mask"], image, self.encoder.strides[-1])
        wanted, spot, no = obeyed(targets, points, labels)
        two = torch.cat([torch.zeros_like(logits), logits], 1)
        expected = mask_iou(logits[:, 0] > 0, targets.truth).masked_fill(targets.wrong, 0.0)
        return (
            segmentation_loss(two, wanted)
            + OBEDIENCE * obedience_loss(logits[:, 0], spot, no)
            + F.mse_loss(out["quality"], expected)
        )

    def answerer(self, features: dict) -> Ask:
        """What simulated users ask in training: points on the grid in, logits (B, 1, h, w) out."""

        @torch.no_grad()
        def ask(points: Tensor, labels: Tensor, previous: Tensor | None) -> Tensor:
            return self.decode_clicks(features, from_grid(points), labels, previous)["mask"]

        return ask
