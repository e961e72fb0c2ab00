"""Training of the point-prompted UNet on one animal among several: who is meant, who clicks how.

A batch's mask numbers the animals of a scene (`data.composites`). Of each scene some animals are
meant in turn; the others are ground. Users differ: some click first on what it is not, some near
the rim, some say nothing (all animals are the answer), some click on bare ground (no animal is).

Shapes: B scenes, T targets a scene, N = B·T, K animals, H W pixels, h w the mask's grid, M points.
Points are (x, y) in pixels of the grid; labels are 1 this animal, 0 not, -1 no click.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from common.config import GROUND, IGNORE, PET
from common.models.point.click_maps import squared_distances
from common.models.point.click_sampling import (
    NO_CLICK,
    Ask,
    correcting_clicks,
    deep,
    depth,
    random_points,
)

TARGETS = 2  # a scene: two answers of the decoder for one of the encoder
VISIBLE = 0.002  # of the frame: what shows less of itself is not meant
WRONG = 0.06  # share of the users whose first click is on bare ground
RIM = 0.4  # … that click anywhere on the animal, not deep inside
FIRST_NOT = 0.15  # … that also say what it is not, before the model has answered
AT_ONCE = 0.25  # share of the batches that give all clicks without the mask of before
FROM_AFAR = 0.3  # … whose mask of before is blurred, as one of a wider view is
LAST = 0.4  # share of the dialogues that end with each round
SPOT = 0.012  # of the frame's edge: the disk round a click that has to obey it
DOUBT = 0.06  # … round a click on bare ground, whose outline nobody knows


class Targets(NamedTuple):
    """What is meant: masks (N, H, W) of 1, 0, 255, and by whom.

    Attributes:
        truth: the animals meant.
        animals: the scene's, numbered from 1.
        blank: (N,) bool, the user does not click; every animal is meant.
        wrong: (N,) bool, the user clicks on bare ground; none is.
        species: (N,) from 0, -1 where there is none or more than one.
    """

    truth: Tensor
    animals: Tensor
    blank: Tensor
    wrong: Tensor
    species: Tensor


def choose_targets(animals: Tensor, species: Tensor, blank: float) -> Targets:
    """Animals to be meant, `TARGETS` of each scene, different ones where there are two.

    Args:
        animals: (B, H, W) of 0 ground, 1 to K, 255 border.
        species: (B, K) of each from 0, -1 where there is none.
        blank: share of the users who do not click.
    """
    numbers = torch.arange(1, species.shape[1] + 1, device=animals.device)
    area = torch.stack([(animals == n).flatten(1).sum(1) for n in numbers], 1)  # (B, K)
    weight = (area > VISIBLE * animals[0].numel()) * torch.rand_like(area.float())
    best = weight.topk(min(TARGETS, len(numbers)), dim=1)
    chosen = torch.where(best.values > 0, numbers[best.indices], 0)  # (B, up to T)
    chosen = torch.where(chosen > 0, chosen, chosen[:, :1])
    chosen = chosen[:, torch.arange(TARGETS) % chosen.shape[1]].flatten()  # (N,)
    animals, species = (x.repeat_interleave(TARGETS, 0) for x in (animals, species))
    draw, bare = torch.rand(len(chosen), device=animals.device), chosen == 0
    quiet = (draw < blank) | (bare & (draw < 0.6))
    wrong = ~quiet & ((draw < blank + WRONG) | bare)
    meant = (animals == chosen[:, None, None]) & ~bare[:, None, None]
    meant = torch.where(quiet[:, None, None], animals > 0, meant)
    truth = torch.where(animals == IGNORE, IGNORE, meant.to(animals.dtype))
    named = species.gather(1, (chosen - 1).clamp_min(0)[:, None])[:, 0]
    one = (species >= 0).sum(1) == 1
    named = torch.where(~bare & ~wrong & (~quiet | one), named, -1)
    return Targets(truth, animals, quiet, wrong, named)


def instance_clicks(
    ask: Ask, truth: Tensor, animals: Tensor, targets: Targets, rounds: int
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Points (N, M, 2), labels (N, M) and the logits before the last of them, or None.

    Args:
        ask: the network's logits (N, 1, h, w) under some clicks.
        truth, animals: those of ``targets`` on the mask's grid, (N, h, w).
        rounds: of clicks on the network's own mistakes, at most.
    """
    points, labels = _opening(truth, animals, targets)
    previous, silent = None, (targets.blank | targets.wrong)[:, None]
    while points.shape[1] < rounds + 2 and torch.rand(()) > LAST:
        previous = ask(points, labels, previous)
        found = previous[:, 0, : truth.shape[1], : truth.shape[2]] > 0
        point, label = correcting_clicks(found, truth)
        points = torch.cat([points, point], 1)
        labels = torch.cat([labels, label.masked_fill(silent, NO_CLICK)], 1)
    if previous is None or torch.rand(()) < AT_ONCE:
        return points, labels, None
    return points, labels, _from_afar(previous) if torch.rand(()) < FROM_AFAR else previous


