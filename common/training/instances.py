"""How the largest point UNet learns what a click means: one animal among several.

Four lessons on `data.composites`, after those on single photos. In the first the animals of a
scene differ in light and colours; in the second many are alike, since on photos from elsewhere the
network took neighbours of one litter for one animal; in the third half of the scenes show one
animal as the photo has it, some of them so near that the outline can be followed. That made it
take neighbours for one again, so the last lesson holds the balance, and what is used is a mean of
its weights and the second's (`EARLY`, `SHARE`; chosen on validation and on photos from elsewhere).

They follow two lessons on single photos (notebook 05); `training.means.mean_or_load` does all.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from common.config import CHECKPOINTS, IGNORE
from common.data.cache import PetCache
from common.data.composites import KINDS, Scenes
from common.data.dataset import to_float
from common.data.scene import Mix
from common.training.click_validation import click_batch
from common.training.optim import TrainConfig
from common.training.runs import Training

if TYPE_CHECKING:  # as slow to load as torch
    from accelerate import Accelerator

VERSION = 1  # raise it when the same network would be scored otherwise
SIZE = 256
KWARGS = {
    "instances": True,
    "proximity": [1 / 16, 1 / 4],
    "attending": 2,
    "rounds": 8,
    "blank": 0.12,
}
APART = Mix(
    size=SIZE, single=0.25, alone=0.15, several=0.52, ground=0.08, tile=0.25, beside=0.5,
    twin=0.0, harmony=0.0, coarse=0.0,
)  # fmt: skip
ALIKE = Mix(size=SIZE)
NEAR = Mix(size=SIZE, single=0.36, near=0.14, alone=0.1, several=0.34, ground=0.06)
BOTH = Mix(size=SIZE, single=0.26, near=0.08, alone=0.08, several=0.52, ground=0.06)
EARLY, SHARE = "point_unet_alike", 0.3  # of the last lesson's weights
SCENES = 48  # of each kind, for validation
AT = (1, 3, 5)  # clicks whose mean IoU chooses the epoch


def lessons(
    name: str = "point_unet", folder: Path = CHECKPOINTS, *, size: int = SIZE, **changes: Any
) -> tuple[Training, ...]:
    """The lessons; each goes on from the one before.

    Args:
        name: of what becomes of them; theirs have endings, that of the network which knows
            single photos alone is ``name`` + "_single".
        folder: where that one is.
        size: edge of the scenes in pixels.
        changes: to the configuration of all of them, as a smoke run makes them.
    """
    common = {"samples": 1280, "batch_size": 16, "warmup": 0.5, "ema": 0.998}
    how = {"model": "point_unet", "kwargs": KWARGS, "score": quick_instance_scores}

    def lesson(ending: str, start: str, mix: Mix, **config: Any) -> Training:
        config = {**common, **config, **changes}
        start = folder / (name + start)
        return Training(
            name + ending,
            config=TrainConfig(**config),
            items=Scenes(replace(mix, size=size)),
            start=start,
            **how,
        )

    return (
        lesson("_apart", "_single", APART, epochs=10, lr=5e-4, coarse=1.0),
        lesson("_alike", "_apart", ALIKE, epochs=15, lr=4e-4, coarse=0.85),
        lesson("_near", "_alike", NEAR, epochs=10, lr=4e-4, coarse=1.0),
        lesson("_both", "_near", BOTH, epochs=16, lr=3.5e-4, coarse=0.75),
    )


@torch.inference_mode()
def quick_instance_scores(
    model: nn.Module, cache: PetCache, split: str, accelerator: Accelerator
) -> dict[str, float]:
    """val_iou_clicks, the mean IoU of single photos and scenes of several after 1, 3, 5 clicks.

    The scenes are always the same; of each the animal that was laid last and shows enough of
    itself is clicked on, at the cache's size. Every process scores all of them.
    """
    model.eval()
    scores: dict[str, float] = {}
    with torch.random.fork_rng(devices=[]):
        for kind in ("several", "single"):
            torch.manual_seed(7)
            scores |= _scores_of(model, cache, split, kind, accelerator)
    mean = np.mean([scores[f"val_{kind}_{k}"] for kind in ("several", "single") for k in AT])
    return {"val_iou_clicks": float(mean), **scores}


def _scores_of(
    model: nn.Module, cache: PetCache, split: str, kind: str, accelerator: Accelerator
) -> dict[str, float]:
    rows = cache.rows(split)
    rows = rows[:: max(1, len(rows) // SCENES)][:SCENES]
    only = dict.fromkeys(KINDS, 0.0) | {kind: 1.0}
    data, curves = Scenes(Mix(size=SIZE, **only))(cache, rows), []
    for at in range(0, len(rows), 16):
        items = [data[i] for i in range(at, min(at + 16, len(rows)))]
        image = to_float(torch.stack([item["image"] for item in items]))
        truths = [last_animal(item["mask"].numpy()) for item in items]
        curves.append(click_batch(model, image.to(accelerator.device), truths))
    iou = np.concatenate(curves, 1).mean(1)
    return {f"val_{kind}_{k}": float(iou[k]) for k in (0, *AT)}


def last_animal(mask: np.ndarray) -> np.ndarray:
    """The truth (S, S) of the animal laid last that covers half a per cent of a scene."""
    numbers, areas = np.unique(mask[(mask > 0) & (mask != IGNORE)], return_counts=True)
    large = numbers[areas > 0.005 * mask.size]
    chosen = large[-1] if len(large) else 1
    return np.where(mask == IGNORE, IGNORE, mask == chosen).astype(np.uint8)
