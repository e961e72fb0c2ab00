"""One training loop for every model, which knows nothing of a model but its ``loss(batch)``.

Built on `accelerate`: the same call trains on a CPU, a GPU, several, or several machines. All
randomness of an epoch follows from seed, epoch and process: a killed run ends at the same weights.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, RandomSampler
from tqdm.auto import tqdm

from common.config import UserError, atomic_path
from common.data.dataset import PetCache, PetDataset, shrink, to_float
from common.training.contracts import Items, Score, WithLoss, watched
from common.training.optim import TrainConfig, averaged, decay_groups, learning_rate
from common.training.processes import own_seed, seed_worker
from common.training.progress import read_progress
from common.training.validation import quick_scores

VERSION = 1  # raise it when the same batches would lead to other weights: all train again


class Trainer:
    """A run that can be stopped at any moment and called again.

    Args:
        model: has ``inputs`` (batch keys it takes) and ``loss(batch)``.
        cache: the preprocessed dataset; its splits train and val are used.
        config: see `TrainConfig`.
        state: file of the run's progress. When it exists and belongs to ``key``, the run goes on.
        key: identity of the run; that of another run is kept aside.
        score: what is measured on the validation photos after each epoch.
        items: what the network learns from.
        keep: takes the epochs done and the averaged network, before each epoch's progress is
            written: a killed run goes on without a gap.
    """

    def __init__(
        self,
        model: nn.Module,
        cache: PetCache,
        config: TrainConfig,
        state: Path,
        key: str = "",
        score: Score = quick_scores,
        items: Items = PetDataset,
        keep: Callable[[int, nn.Module], None] = lambda done, network: None,
    ) -> None:
        import accelerate  # with torchvision as slow to load as torch

        self.config, self.cache, self.state, self.key = config, cache, Path(state), key
        self.score, self.items, self.keep = score, items, keep
        self.inputs = (*model.inputs, *items.inputs)
        accelerate.state.AcceleratorState._reset_state()  # else the first run's precision stays
        self.accelerator = accelerate.Accelerator(mixed_precision=config.precision)
        self.order = torch.Generator()
        self.model = model.to(memory_format=torch.channels_last)
        self.loader = self._loader()
        self.optimizer = torch.optim.AdamW(
            decay_groups(model, config.weight_decay), lr=config.lr, betas=(0.9, 0.99)
        )
        prepared = self.accelerator.prepare(WithLoss(self.model), self.optimizer, self.loader)
        self.compute_loss, self.optimizer, self.loader = prepared
        self.ema = averaged(self.model, config.ema)
        self.history: list[dict] = []
        self.best: dict[str, Tensor] = {}

    def _loader(self) -> DataLoader:
        config = self.config
        rows = self.cache.rows("train", config.fraction, config.seed)
        if not len(rows):
            raise UserError(
                f"no photo to train on (fraction {config.fraction}); is trainval.txt there?"
            )
        from common.data.augment import augmentation

        data = self.items(self.cache, rows, augmentation(config.recipe))
        take = min(config.samples or len(rows), len(rows))
        sampler = RandomSampler(data, num_samples=take, generator=self.order)
        return DataLoader(
            data,
            config.batch_size,
            sampler=sampler,
            num_workers=config.workers,
            generator=self.order,
            worker_init_fn=seed_worker,
            drop_last=take >= config.batch_size * self.accelerator.num_processes,
        )

    def run(self) -> pd.DataFrame:
        """Train to the end or to early stopping; the model is left with its best weights.

        Returns:
            One row an epoch: epoch, loss, lr, seconds, photos_per_second and validation's scores.
        """
        self.resume()
        bar = tqdm(
            total=self.config.epochs,
            initial=len(self.history),
            desc="training",
            unit="epoch",
            disable=not self.accelerator.is_main_process,
        )
        while len(self.history) < self.config.epochs and not self.should_stop():
            row = self.train_epoch(len(self.history)) | self.validate()
            self.history.append(row)
            watch = watched(row)
            if row[watch] >= max(past[watch] for past in self.history):
                self.best = {n: v.clone() for n, v in self.ema.module.state_dict().items()}
            self.save()
            bar.update()
            bar.set_postfix_str(
                f"loss {row['loss']:.3f}, {watch} {row[watch]:.3f}, "
                f"{row['photos_per_second']:.0f} photos/s"
            )
        self.model.load_state_dict(self.best)
        return pd.DataFrame(self.history)

    def train_epoch(self, epoch: int) -> dict[str, float]:
        """One pass over the epoch's photos: mean loss, rate and speed."""
        seed = self.config.seed * 100_003 + epoch
        torch.manual_seed(own_seed(seed))
        self.order.manual_seed(seed)
        self.model.train()
        start, losses, photos = time.perf_counter(), [], 0
        coarse = epoch < self.config.coarse * self.config.epochs
        for step, batch in enumerate(self._batches(coarse)):
            share = learning_rate(epoch + step / len(self.loader), self.config)
            losses.append(self.step(batch, self.config.lr * share))
            photos += len(batch["image"]) * self.accelerator.num_processes
        seconds = time.perf_counter() - start
        loss = float(self.accelerator.reduce(torch.stack(losses).mean(), "mean"))
        if not math.isfinite(loss):
            raise UserError(f"epoch {epoch + 1}: the loss is {loss}; lower the learning rate")
        return {
            "epoch": epoch + 1,
            "loss": loss,
            "lr": self.config.lr * share,
            "seconds": seconds,
            "photos_per_second": photos / seconds,
        }

    def _batches(self, coarse: bool = False) -> Iterator[dict[str, Tensor]]:
        for step, batch in enumerate(tqdm(self.loader, leave=False, desc="epoch", unit="batch")):
            if self.config.max_steps and step >= self.config.max_steps:
                return
            batch["image"] = to_float(batch["image"])
            if coarse:
                shrink(batch)
            yield {name: batch[name] for name in self.inputs}

    def step(self, batch: dict[str, Tensor], lr: float) -> Tensor:
        """One update of the weights and their average; returns the loss."""
        for group in self.optimizer.param_groups:
            group["lr"] = lr
        loss = self.compute_loss(batch)
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.clip)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.ema.update_parameters(self.model)
        return loss.detach()

    def validate(self) -> dict[str, float]:
        """Scores of the averaged weights on the validation photos, at the cache's size."""
        with self.accelerator.autocast():
            return self.score(self.ema.module, self.cache, "val", self.accelerator)

    def should_stop(self) -> bool:
        """Whether ``patience`` epochs have passed without a better validation score."""
        scores = [row[watched(row)] for row in self.history]
        waited = len(scores) - 1 - int(np.argmax(scores)) if scores else 0
        return bool(self.config.patience) and waited >= self.config.patience

    def save(self) -> None:
        """Write the run's progress: one file, replaced whole."""
        if not self.accelerator.is_main_process:
            return
        self.keep(len(self.history), self.ema.module)
        progress = {
            "key": self.key,
            "config": json.dumps(self.recipe()),
            "history": json.dumps(self.history),
            "best": self.best,
            "model": self.model.state_dict(),
            "ema": self.ema.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }
        with atomic_path(self.state) as file:
            try:
                torch.save(progress, file)
            except RuntimeError as error:  # torch's writer hides the system's own error
                raise OSError("the write broke off") from error

    def recipe(self) -> dict[str, Any]:
        """What decides over the weights, and not who computes: a batch is of all processes."""
        whole = self.config.batch_size * self.accelerator.num_processes
        return {**asdict(self.config), "batch_size": whole, "workers": 0}

    def resume(self) -> None:
        """Take up the progress of an earlier call, if it is this run's."""
        progress = read_progress(self.state, self.key, self.recipe())
        if progress is None:
            return
        self.history, self.best = progress["history"], progress["best"]
        self.model.load_state_dict(progress["model"])
        self.ema.load_state_dict(progress["ema"])
        self.optimizer.load_state_dict(progress["optimizer"])