def _opening(truth: Tensor, animals: Tensor, targets: Targets) -> tuple[Tensor, Tensor]:
    """The first click of each user and, of some, one on what it is not: (N, 2, 2), (N, 2)."""
    pet, draw = truth == PET, torch.rand(3, len(truth), 1, 1, device=truth.device)
    weight = torch.where(draw[0] < RIM, pet.float(), deep(depth(pet)))
    weight = torch.where(targets.wrong[:, None, None], (animals == 0).float(), weight)
    ground = truth == GROUND
    rival = ground & (animals > 0)  # another animal, where there is one and the user minds it
    rival = torch.where(rival.flatten(1).any(1)[:, None, None] & (draw[1] < 0.75), rival, ground)
    hesitant = (draw[2, :, 0, 0] < FIRST_NOT) & ~targets.wrong & rival.flatten(1).any(1)
    labels = torch.stack(
        [
            torch.where(weight.flatten(1).any(1), PET, NO_CLICK),
            torch.where(hesitant, GROUND, NO_CLICK),
        ],
        1,
    )
    points = torch.stack([random_points(weight), random_points(rival.float())], 1)
    return points, labels.masked_fill(targets.blank[:, None], NO_CLICK)


def _from_afar(logits: Tensor) -> Tensor:
    """Logits (N, 1, h, w) as a view sees them in which the animal is 2 to 5 times smaller."""
    scale = 0.2 + 0.3 * float(torch.rand(()))
    coarse = F.interpolate(logits.float(), scale_factor=scale, mode="bilinear", antialias=True)
    return F.interpolate(coarse, logits.shape[-2:], mode="bilinear")


def obeyed(targets: Targets, points: Tensor, labels: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The truth with every click's word on its spot, (N, H, W), and the spots of both labels.

    Round a click on bare ground it is 1 on the spot, then unknown: something lies there, but no
    animal, and nobody says how far it reaches.

    Args:
        points: (N, M, 2) in pixels of the photo.
        labels: (N, M).
    """
    truth, size = targets.truth, targets.truth.shape[-2:]
    far = squared_distances(points, size)  # (N, M, H, W)

    def near(label: int, share: float) -> Tensor:
        spots = (labels == label)[..., None, None] & (far <= (share * size[0]) ** 2)
        return spots.any(1)

    spot, no = near(PET, SPOT), near(GROUND, SPOT)
    wrong = targets.wrong[:, None, None]
    truth = torch.where(wrong & near(PET, DOUBT) & (targets.animals == 0), IGNORE, truth)
    truth = torch.where(no & (truth != IGNORE), GROUND, truth)
    return torch.where(spot & ((truth != IGNORE) | wrong), PET, truth), spot, no


def obedience_loss(logits: Tensor, spot: Tensor, no: Tensor) -> Tensor:
    """Cross-entropy of mask logits (N, H, W) on the spots of clicks."""
    told = spot | no
    loss = F.binary_cross_entropy_with_logits(logits, spot.float(), reduction="none")
    return (loss * told).sum() / told.sum().clamp_min(1)
