"""The photos on which the models fail together, part company, or all succeed, and their maps."""

from collections.abc import Mapping
from pathlib import Path

import pandas as pd
from torch import nn

from common.checkpoint import Card
from common.data.pets import read_pair
from common.inference import predict_mask
from common.scoring.cases import store_cases
from common.scoring.scores import image_iou

KINDS = ("most fail", "they disagree", "all succeed")


def ious_by_photo(models: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Mean IoU of each photo (index image) under each model (column)."""
    found = {
        name: pd.Series(image_iou(counts), counts["image"].to_numpy())
        for name, counts in models.items()
    }
    return pd.DataFrame(found).sort_index()


def pick_photos(models: Mapping[str, pd.DataFrame], each: int = 2) -> pd.DataFrame:
    """Photos that say most about the models together, chosen by their stored counts.

    Args:
        models: counts by model, of the same photos.
        each: photos of each of `KINDS`: lowest median of the models; widest gap between the best
            and the worst of them; highest minimum. No photo stands twice.

    Returns:
        A row a photo and model: group, image, species, model, iou.
    """
    ious = ious_by_photo(models)
    species = next(iter(models.values())).set_index("image")["species"]
    lowest, highest = ious.min(axis=1), ious.max(axis=1)
    order = dict(zip(KINDS, (ious.median(axis=1), lowest - highest, -lowest), strict=True))
    rows, taken = [], list[str]()
    for kind, value in order.items():
        chosen = list(value.drop(taken).sort_values(kind="stable").index[:each])
        taken += chosen
        rows += [
            {"group": kind, "image": photo, "species": species[photo], "model": name, "iou": iou}
            for photo in chosen
            for name, iou in ious.loc[photo].items()
        ]
    return pd.DataFrame(rows)


def save_gallery(
    file: Path, loaded: Mapping[str, tuple[nn.Module, Card]], root: Path, photos: pd.DataFrame
) -> None:
    """Predict the chosen photos with every model and store truths and predictions as small maps.

    Args:
        file: an .npz file, see `common.scoring.cases.store_cases`.
        loaded: network and card of each model in ``photos``.
        root: a dataset folder in torchvision's layout.
        photos: of `pick_photos`.
    """
    maps = []
    for row in photos.itertuples():
        image, mask = read_pair(root, row.image, row.species)
        maps.append((mask, predict_mask(*loaded[row.model], image)))
    store_cases(file, photos, maps)
