"""How long a model takes to read a photo and to answer a click, on this processor."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from common.artifacts import artifact
from common.clicks.predictor import Predictor, PromptedPredictor
from common.clicks.prompts import Click, Clicker
from common.clicks.robot import reply
from common.provenance import processor

VERSION = 1  # raise it when something else is timed
WIDTH, HEIGHT = 1024, 768
CLICKS = 5  # on a photo, one after the other


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
        {"model": name, "run": run, **row}
        for run, (name, predictor) in product(range(runs + 1), predictors.items())
        for row in _session(predictor, image, np.random.default_rng(run))
    ]
    table = pd.DataFrame([row for row in rows if row["run"]])
    table.attrs["processor"] = processor()
    return table


def _session(predictor: Predictor, image: np.ndarray, rng: np.random.Generator) -> list[dict]:
    """A photo is read, then clicked at random places, each click refining the mask before."""
    start = time.perf_counter()
    predictor.set_image(image)
    rows = [{"part": "photo", "ms": 1000 * (time.perf_counter() - start)}]
    points, labels = rng.uniform(0, (WIDTH, HEIGHT), (CLICKS, 2)), rng.integers(2, size=CLICKS)
    clicker, previous = Clicker(), None
    for (x, y), label in zip(points, labels, strict=True):
        clicker.add(Click(x, y, bool(label)))
        answer = reply(predictor, clicker, previous)
        previous = answer.logits
        rows.append({"part": "click", "ms": answer.ms})
    return rows


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
