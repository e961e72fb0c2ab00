"""A training as an artifact: its checkpoint, its history, and the key that says what made it.

The key covers configuration, data and the code that trains, and nothing else: neither prose nor a
plot ever retrains anything.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd
import torch
from torch import nn
from torch.utils.data import Dataset

from common.checkpoint import (
    Card,
    checkpoint_files,
    frozen_encoder,
    load_checkpoint,
    read_card,
    save_checkpoint,
)
from common.config import RESULTS, UserError, atomic_path
from common.data.dataset import PetCache, PetDataset
from common.models import create_model, default_kwargs, full_name
from common.provenance import file_sha256, json_sha256, module_closure, processor, source_key
from common.training.processes import is_main, wait
from common.training.settings import check_settings
from common.training.trainer import Score, TrainConfig, Trainer, watched
from common.training.validation import quick_scores

LOOP = (
    "common.training.trainer",
    "common.training.optim",
    "common.data.augment",
    "common.training.validation",
)


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


def run_key(
    model: nn.Module,
    card: Card,
    config: TrainConfig,
    cache: PetCache,
    score: Score = quick_scores,
    dataset: Callable[..., Dataset] = PetDataset,
    start: Path | None = None,
) -> str:
    """Identity of a training: its configuration, its pixels and split, its code, its start.

    Of the models' code only this model's counts: a new one in the registry retrains nothing.
    """
    code = [*module_closure(f"import {type(model).__module__} as its_module"), score.__module__]
    parts = {
        "config": asdict(config),
        "model": card.model,
        "kwargs": card.kwargs,
        "data": [cache.info["files"][f] for f in ("images.npy", "masks.npy", "manifest.csv")],
        "code": source_key([*code, *LOOP]),
    }
    if encoder := frozen_encoder(model):
        parts["encoder"] = encoder
    if dataset is not PetDataset:
        parts["dataset"] = _made_of(dataset)
    if start is not None:
        parts["start"] = read_card(start)["tensors_sha256"]
    return json_sha256(parts)


def _made_of(dataset: Callable[..., Dataset]) -> dict:
    """What the items of a data set follow from: its code, a partial's arguments, its identity."""
    maker = getattr(dataset, "func", dataset)
    return {
        "code": source_key([maker.__module__]),
        "arguments": getattr(dataset, "keywords", {}),
        "identity": getattr(dataset, "identity", {}),
    }


def plan_run(
    model: str,
    config: TrainConfig,
    cache: PetCache,
    score: Score = quick_scores,
    dataset: Callable[..., Dataset] = PetDataset,
    start: Path | None = None,
    **kwargs,
) -> tuple[nn.Module, Card, str]:
    """The network that a run begins with, its card, and its key; arguments as `train_or_load`."""
    model = full_name(model)
    kwargs = default_kwargs(model) | kwargs  # the card says it all, should defaults change
    torch.manual_seed(config.seed)
    network = create_model(model, **kwargs)
    if start is not None:
        network.load_state_dict(load_checkpoint(start)[0].state_dict())
    card = Card(model, kwargs, cache.info["size"], cache.info["fit"])
    return network, card, run_key(network, card, config, cache, score, dataset, start)


def train_or_load(
    name: str,
    *,
    model: str,
    config: TrainConfig,
    cache: PetCache | None = None,
    results: Path = RESULTS,
    folder: str = "checkpoints",
    score: Score = quick_scores,
    dataset: Callable[..., Dataset] = PetDataset,
    trainer: Callable[..., Trainer] = Trainer,
    start: Path | None = None,
    **kwargs,
) -> Run:
    """A trained network: loaded where this very training has been done, else trained.

    Args:
        name: of the checkpoint and the history.
        model, kwargs: for `create_model`.
        config: of the run.
        cache: photos to train on; None only loads.
        results: the results folder; ``folder`` below it takes the checkpoint.
        score: what chooses the epoch on the validation photos.
        dataset: makes the training items, as `PetDataset`; what they hold beside (its
            ``inputs``, as kept features) is handed to the network.
        trainer: makes the loop, as `Trainer`.
        start: checkpoint whose weights the training goes on from, not random ones.
    """
    stem = results / folder / name
    if cache is None:
        return load_run(name, results, folder)
    check_settings(name, config)
    network, card, key = plan_run(model, config, cache, score, dataset, start, **kwargs)
    if _key_of(stem) == key:
        return load_run(name, results, folder)
    state = results / "local" / "training" / f"{name}.pt"
    network.inputs = (*network.inputs, *getattr(dataset, "inputs", ()))
    history = trainer(network, cache, config, state, key, score, dataset).run()
    watch = watched(history)
    best = history[history[watch] == history[watch].max()].iloc[-1]  # as `Trainer` does
    training = {
        **asdict(config),
        "key": key,
        "data": cache.info["data"],
        "split": split_sha256(cache),
        "best_epoch": int(best["epoch"]),
        watch: round(float(best[watch]), 5),
        "minutes": round(float(history["seconds"].sum() / 60), 1),
        "processor": processor(),
        **({"start": start.name} if start is not None else {}),
    }
    if is_main():  # the others' running statistics differ: two files of two processes clash
        with atomic_path(results / "history" / f"{name}.csv") as file:
            history.to_csv(file, index=False)
        save_checkpoint(stem, network, replace(card, training=training))
    wait()
    return load_run(name, results, folder)


def split_sha256(cache: PetCache) -> str:
    """Identity of who is in which split."""
    return json_sha256(cache.manifest[["name", "split"]].to_numpy().tolist())


def load_run(name: str, results: Path = RESULTS, folder: str = "checkpoints") -> Run:
    """A finished training from its files."""
    model, card = load_checkpoint(results / folder / name)
    history = _history(name, results)
    start = card.training.get("start")
    before = _history(start, results)["seconds"].sum() / 60 if start else 0.0
    return Run(model, card, history, float(before))


def _history(name: str, results: Path) -> pd.DataFrame:
    file = results / "history" / f"{name}.csv"
    if not file.is_file():
        raise UserError(f"{file}: the history of {name} is missing; fetch it again")
    return pd.read_csv(file)


def _key_of(stem: Path) -> str:
    """Key of the training that made a checkpoint; "" where there is none to trust."""
    tensors, _ = checkpoint_files(stem)
    try:
        card = read_card(stem)
        whole = file_sha256(tensors) == card["tensors_sha256"]
        return card["training"]["key"] if whole else ""  # a kill may leave one file of two
    except (UserError, OSError, KeyError):
        return ""
