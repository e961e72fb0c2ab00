"""What kept features save: photos a second of a decoder's training with them and without."""

from __future__ import annotations

import os
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pandas as pd

from common.data.cache import PetCache
from common.data.dataset import PetDataset
from common.models.query.segmenter import EncoderSegmenter
from common.training.features import FeatureCache
from common.training.trainer import TrainConfig, Trainer

VERSION = 1  # raise it when something else is timed
SOURCES = ("encoder at each step", "features kept")


def training_speed(
    model: EncoderSegmenter,
    cache: PetCache,
    kept: FeatureCache,
    config: TrainConfig,
    runs: int = 3,
) -> pd.DataFrame:
    """Time some steps of training both ways; the network given stays as it is.

    Args:
        config: of the training; its ``max_steps`` says how long a run is.
        runs: of each way, after one that only warms up.

    Returns:
        source (of `SOURCES`), augment, workers, run, photos_per_second: what
        `figures.choices.loader_speed` draws.
    """
    rows = []
    for source, items in zip(SOURCES, (PetDataset, kept), strict=True):
        recipe = config.recipe if items is PetDataset else "none"  # the views vary already
        trainer = Trainer(
            deepcopy(model), cache, replace(config, recipe=recipe), Path(os.devnull), items=items
        )
        for run in range(runs + 1):
            speed = trainer.train_epoch(run)["photos_per_second"]
            rows.append((source, config.recipe, config.workers, run, speed))
    columns = ["source", "augment", "workers", "run", "photos_per_second"]
    return pd.DataFrame(rows, columns=columns).query("run > 0").reset_index(drop=True)
