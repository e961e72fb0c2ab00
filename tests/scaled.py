"""Trains a small UNet in one process or as one of several: the loss of each step as JSON.

    python scaled.py DATA_ROOT CACHE_FOLDER OUT.json

The global batch stays 16 photos, normalised by groups. Photos vary and channels drop out by the
photo's own number, so that what is drawn depends on no other photo of its process.
"""

import json
import os
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from common.data.dataset import PetDataset, prepare
from common.models import create_model
from common.training import processes
from common.training.optim import TrainConfig
from common.training.trainer import Trainer

GLOBAL_BATCH, STEPS = 16, 20


class Seeded(PetDataset):
    """Items that tell their number, and vary by it alone."""

    inputs = ("photo",)

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(item)
            return super().__getitem__(item) | {"photo": torch.tensor(item)}


class SeededDropout(nn.Dropout2d):
    """Drops a photo's channels by its number; ``photos`` are the batch's."""

    photos: list[int] = []

    def forward(self, input: Tensor) -> Tensor:
        if not self.training:
            return input
        draws = [torch.Generator().manual_seed(photo) for photo in self.photos]
        kept = torch.stack([torch.rand(input.shape[1], generator=g) > self.p for g in draws])
        return input * kept[..., None, None] / (1 - self.p)


def seeded(model: nn.Module) -> nn.Module:
    """The model, dropping out by the photo."""
    loss = model.loss
    for module in model.modules():
        if isinstance(module, nn.Dropout2d):
            module.__class__ = SeededDropout

    def noting(batch: dict[str, Tensor]) -> Tensor:
        SeededDropout.photos = batch["photo"].tolist()
        return loss(batch)

    model.loss = noting
    return model


def main(root: str, folder: str, out: str) -> None:
    """Train for 20 steps, two epochs of ten; see the module."""
    processes.join()
    batch = GLOBAL_BATCH // int(os.environ.get("WORLD_SIZE", "1"))
    config = TrainConfig(
        epochs=2, batch_size=batch, max_steps=STEPS // 2, precision="no", workers=0
    )
    torch.manual_seed(0)
    model = seeded(create_model("unet", widths=(8, 16), stem=1, norm="group"))
    cache = prepare(root, size=32, folder=folder)
    trainer = Trainer(model, cache, config, Path(out).with_suffix(".pt"), items=Seeded)
    losses, step = [], trainer.step

    def noting(batch: dict, lr: float) -> torch.Tensor:
        loss = step(batch, lr)
        losses.append(float(trainer.accelerator.reduce(loss, "mean")))
        return loss

    trainer.step = noting
    history = trainer.run()
    if processes.is_main():
        about = {"processes": trainer.accelerator.num_processes, "losses": losses}
        about["val_miou"] = history["val_miou"].tolist()
        Path(out).write_text(json.dumps(about))


if __name__ == "__main__":
    main(*sys.argv[1:])
