"""How fast the photos of a training reach the model."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pandas as pd
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from common.data.augment import augmentation
from common.data.dataset import PetCache, PetDataset, to_float


def loader_speed(
    sources: dict[str, PetCache],
    *,
    recipes: Sequence[str] = ("none", "full"),
    photos: int = 1024,
    runs: int = 5,
    workers: int = 0,
    batch: int = 32,
) -> pd.DataFrame:
    """Photos a second that reach the model, the sources side by side in each run.

    In the training's own process (``workers`` 0), where nothing is spent on handing batches over;
    the clock starts when the first batch is there, since a worker starts once and not each batch.

    Returns:
        Rows source, augment, workers, run, photos_per_second; a warm-up run is left out.
    """
    rows = []
    for run in tqdm(range(runs + 1), desc="timing the loaders"):
        for recipe in recipes:
            for source, cache in sources.items():
                chosen = cache.rows("train")[:photos]
                data = PetDataset(cache, chosen, augmentation(recipe))
                batches = iter(DataLoader(data, batch, num_workers=workers))
                next(batches)
                start = time.perf_counter()
                count = sum(len(to_float(items["image"])) for items in batches)
                speed = count / (time.perf_counter() - start)
                rows.append((source, recipe, workers, run, speed))
    names = ["source", "augment", "workers", "run", "photos_per_second"]
    table = pd.DataFrame(rows, columns=names)
    return table[table["run"] > 0]
