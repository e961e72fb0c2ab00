"""Cat or dog, of the animal under a mask: what ImageNet's classifier says of the places it covers.

A head trained on the coursework's photos learns that an animal on grass is a dog: of 493 outdoor
cats it knew six in ten. ImageNet's classifier has seen cats of every kind, everywhere; all that
the photos at hand add is where between its two sums of classes the border lies.

Shapes: B batch, K classes, h w the classifier's grid, H W a multiple of it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from common.models.encoders.recipes import CATS, DOGS

CLASSIFIER = "lite0_pets"  # of `ENCODERS`: the classes of dogs, then of cats
SURROUNDINGS = 0.1  # weight of a place next to the mask: an animal is known by where it sits, too
TINY = 1e-6  # weight of every place where there is no mask
# fitted by `training.species` on training photos; the border is below 0, as 118 breeds of dogs
# stand against 13 kinds of cats
SCALE, BORDER = 1.06, -5.22


def evidence(classes: Tensor, mask: Tensor) -> Tensor:
    """Log-odds (B,) of a cat against a dog by ImageNet's classes, pooled over a mask.

    Args:
        classes: (B, K, h, w) logits of `DOGS` and `CATS`.
        mask: (B, 1, H, W) logits.
    """
    share = F.avg_pool2d(mask.detach().float().sigmoid(), mask.shape[-1] // classes.shape[-1])
    weight = share + SURROUNDINGS * F.max_pool2d(share, 3, 1, 1) + TINY
    pooled = (classes.float() * weight).sum((2, 3)) / weight.sum((2, 3))  # (B, K)
    dogs, cats = pooled.split([len(DOGS), len(CATS)], 1)
    return torch.logsumexp(cats, 1) - torch.logsumexp(dogs, 1)


def cat_or_dog(classes: Tensor, mask: Tensor) -> Tensor:
    """Logits (B, 2) of cat and dog; arguments as of `evidence`."""
    odds = SCALE * (evidence(classes, mask) - BORDER)
    return torch.stack([odds, -odds], 1) / 2
