"""Which mask token answers for which region, and what that costs: MaskFormer's set loss.

After Carion et al. 2020 (DETR: bipartite matching) and Cheng et al. 2021 (MaskFormer). The regions
of a photo are the classes that it shows, the background among them. Border pixels (255) count
nowhere.

Shapes: B batch, Q mask tokens, K classes, H W pixels, h w the grid of the masks.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from common.config import IGNORE
from common.models.layers import full_precision
from common.models.losses import weight_among_processes

MATCHINGS = ("bipartite", "fixed")
NO_OBJECT = 0.1  # weight of "no object" in the class loss: most tokens stay without a region
MASK_WEIGHT, DICE_WEIGHT = 20.0, 1.0
ALPHA, GAMMA = 0.25, 2.0  # of the focal loss (Lin et al. 2017)


def set_loss(
    class_logits: Tensor, mask_logits: Tensor, target: Tensor, matching: str = "bipartite"
) -> Tensor:
    """Class loss of all tokens plus mask loss of those that have a region.

    Args:
        class_logits: (B, Q, K + 1), the last for "no object".
        mask_logits: (B, Q, h, w), of any grid over the same photo.
        target: (B, H, W) integer classes, 255 ignored.
        matching: "bipartite" (the cheapest pairing), or "fixed": token k answers for class k, as
            in Segmenter (Strudel et al. 2021).
    """
    with full_precision(mask_logits):
        class_logits, mask_logits = class_logits.float(), mask_logits.float()
        truth, valid = regions(target, class_logits.shape[-1] - 1)
        present = truth.flatten(2).any(2)  # (B, K)
        chosen = choose_tokens(class_logits, mask_logits, truth, valid, matching)  # (B, K)
        rows = torch.arange(len(chosen), device=chosen.device)[:, None]
        masks = F.interpolate(mask_logits[rows, chosen], target.shape[-2:], mode="bilinear")
        pairs = mask_costs(masks, truth, valid).diagonal(dim1=1, dim2=2)  # (B, K)
        count = present.sum()
        masks_loss = (pairs * present).sum() / count.clamp_min(1) * weight_among_processes(count)
        return class_loss(class_logits, chosen, present) + masks_loss


def regions(target: Tensor, classes: int) -> tuple[Tensor, Tensor]:
    """A photo's classes as binary masks (B, K, H, W), and where they count (B, 1, H, W)."""
    valid = (target != IGNORE).unsqueeze(1)
    truth = F.one_hot(target.long() * valid[:, 0], classes).movedim(-1, 1) * valid
    return truth.float(), valid.float()


@torch.no_grad()
def choose_tokens(
    class_logits: Tensor, mask_logits: Tensor, truth: Tensor, valid: Tensor, matching: str
) -> Tensor:
    """Token of each class (B, K), judged on the grid of the masks; of absent classes any."""
    classes = truth.shape[1]
    if matching == "fixed":
        return torch.arange(classes, device=truth.device).expand(len(truth), -1)
    height, width = mask_logits.shape[-2:]
    small, counted = (F.adaptive_avg_pool2d(x, (height, width)) for x in (truth, valid))
    cost = mask_costs(mask_logits, small, counted) - class_logits.softmax(-1)[..., :classes]
    return cheapest_pairing(cost * truth.flatten(2).any(2)[:, None])


def cheapest_pairing(cost: Tensor) -> Tensor:
    """Distinct tokens of least total cost: (B, Q, K) -> (B, K), Q ≥ K.

    Exact, and of constant work whatever Q: at most K − 1 tokens are taken by other classes, so
    that one of the K cheapest of a class is free. All K^K choices among those are compared.
    """
    classes = cost.shape[-1]
    best, token = cost.topk(classes, dim=1, largest=False)  # (B, K candidates, K)
    column = torch.arange(classes, device=cost.device)
    ranks = torch.cartesian_prod(*[column] * classes).view(-1, classes)  # (K^K, K)
    picked = token[:, ranks, column]  # (B, K^K, K)
    same = picked[..., :, None] == picked[..., None, :]  # a token and itself: K pairs are alike
    clash = same.sum((-2, -1)) > classes
    total = best[:, ranks, column].sum(-1).masked_fill(clash, torch.inf)
    return picked[torch.arange(len(cost), device=cost.device), total.argmin(1)]


def mask_costs(mask_logits: Tensor, truth: Tensor, valid: Tensor) -> Tensor:
    """Weighted focal and Dice loss of every mask against every region: (B, Q, K).

    Args:
        mask_logits: (B, Q, h, w).
        truth: (B, K, h, w) share of a pixel that is of the class, in [0, 1].
        valid: (B, 1, h, w) share of a pixel that counts.
    """
    probability = mask_logits.sigmoid()
    inside = ALPHA * (1 - probability) ** GAMMA * F.softplus(-mask_logits)
    outside = (1 - ALPHA) * probability**GAMMA * F.softplus(mask_logits)
    focal = overlap(inside, truth) + overlap(outside, valid - truth)
    focal = focal / valid.sum((2, 3)).clamp_min(1)[..., None]
    areas = overlap(probability, valid) + truth.sum((2, 3))[:, None]
    dice = 1 - (2 * overlap(probability, truth) + 1) / (areas + 1)
    return MASK_WEIGHT * focal + DICE_WEIGHT * dice


def overlap(masks: Tensor, regions: Tensor) -> Tensor:
    """Sums of products over the pixels: (B, Q, h, w), (B, K, h, w) -> (B, Q, K)."""
    return torch.einsum("bqhw,bkhw->bqk", masks, regions)


def class_loss(class_logits: Tensor, chosen: Tensor, present: Tensor) -> Tensor:
    """Cross-entropy of the tokens' classes; a token without a region should say "no object"."""
    no_object = class_logits.shape[-1] - 1
    classes = torch.arange(no_object, device=chosen.device).expand_as(chosen)  # (B, K)
    target = torch.full(class_logits.shape[:2], no_object, device=chosen.device)  # (B, Q)
    target.scatter_(1, chosen, classes.masked_fill(~present, no_object))
    weight = class_logits.new_ones(no_object + 1)
    weight[no_object] = NO_OBJECT
    mean = F.cross_entropy(class_logits.flatten(0, 1), target.flatten(), weight)
    return mean * weight_among_processes(weight[target].sum())
