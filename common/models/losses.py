"""What a segmentation model is asked to make small: cross-entropy and soft Dice, and the breed."""

import torch
import torch.distributed as dist
import torch.nn.functional as F
from torch import Tensor, nn

from common.config import IGNORE


def weight_among_processes(count: Tensor) -> Tensor | float:
    """What this process's mean over ``count`` things weighs; 1 where it is alone.

    Gradients are averaged over processes, which have batches of as many photos but not of as many
    pixels that count. A mean of so much weight averages to that over all things of the global
    batch (as DETR, Carion et al. 2020, counts its boxes).
    """
    if not (dist.is_available() and dist.is_initialized() and torch.is_grad_enabled()):
        return 1.0  # scores, without gradients, are taken by each process for itself
    total = count.detach().double()
    dist.all_reduce(total)
    return count * (dist.get_world_size() / total.clamp_min(1e-9)).float()


def soft_dice_loss(logits: Tensor, target: Tensor, smooth: float = 1.0) -> Tensor:
    """1 − mean soft Dice over the classes of each photo (Milletari et al. 2016).

    Border pixels take part in neither the prediction nor the truth. A class that a photo lacks
    still counts: its Dice is high only where nothing is predicted for it.

    Args:
        logits: (B, K, H, W).
        target: (B, H, W) integer classes, 255 ignored.
    """
    valid = (target != IGNORE).unsqueeze(1)  # (B, 1, H, W)
    probability = logits.float().softmax(1) * valid
    truth = F.one_hot(target.long() * valid[:, 0], logits.shape[1]).movedim(-1, 1) * valid
    overlap = (probability * truth).sum((2, 3))  # (B, K)
    total = probability.sum((2, 3)) + truth.sum((2, 3))
    return 1 - ((2 * overlap + smooth) / (total + smooth)).mean()


def segmentation_loss(logits: Tensor, target: Tensor, *, dice_weight: float = 1.0) -> Tensor:
    """Pixel cross-entropy plus ``dice_weight`` times soft Dice; border pixels are ignored.

    Args:
        logits: (B, K, H, W).
        target: (B, H, W) integer classes, 255 ignored. A batch of nothing but border gives 0.
    """
    pixels = F.cross_entropy(logits.float(), target.long(), ignore_index=IGNORE, reduction="sum")
    count = (target != IGNORE).sum()
    loss = pixels / count.clamp_min(1) * weight_among_processes(count)
    if dice_weight:
        loss = loss + dice_weight * soft_dice_loss(logits, target)
    return loss


def image_cross_entropy(logits: Tensor, label: Tensor) -> Tensor:
    """Cross-entropy of a whole photo's label. logits (B, K), label (B,), where -1 is none."""
    total = F.cross_entropy(logits.float(), label.long(), ignore_index=-1, reduction="sum")
    count = (label >= 0).sum()
    return total / count.clamp_min(1) * weight_among_processes(count)


class BreedTaught(nn.Module):
    """A segmenter whose coarsest features learn the breed too; nothing asks it of them later.

    Knowing the breed teaches them what tells animals apart. A network of this kind has
    ``encode_image``, ``decode_features`` and, if it is taught, the linear layer ``breed``.
    """

    inputs = ("image", "mask", "breed")
    breed: nn.Module | None

    def __init__(self, dice_weight: float, breed_weight: float) -> None:
        super().__init__()
        self.dice_weight, self.breed_weight = dice_weight, breed_weight

    def forward(self, image: Tensor) -> Tensor:
        """Class scores (B, 3, H, W) of photos (B, 3, H, W), float RGB in [0, 1]."""
        return self.decode_features(self.encode_image(image), image)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Cross-entropy + Dice of ``image`` and ``mask`` (B, H, W), and the ``breed``'s (B,)."""
        features = self.encode_image(batch["image"])
        scores = self.decode_features(features, batch["image"])
        loss = segmentation_loss(scores, batch["mask"], dice_weight=self.dice_weight)
        if self.breed is None:
            return loss
        breed = self.breed(features[-1].mean((2, 3)))
        return loss + self.breed_weight * image_cross_entropy(breed, batch["breed"])
