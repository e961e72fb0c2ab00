"""What networks show when asked: mask tokens of a query decoder, photos painted by an autoencoder.

Shapes: B photos, S edge of the network's photos, H W pixels, Q mask tokens, K classes.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from common.checkpoint import Card
from common.config import CLASSES
from common.data.cache import PetCache
from common.data.geometry import to_input, unfit
from common.figures.pretraining import hide
from common.models.pretraining.mae import MaskedAutoencoder
from common.models.query.segmenter import QuerySegmenter
from common.training.validation import photo_batches

VERSION = 1  # raise it when `token_classes` says something else of the same network
KINDS = (*CLASSES, "no object")
Columns = dict[str, list[np.ndarray]]  # title -> (H, W, 3) uint8 of each photo
SEED = 0  # of what is hidden: the same patches for every network


@torch.inference_mode()
def token_classes(model: QuerySegmenter, cache: PetCache) -> pd.DataFrame:
    """A row a token: the mean probability of each of `KINDS` on validation, and ``area``.

    The area is the mean share of the photo that its mask covers, weighed by being an object.
    """
    total = torch.zeros(len(model.decoder.mask_tokens), len(KINDS) + 1, dtype=torch.float64)
    rows = cache.rows("val")
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


def pictures_of(images: Tensor) -> list[np.ndarray]:
    """(B, 3, H, W) in [0, 1] -> (H, W, 3) uint8 each."""
    return list((images * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy())


def painted_by(
    models: Mapping[str, MaskedAutoencoder], photos: Tensor, ratio: float | None = None
) -> Columns:
    """What is seen, and what each network makes of it.

    Args:
        models: by title.
        photos: (B, 3, S, S) in [0, 1].
        ratio: share of the patches that is hidden, each network's own if None.
    """
    columns: Columns = {}
    for title, model in models.items():
        generator = torch.Generator().manual_seed(SEED)
        painted, hidden = model.eval().reconstruct(photos, ratio, generator)
        if not columns:
            seen = zip(pictures_of(photos), hidden.numpy(), strict=True)
            columns["what it sees"] = [hide(photo, mask) for photo, mask in seen]
        columns[title] = pictures_of(painted)
    return columns


def painted_at(model: MaskedAutoencoder, photos: Tensor, ratios: Sequence[float]) -> Columns:
    """What is seen and what is painted, for each share of hidden patches."""
    columns: Columns = {}
    for ratio in ratios:
        seen, painted = painted_by({"painted": model}, photos, ratio).values()
        columns |= {f"{ratio:.0%} hidden": seen, f"painted, {ratio:.0%}": painted}
    return columns
