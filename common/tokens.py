"""What the mask tokens of a query decoder have come to stand for, over many photos."""

from __future__ import annotations

import pandas as pd
import torch

from .cache import PetCache
from .config import CLASSES
from .models.vit_seg import QuerySegmenter
from .pretrain import photo_batches

KINDS = (*CLASSES, "no object")


@torch.inference_mode()
def token_classes(model: QuerySegmenter, cache: PetCache, split: str = "val") -> pd.DataFrame:
    """A row a token: the mean probability of each of `KINDS`, and ``area``.

    The area is the mean share of the photo that its mask covers, weighed by being an object.
    """
    total = torch.zeros(len(model.decoder.names), len(KINDS) + 1, dtype=torch.float64)
    rows = cache.rows(split)
    for _, image in photo_batches(cache, rows, batch=32):
        told = model.eval().explain(image)
        area = told["masks"].mean((2, 3)) * (1 - told["classes"][..., -1])
        total += torch.cat([told["classes"], area[..., None]], -1).sum(0)
    table = pd.DataFrame(total.numpy() / len(rows), columns=[*KINDS, "area"])
    return table.rename_axis("token").reset_index()
