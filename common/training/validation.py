"""Validation during training: scores at the cache's size, from one confusion matrix."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from torch import Tensor, nn

from common.config import CLASSES, IGNORE, iou
from common.data.dataset import PetCache, PetDataset, to_float

VERSION = 1  # raise it when the same network would get another score


def confusion(predicted: Tensor, target: Tensor) -> Tensor:
    """Pixel counts (3, 3): row = true class, column = predicted; border pixels left out."""
    valid = target != IGNORE
    code = target[valid].long() * len(CLASSES) + predicted[valid].long()
    return torch.bincount(code, minlength=len(CLASSES) ** 2).view(len(CLASSES), len(CLASSES))


@torch.inference_mode()
def quick_scores(
    model: nn.Module, cache: PetCache, split: str, accelerator: Accelerator, batch: int = 64
) -> dict[str, float]:
    """val_miou and val_iou_CLASS of a split; each process takes its share of the photos."""
    rows = cache.rows(split)[accelerator.process_index :: accelerator.num_processes]
    data = PetDataset(cache, rows)
    counts = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.long, device=accelerator.device)
    model.eval()
    for start in range(0, len(rows), batch):
        items = [data[i] for i in range(start, min(start + batch, len(rows)))]
        image = to_float(torch.stack([item["image"] for item in items]).to(accelerator.device))
        mask = torch.stack([item["mask"] for item in items]).to(accelerator.device)
        counts += confusion(model(image).argmax(1), mask)
    counts = accelerator.reduce(counts)
    inter = counts.diag().double()
    ious = iou(inter, counts.sum(0) + counts.sum(1) - inter)
    names = {f"val_iou_{name}": float(value) for name, value in zip(CLASSES, ious, strict=True)}
    return {"val_miou": float(ious.mean()), **names}
