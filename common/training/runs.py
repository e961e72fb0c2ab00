"""A training as an artifact: its checkpoint, its history, and the key that says what made it.

The key covers configuration, data and the versions of the code that trains, and nothing else:
neither prose nor a plot nor a tidied module ever retrains anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path, PurePath
from typing import Any, cast

import torch
from torch import nn

from common.checkpoint import (
    Card,
    checkpoint_files,
    frozen_encoder,
    load_checkpoint,
    read_card,
    save_checkpoint,
)
from common.config import CHECKPOINTS, RESULTS, UserError, atomic_path
from common.data.dataset import PetCache, PetDataset
from common.models import create_model, default_kwargs, full_name
from common.models.point.growth import begin_from
from common.provenance import file_sha256, json_sha256, processor, version_of
from common.training.contracts import Items, Score, watched
from common.training.finished import Run, load_run
from common.training.optim import check_settings
from common.training.processes import is_main, wait
from common.training.trainer import TrainConfig, Trainer
from common.training.validation import quick_scores


@dataclass(frozen=True)
class Training:
    """Everything that decides over the weights of a training, but for the photos.

    Attributes:
        name: of the checkpoint and the history.
        model, kwargs: for `create_model`.
        config: how the weights move.
        score: what chooses the epoch on the validation photos.
        items: what the network learns from.
        start: checkpoint whose weights the training goes on from, not random ones.
        halfway: per cent of the epochs after which the network of then is kept, as NAME-25.
        folder: below the results, takes the checkpoint.
    """

    name: str
    model: str
    kwargs: dict = field(default_factory=dict)
    config: TrainConfig = field(default_factory=TrainConfig)
    score: Score = quick_scores
    items: Items = PetDataset
    start: Path | None = None
    halfway: tuple[int, ...] = ()
    folder: str = "checkpoints"

    def network(self, results: Path = RESULTS) -> nn.Module:
        """The network before its first step: random weights of the seed, or those of ``start``.

        A pretrained encoder of the project's own is that of the results folder, if it has one.
        """
        network = self._drawn(results)
        if self.start is not None:
            begin_from(network, load_checkpoint(self.start)[0].state_dict())
        return network

    def _drawn(self, results: Path) -> nn.Module:
        torch.manual_seed(self.config.seed)
        return create_model(self.model, folder=results / CHECKPOINTS.name, **self.kwargs)

    def card(self, cache: PetCache) -> Card:
        """What the checkpoint will say, but for how the training went.

        The arguments are there in full, should the registry's defaults change.
        """
        kwargs = default_kwargs(self.model) | self.kwargs
        size = self.items.input_size or cache.info["size"]
        return Card(full_name(self.model), kwargs, size, cache.info["fit"])

    def key(self, cache: PetCache, results: Path = RESULTS) -> str:
        """Identity of the training: settings, pixels and split, start, and versions of code.

        Of the start it takes the card alone.
        """
        from common.data.augment import augmentation

        network = self._drawn(results)
        card, model = self.card(cache), cast(Any, type(network))
        items = getattr(self.items, "__name__", type(self.items).__name__)
        code = {"loop": Trainer, "augmentation": augmentation, "score": self.score}
        parts = {
            "config": asdict(self.config),
            "model": card.model,
            "kwargs": card.kwargs,
            "data": cache.identity,
            "score": self.score.__name__,
            "items": [items, self.items.identity],
            "versions": {
                "model": model.version,
                "items": version_of(self.items),
                **{role: version_of(thing) for role, thing in code.items()},
            },
        }
        if encoder := frozen_encoder(network):
            parts["encoder"] = encoder
        if self.start is not None:
            parts["start"] = read_card(self.start)["tensors_sha256"]
        return json_sha256(parts)

    def run_or_load(self, cache: PetCache | None, results: Path = RESULTS) -> Run:
        """The trained network: loaded where this very training has been done, else trained.

        Args:
            cache: photos to train on; None only loads.
            results: the results folder.
        """
        if cache is None:
            return load_run(self.name, results, self.folder)
        self._check()
        key = self.key(cache, results)
        if self._key_there(results) != key:
            self._run(self.network(results), cache, key, results)
        return load_run(self.name, results, self.folder)

    def is_done(self, cache: PetCache, results: Path = RESULTS) -> bool:
        """Whether this very training has been done; its start may be there by its card alone."""
        try:
            return self._key_there(results) == self.key(cache, results)
        except UserError:  # no card of the start
            return False

    def would_replace(self, cache: PetCache, results: Path = RESULTS) -> bool:
        """Whether there is a finished training of this name that is another one."""
        return self._key_there(results) not in ("", self.key(cache, results))

    def _key_there(self, results: Path) -> str:
        """Key of the training that left the checkpoint; "" where there is none to trust."""
        stem = results / self.folder / self.name
        tensors, _ = checkpoint_files(stem)
        try:
            card = read_card(stem)
            whole = file_sha256(tensors) == card["tensors_sha256"]
            return card["training"]["key"] if whole else ""  # a kill may leave one file of two
        except (UserError, OSError, KeyError):
            return ""

    def _check(self) -> None:
        path = PurePath(self.name)
        if not path.name or path.is_absolute() or ".." in path.parts or len(self.name) > 100:
            raise UserError(f"name {self.name[:60]!r}: a run's name is that of a file")
        check_settings(self.config)

    def _run(self, network: nn.Module, cache: PetCache, key: str, results: Path) -> None:
        """Train, and write the checkpoint and the history."""
        stem = results / self.folder / self.name
        state = results / "local" / "training" / f"{self.name}.pt"
        keep = partial(self._keep_halfway, cache, key, stem)
        whose = replace(self, config=TrainConfig()).key(cache, results)  # the trainer adds its own
        trainer = Trainer(network, cache, self.config, state, whose, self.score, self.items, keep)
        history = trainer.run()
        watch = watched(history)
        best = history[history[watch] == history[watch].max()].iloc[-1]  # as `Trainer` does
        training = {
            **asdict(self.config),
            "key": key,
            "data": cache.info["data"],
            "split": split_sha256(cache),
            "best_epoch": int(best["epoch"]),
            watch: round(float(best[watch]), 5),
            "minutes": round(float(history["seconds"].sum() / 60), 1),
            "processor": processor(),
            **({"start": self.start.name} if self.start is not None else {}),
        }
        if is_main():  # the others' running statistics differ: two files of two processes clash
            with atomic_path(results / "history" / f"{self.name}.csv") as file:
                history.to_csv(file, index=False)
            save_checkpoint(stem, network, replace(self.card(cache), training=training))
        wait()

    def _keep_halfway(
        self, cache: PetCache, key: str, stem: Path, epoch: int, network: nn.Module
    ) -> None:
        """Write the network of an epoch as a checkpoint of its own where one is due."""
        epochs = self.config.epochs
        for share in self.halfway:
            if epoch == max(1, round(epochs * share / 100)):
                training = {"epoch": epoch, "epochs": epochs, "key": key}
                save_checkpoint(
                    f"{stem}-{share}", network, replace(self.card(cache), training=training)
                )


def split_sha256(cache: PetCache) -> str:
    """Identity of who is in which split."""
    return json_sha256(cache.manifest[["name", "split"]].to_numpy().tolist())


def run_or_load_last(
    lessons: Sequence[Training], caches: Sequence[PetCache | None], results: Path = RESULTS
) -> Run:
    """The last of some trainings, each of which goes on from the one before.

    Those before it are done only if it has to be trained: their checkpoints need not be there.

    Args:
        lessons, caches: the trainings in their order, and the photos of each.
        results: the results folder.
    """
    last, cache = lessons[-1], caches[-1]
    if len(lessons) > 1 and cache is not None and not last.is_done(cache, results):
        run_or_load_last(lessons[:-1], caches[:-1], results)
    return last.run_or_load(cache, results)
