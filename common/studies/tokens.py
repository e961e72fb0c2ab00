"""What the mask tokens of a query decoder have come to stand for, over many photos."""

from __future__ import annotations

import numpy as np
import pandas as pd
import torch

from common.checkpoint import Card
from common.config import CLASSES
from common.data.cache import PetCache
from common.data.geometry import to_input, unfit
from common.models.query.segmenter import QuerySegmenter
from common.training.pretrain import photo_batches

KINDS = (*CLASSES, "no object")


@torch.inference_mode()
def token_classes(model: QuerySegmenter, cache: PetCache, split: str = "val") -> pd.DataFrame:
    """A row a token: the mean probability of each of `KINDS`, and ``area``.

    The area is the mean share of the photo that its mask covers, weighed by being an object.
    """
    total = torch.zeros(len(model.decoder.mask_tokens), len(KINDS) + 1, dtype=torch.float64)
    rows = cache.rows(split)
    for _, image in photo_batches(cache, rows, batch=32):
        told = model.eval().explain(image)
        area = told["masks"].mean((2, 3)) * (1 - told["classes"][..., -1])
        total += torch.cat([told["classes"], area[..., None]], -1).sum(0)
    table = pd.DataFrame(total.numpy() / len(rows), columns=[*KINDS, "area"])
    return table.rename_axis("token").reset_index()


@torch.inference_mode()
def explain_photo(model: QuerySegmenter, card: Card, image: np.ndarray) -> dict[str, np.ndarray]:
    """What each mask token says of a photo (H, W, 3) uint8, at the photo's size.

    Returns:
        classes (Q, K + 1), masks (Q, H, W) and attention (Q, h, w), the last of its layers: what
        `figures.tokens.token_sheet` draws.
    """
    told = model.eval().explain(to_input(image, card.size, card.fit)[None])
    masks = unfit(told["masks"][0], *image.shape[:2], card.fit)
    attention = told["attention"][0, -1]
    return {
        "classes": told["classes"][0].numpy(),
        "masks": masks.numpy(),
        "attention": attention.numpy(),
    }
