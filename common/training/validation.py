"""Validation during training: sums over the square photos of a split, from which scores follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.config import CLASSES, IGNORE, iou
from common.data.dataset import PetCache, to_float

if TYPE_CHECKING:  # as slow to load as torch
    from accelerate import Accelerator

VERSION = 1  # raise it when the same network would get another score


def photo_batches(
    cache: PetCache, rows: np.ndarray, size: int = 0, batch: int = 64
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Rows (B,) and their whole photos (B, 3, S, S) in [0, 1], of ``size`` pixels if given."""
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        image = to_float(torch.from_numpy(cache.images[part])).permute(0, 3, 1, 2)
        if size and size != image.shape[-1]:
            image = F.interpolate(image, (size, size), mode="bilinear", antialias=True)
        yield part, image


@torch.inference_mode()
def total(
    count: Callable[[np.ndarray, Tensor], Tensor],
    cache: PetCache,
    rows: np.ndarray,
    accelerator: Accelerator,
    zero: Tensor,
    *,
    size: int = 0,
    batch: int = 64,
) -> Tensor:
    """The sum of a count over photos, of which each process takes its share.

    Args:
        count: of rows (B,) and their photos (B, 3, S, S) on the process's device.
        rows: of all photos.
        zero: what the sum begins with; it has its shape and kind of number.
        size, batch: of `photo_batches`.
    """
    mine = rows[accelerator.process_index :: accelerator.num_processes]
    summed = zero.clone()  # here: Apple's MPS knows no float64
    for part, image in photo_batches(cache, mine, size, batch):
        summed += count(part, image.to(accelerator.device)).cpu().to(summed)
    if accelerator.num_processes == 1:
        return summed
    return accelerator.reduce(summed.to(accelerator.device)).cpu()


def confusion(predicted: Tensor, target: Tensor) -> Tensor:
    """Pixel counts (3, 3): row = true class, column = predicted; border pixels left out."""
    valid = target != IGNORE
    code = target[valid].long() * len(CLASSES) + predicted[valid].long()
    return torch.bincount(code, minlength=len(CLASSES) ** 2).view(len(CLASSES), len(CLASSES))


def quick_scores(
    model: nn.Module, cache: PetCache, split: str, accelerator: Accelerator, batch: int = 64
) -> dict[str, float]:
    """val_miou and val_iou_CLASS of a split."""

    def count(part: np.ndarray, image: Tensor) -> Tensor:
        return confusion(
            model(image).argmax(1), torch.from_numpy(cache.masks[part]).to(image.device)
        )

    model.eval()
    zero = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.long)
    counts = total(count, cache, cache.rows(split), accelerator, zero, batch=batch)
    inter = counts.diag().double()
    ious = iou(inter, counts.sum(0) + counts.sum(1) - inter)
    names = {f"val_iou_{name}": float(value) for name, value in zip(CLASSES, ious, strict=True)}
    return {"val_miou": float(ious.mean()), **names}
