"""Trains a small UNet in one process or as one of several: the loss of each step as JSON.

    python scaled.py DATA_ROOT CACHE_FOLDER OUT.json

The global batch stays 16 photos. Normalisation by groups, no dropout and masks without border
(whose pixels are not judged): a photo's share of the loss then depends on no other photo of its
process.
"""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from common.config import IGNORE
from common.data.dataset import prepare
from common.models import create_model
from common.training import processes
from common.training.optim import TrainConfig
from common.training.trainer import Trainer

GLOBAL_BATCH, STEPS = 16, 20


def main(root: str, folder: str, out: str) -> None:
    """Train for 20 steps, two epochs of ten; see the module."""
    processes.join()
    batch = GLOBAL_BATCH // int(os.environ.get("WORLD_SIZE", "1"))
    config = TrainConfig(
        epochs=2, batch_size=batch, max_steps=STEPS // 2, precision="no", recipe="none", workers=0
    )
    torch.manual_seed(0)
    model = create_model("unet", widths=(8, 16), stem=1, norm="group", dropout=0.0)
    cache = prepare(root, size=32, folder=folder)
    whole = replace(cache, masks=np.where(cache.masks == IGNORE, 0, cache.masks))
    trainer = Trainer(model, whole, config, Path(out).with_suffix(".pt"))
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
