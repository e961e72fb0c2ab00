"""Validation of a clicked model in training: the robot user on the square photos, in batches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from common.clicks.prompts import Clicker, pet_truth
from common.clicks.robot import click_rounds
from common.config import mask_iou
from common.data.cache import PetCache
from common.training.validation import total

if TYPE_CHECKING:  # as slow to load as torch
    from accelerate import Accelerator

VERSION = 1  # raise it when the same network would get another score
CLICKS = (1, 3, 5)  # whose mean IoU chooses the epoch, as the headline names them


def quick_click_scores(
    model: nn.Module, cache: PetCache, split: str, accelerator: Accelerator, batch: int = 32
) -> dict[str, float]:
    """val_iou_clicks, the mean of IoU at 1, 3 and 5 clicks, and val_iou_at_K of a split.

    The rules are those of `scoring.clicking`, but on the model's square photos.
    """

    def count(part: np.ndarray, image: Tensor) -> Tensor:
        found = click_batch(model, image, [pet_truth(mask) for mask in cache.masks[part]])
        return torch.tensor([*found.sum(1), len(part)])

    model.eval()
    zero = torch.zeros(max(CLICKS) + 2, dtype=torch.float64)
    *found, photos = total(count, cache, cache.rows(split), accelerator, zero, batch=batch)
    iou = torch.stack(found) / photos
    kept = {f"val_iou_at_{click}": float(iou[click]) for click in (0, *CLICKS)}
    return {"val_iou_clicks": float(iou[list(CLICKS)].mean()), **kept}


def click_batch(model: nn.Module, image: Tensor, truths: list[np.ndarray]) -> np.ndarray:
    """IoU (clicks + 1, B) of photos (B, 3, S, S) in [0, 1] before any click and after each.

    Args:
        model: has ``encode_image`` and ``decode_clicks``, as `PointUNet`.
        truths: B of (S, S) uint8: 1 pet, 0 not, 255 border.
    """
    features = model.encode_image(image)

    def ask(clickers: Sequence[Clicker], before: _Batch | None) -> _Batch:
        points, labels = padded(clickers, image.device)
        logits = model.decode_clicks(features, points, labels, before and before.logits)["mask"]
        return _Batch(native(logits, image), logits)

    pets = np.stack(truths)  # (B, S, S)
    return np.stack([mask_iou(a.masks, pets) for a in click_rounds(ask, truths, max(CLICKS))])


class _Batch(NamedTuple):
    masks: np.ndarray  # (B, S, S) bool
    logits: Tensor  # (B, 1, h, w)


def padded(clickers: Sequence[Clicker], device: torch.device) -> tuple[Tensor, Tensor]:
    """Points (B, M, 2) and labels (B, M) of users with up to M clicks; -1 is no click."""
    most = max(len(clicker.clicks) for clicker in clickers)
    points = np.zeros((len(clickers), most, 2), np.float32)
    labels = np.full((len(clickers), most), -1)
    for row, clicker in enumerate(clickers):
        points[row, : len(clicker.clicks)] = clicker.coords()
        labels[row, : len(clicker.clicks)] = clicker.labels()
    return torch.from_numpy(points).to(device), torch.from_numpy(labels).to(device)


def native(logits: Tensor, image: Tensor) -> np.ndarray:
    """Mask logits (B, 1, h, w) -> masks (B, S, S) bool at the photos' size."""
    full = nn.functional.interpolate(logits.float(), image.shape[-2:], mode="bilinear")
    return (full[:, 0] > 0).cpu().numpy()
