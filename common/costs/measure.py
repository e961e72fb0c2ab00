"""What each model costs, measured: all of them in turn, again and again (A B C A B C …).

So whatever else the machine does falls on all of them alike; `common.benchmark` says what is told.
"""

import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from torch import nn
from tqdm.auto import tqdm

from common.checkpoint import Card, load_checkpoint
from common.clicks.predictor import load_predictor
from common.config import ROOT, UserError
from common.costs.memory import peak_memory
from common.costs.networks import (
    BATCH,
    inference,
    kept_step,
    multiply_adds,
    parameters,
    training_step,
)
from common.costs.smp import SmpUnet
from common.costs.speed import HEIGHT, WIDTH, click_latency, loader_speed
from common.costs.stopwatch import in_turn, seconds
from common.costs.table import COMMON, RIVAL, summary, with_ratios
from common.data.dataset import prepare
from common.inference import predict_mask
from common.provenance import processor
from common.samples import load_sample

Networks = list[tuple[str, nn.Module, Card]]
FACTS = ["model", "quantity", "size", "run", "value"]


def networks(names: list[str], alone: bool = False) -> Networks:
    """Committed checkpoints, and the rival at each of their sizes (unless ``alone``)."""
    ours = [(name, *load_checkpoint(name)) for name in names]
    if alone:
        return ours
    rival = SmpUnet().eval()
    sizes = sorted({COMMON, *(card.size for _, _, card in ours)})
    return ours + [(RIVAL, rival, Card(RIVAL, size=size)) for size in sizes]


def works(measured: Networks, photo: np.ndarray) -> dict[tuple[str, str, int], Callable]:
    """What is timed: (model, quantity, size) -> a call that does it once."""
    calls: dict[tuple[str, str, int], Callable] = {}
    for name, model, card in measured:
        for size in {card.size, COMMON}:
            calls[name, "train_photos_per_second", size] = training_step(model, size)
            calls[name, "infer_photos_per_second", size] = inference(model, size)
        if kept := kept_step(model, card.size):
            calls[name, "train_kept_photos_per_second", card.size] = kept
        calls[name, "ms_photo", card.size] = lambda m=model, c=card: predict_mask(m, c, photo)
    return calls


def speeds(calls: dict[tuple[str, str, int], Callable], runs: int) -> pd.DataFrame:
    """Photos a second, or milliseconds, of each call, all of them in turn: rows of `FACTS`."""
    rows = [
        (*key, run, 1000 * spent if key[1] == "ms_photo" else BATCH / spent)
        for key, run, spent in in_turn(calls, runs)
    ]
    return pd.DataFrame(rows, columns=FACTS)


def click_times(measured: Networks, photo: np.ndarray, runs: int) -> pd.DataFrame:
    """Median and 95th percentile of a run's clicks in milliseconds; the rival knows no pets."""
    sizes = {name: card.size for name, _, card in measured if name != RIVAL}
    table = click_latency({name: load_predictor(name) for name in sizes}, photo, runs)
    clicks = table[table["part"] == "click"].groupby(["model", "run"], sort=False)["ms"]
    found = clicks.quantile([0.5, 0.95]).rename("value").reset_index()
    names = found["level_2"].map({0.5: "ms_click_p50", 0.95: "ms_click_p95"})
    return found.assign(quantity=names, size=found["model"].map(sizes))[FACTS]


def fixed_costs(measured: Networks) -> pd.DataFrame:
    """Weights, multiply-adds and memory, which one look tells."""
    rows = []
    for name, model, card in tqdm(measured, "weights and memory"):
        trained, frozen = parameters(model)
        memory = peak_memory(name, card.size)
        found = {
            "params_trained": trained,
            "params_frozen": frozen,
            "madds": multiply_adds(model, card.size),
            "peak_memory_mb": memory["train"],
            "peak_memory_infer_mb": memory["infer"],
        }
        rows += [(name, quantity, card.size, 1, value) for quantity, value in found.items()]
    return pd.DataFrame(rows, columns=FACTS)


def pipeline(root: Path, fastest: float, runs: int) -> pd.DataFrame:
    """Photos a second from the cache to a network, as stored and augmented, with no worker."""
    cache = prepare(root, size=COMMON)
    table = loader_speed({"cache": cache}, photos=512, runs=runs).rename(
        columns={"photos_per_second": "value"}
    )
    names = table["augment"].map({"none": "stored", "full": "augmented"})
    table = table.assign(model="data_pipeline", size=COMMON)
    speeds = table.assign(quantity="photos_per_second_" + names)
    feeds = table.assign(quantity="feeds_ratio_" + names, value=table["value"] / fastest)
    return pd.concat([speeds, feeds])[FACTS]


def replay() -> pd.DataFrame:
    """Minutes that all notebooks and the report take, in a process that knows no dataset."""
    bare = {name: value for name, value in os.environ.items() if name != "PETS_ROOT"}
    command = [sys.executable, "-m", "common.run_all", "--force"]
    run = partial(
        subprocess.run, command, cwd=ROOT, env=bare, stdout=subprocess.DEVNULL, check=True
    )
    try:
        minutes = seconds(run) / 60
    except subprocess.CalledProcessError:
        raise UserError(
            "the replay ended with the error above; mend it, or leave --replay out"
        ) from None
    return pd.DataFrame([("report", "minutes", 0, 1, minutes)], columns=FACTS)


def benchmark(names: list[str], *, runs: int, alone: bool, root: Path | None) -> pd.DataFrame:
    """All of it, as `common.benchmark` says; the pipeline is timed where photos are."""
    measured = networks(names, alone)
    fixed = fixed_costs(measured)
    photo = np.asarray(Image.fromarray(load_sample("chelsea").image).resize((WIDTH, HEIGHT)))
    clicks = click_times(measured, photo, runs)
    timed = with_ratios(speeds(works(measured, photo), runs))
    parts = [fixed, clicks, timed]
    if root is not None:
        trained = timed.query("quantity == 'train_photos_per_second' and size == @COMMON")
        fastest = trained.groupby("model")["value"].median().max()
        parts.append(pipeline(root, fastest, runs))
    own = {name: card.size for name, _, card in measured if name != RIVAL}
    return summary(pd.concat(parts), own, processor())
