"""Networks of halfway, kept as checkpoints of their own: what had training taught by then?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from common.checkpoint import Card, save_checkpoint
from common.training.trainer import Trainer


class SnapshotTrainer(Trainer):
    """A trainer that keeps the averaged network after some shares of its epochs.

    STEM-25 is the checkpoint after a quarter of them, to the nearest epoch. Each is written before
    the run's own progress, so that a killed run goes on without a gap.

    Args:
        stem: of the checkpoints, as ``results/checkpoints/mae_pets``.
        card: what they say of the network.
        shares: per cent of the epochs.
        *args, **kwargs: of `Trainer`.
    """

    def __init__(
        self, *args, stem: Path, card: Card, shares: Sequence[int] = (25, 50), **kwargs
    ) -> None:
        super().__init__(*args, **kwargs)
        epochs = self.config.epochs
        self.due = [(max(1, round(epochs * share / 100)), f"{stem}-{share}") for share in shares]
        self.card = card

    def save(self) -> None:
        """Write the run's progress, before it a snapshot where one is due."""
        done = len(self.history)
        training = {"epoch": done, "epochs": self.config.epochs, "key": self.key}
        for epoch, stem in self.due:
            if epoch == done and self.accelerator.is_main_process:
                save_checkpoint(stem, self.ema.module, replace(self.card, training=training))
        super().save()
