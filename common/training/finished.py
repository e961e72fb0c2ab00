"""What a finished training left, read again: its network, its card and its history."""

import math
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from torch import nn

from common.checkpoint import Card, load_checkpoint, read_card
from common.config import CHECKPOINTS, RESULTS, UserError


@dataclass(frozen=True)
class Run:
    """What a training left: the network with its best weights, its card, a row an epoch.

    ``before`` is the minutes of the training that it went on from.
    """

    model: nn.Module
    card: Card
    history: pd.DataFrame
    before: float = 0.0

    @property
    def minutes(self) -> float:
        """Minutes of training, validation apart, from random weights on."""
        return self.before + float(self.history["seconds"].sum() / 60)


def load_run(name: str, results: Path = RESULTS, folder: str = "checkpoints") -> Run:
    """A finished training from its files."""
    model, card = load_checkpoint(results / folder / name, folder=results / CHECKPOINTS.name)
    history = load_history(name, results)
    start = card.training.get("start")
    return Run(model, card, history, minutes_of(start, results, folder) if start else 0.0)


def minutes_of(name: str, results: Path = RESULTS, folder: str = "checkpoints") -> float:
    """Minutes of a training and of those that it went on from, the committed ones if need be.

    NaN where a start came without its history.
    """
    return sum(minutes_on(name, results, folder).values())


def minutes_on(
    name: str, results: Path = RESULTS, folder: str = "checkpoints"
) -> dict[str, float]:
    """The same, told apart by processor, the first lesson's first."""
    results = results if (results / folder / f"{name}.json").is_file() else RESULTS
    if not (results / "history" / f"{name}.csv").is_file():
        return {"": math.nan}
    trained = read_card(results / folder / name)["training"]
    start, processor = trained.get("start"), trained.get("processor", "")
    told = minutes_on(start, results, folder) if start else {}
    minutes = float(load_history(name, results)["seconds"].sum() / 60)
    return told | {processor: told.get(processor, 0.0) + minutes}


def load_history(name: str, results: Path = RESULTS) -> pd.DataFrame:
    """A row an epoch of a finished training."""
    file = results / "history" / f"{name}.csv"
    if not file.is_file():
        raise UserError(f"{file}: the history of {name} is missing; fetch it again")
    return pd.read_csv(file)
