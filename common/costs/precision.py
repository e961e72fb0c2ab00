"""How fast a network trains on this processor, by number format and memory layout."""

from __future__ import annotations

import time
from functools import partial
from itertools import product
from pathlib import Path

import pandas as pd
import torch
from torch import nn
from tqdm.auto import tqdm

from common.artifacts import artifact
from common.config import CLASSES
from common.models import create_model, default_kwargs

VERSION = 1  # raise it when something else is timed
FORMATS = {"float32": torch.float32, "bf16": torch.bfloat16}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def training_speed(
    name: str, *, size: int = 128, batch: int = 16, runs: int = 5, steps: int = 3
) -> pd.DataFrame:
    """Photos a second of forward and backward passes, every combination in turn in each run.

    Returns:
        Rows format, layout, run, photos_per_second; the warm-up run is left out.
    """
    networks = {layout: create_model(name).train() for layout in LAYOUTS}
    rows = []
    for run, form, layout in tqdm([*product(range(runs + 1), FORMATS, LAYOUTS)], desc="timing"):
        network = networks[layout].to(memory_format=LAYOUTS[layout])
        start = time.perf_counter()
        for _ in range(steps):
            _step(network, size, batch, FORMATS[form], LAYOUTS[layout])
        speed = steps * batch / (time.perf_counter() - start)
        rows.append((form, layout, run, round(speed, 2)))
    table = pd.DataFrame(rows, columns=["format", "layout", "run", "photos_per_second"])
    return table[table["run"] > 0]


def _step(
    network: nn.Module, size: int, batch: int, form: torch.dtype, layout: torch.memory_format
) -> None:
    """One forward and backward pass on random photos."""
    image = torch.rand(batch, 3, size, size).contiguous(memory_format=layout)
    mask = torch.randint(len(CLASSES), (batch, size, size), dtype=torch.uint8)
    whole = {"image": image, "mask": mask, "breed": torch.zeros(batch, dtype=torch.long)}
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=form is torch.bfloat16):
        loss = network.loss({key: whole[key] for key in network.inputs})
    loss.backward()
    network.zero_grad(set_to_none=True)


def training_speed_or_load(file: Path, name: str, *, measure: bool, **how: int) -> pd.DataFrame:
    """The table of `training_speed`, measured where what is asked changed, else as stored."""
    key = {"model": name, "kwargs": default_kwargs(name), **how} if measure else None
    return artifact(file, partial(training_speed, name, **how), key=key)
