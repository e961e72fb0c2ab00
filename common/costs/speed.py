"""How long a click takes, and how fast photos reach a network, or a decoder from kept features."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from torch.utils.data import DataLoader
from tqdm.auto import tqdm

from common.clicks.predictor import Predictor, PromptedPredictor
from common.clicks.prompts import Click, Clicker
from common.clicks.robot import reply
from common.costs.stopwatch import seconds
from common.data.cache import PetCache
from common.data.dataset import PetDataset, to_float
from common.files import artifact
from common.models.query.segmenter import EncoderSegmenter
from common.provenance import processor
from common.training.features import FeatureCache
from common.training.trainer import TrainConfig, Trainer

VERSION = 1  # raise it when something else is timed
WIDTH, HEIGHT = 1024, 768
CLICKS, LOADED = 5, 32  # on a photo, one after the other; photos of a loader's batch
SOURCES = ("encoder at each step", "features kept")
SPEED = ["source", "augment", "workers", "run", "photos_per_second"]


def click_latency(
    predictors: Mapping[str, Predictor], photo: np.ndarray, runs: int = 12
) -> pd.DataFrame:
    """Milliseconds of each reading and each click, the models in turn in each run.

    Args:
        predictors: by name.
        photo: (H, W, 3) uint8, brought to 1024 × 768.
        runs: kept; one more, the first, warms up.

    Returns:
        model, part ("photo" or "click"), run, ms.
    """
    image = np.asarray(Image.fromarray(photo).resize((WIDTH, HEIGHT)))
    rows = [
        (name, part, run, ms)
        for run, (name, predictor) in product(range(runs + 1), predictors.items())
        for part, ms in _session(predictor, image, np.random.default_rng(run))
        if run
    ]
    table = pd.DataFrame(rows, columns=["model", "part", "run", "ms"])
    table.attrs["processor"] = processor()
    return table


def _session(
    predictor: Predictor, image: np.ndarray, rng: np.random.Generator
) -> list[tuple[str, float]]:
    """A photo is read, then clicked at random places, each click refining the mask before."""
    times = [("photo", 1000 * seconds(partial(predictor.set_image, image)))]
    points, labels = rng.uniform(0, (WIDTH, HEIGHT), (CLICKS, 2)), rng.integers(2, size=CLICKS)
    clicker, previous = Clicker(), None
    for (x, y), label in zip(points, labels, strict=True):
        clicker.add(Click(x, y, bool(label)))
        answer = reply(predictor, clicker, previous)
        previous = answer.logits
        times.append(("click", answer.ms))
    return times


def latency_or_load(
    file: Path,
    predictors: Mapping[str, PromptedPredictor],
    photo: np.ndarray,
    *,
    measure: bool,
    runs: int = 12,
) -> pd.DataFrame:
    """The table of `click_latency`, measured where models or processor changed, else as stored.

    Its ``attrs`` name the processor.
    """
    models = {n: [p.card.model, p.card.kwargs, p.card.size] for n, p in predictors.items()}
    key = {"models": models, "processor": processor(), "runs": runs} if measure else None
    return artifact(file, partial(click_latency, predictors, photo, runs), key=key)


def latency_quantiles(table: pd.DataFrame) -> pd.DataFrame:
    """Median and 95th percentile in milliseconds: index model, part; columns p50, p95."""
    grouped = table.groupby(["model", "part"], sort=False)["ms"]
    return grouped.quantile([0.5, 0.95]).unstack().set_axis(["p50", "p95"], axis=1)


def loader_speed(
    sources: Mapping[str, PetCache], *, photos: int = 1024, runs: int = 5
) -> pd.DataFrame:
    """Photos a second that reach the model, the sources side by side in each run.

    In the training's own process (no workers), where nothing is spent on handing batches over;
    the clock starts when the first batch is there, since a worker starts once and not each batch.

    Returns:
        Rows source, augment, workers, run, photos_per_second; a warm-up run is left out.
    """
    from common.data.augment import augmentation

    rows = []
    turns = [*product(range(runs + 1), ("none", "full"), sources.items())]
    for run, recipe, (source, cache) in tqdm(turns, "timing the loaders"):
        data = PetDataset(cache, cache.rows("train")[:photos], augmentation(recipe))
        batches = iter(DataLoader(data, LOADED))
        next(batches)
        spent = seconds(partial(_drain, batches))
        rows.append((source, recipe, 0, run, max(0, len(data) - LOADED) / spent))
    return pd.DataFrame(rows, columns=SPEED).query("run > 0")


def _drain(batches: Iterator[dict]) -> None:
    for items in batches:
        to_float(items["image"])


def feature_speed(
    model: EncoderSegmenter,
    cache: PetCache,
    kept: FeatureCache,
    config: TrainConfig,
    runs: int = 3,
) -> pd.DataFrame:
    """Photos a second of a decoder's training from photos and from kept features.

    Args:
        model: stays as it is.
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
    return pd.DataFrame(rows, columns=SPEED).query("run > 0").reset_index(drop=True)
