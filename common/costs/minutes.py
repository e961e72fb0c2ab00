"""What some minutes buy on the device at hand: three trainings that share them equally.

    python -m common.run_all --profile full --minutes 10

The large UNet and a masked autoencoder at 224 px, the Point UNet at 320 px, in bfloat16. How many
photos a share buys is measured first and kept: a run that is stopped goes on with its plan.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

import pandas as pd
import torch

from common.config import RESULTS, UserError, atomic_path
from common.costs.memory import peak_mb
from common.data.cache import PetCache
from common.data.dataset import prepare
from common.provenance import processor
from common.training.click_validation import quick_click_scores
from common.training.contracts import watched
from common.training.optim import TrainConfig
from common.training.pretrain import Crops, quick_reconstruction
from common.training.runs import Training
from common.training.trainer import Trainer

FOLDER = Path("local") / "minutes"  # below the results
STEPS = 4  # that are not timed; the time of three times as many less that of as many is
TRAINED = 0.8  # share of the time; the rest validates


@dataclass(frozen=True)
class Entrant:
    """A training, the edge of what it sees and that of the photos it is cut from, in pixels."""

    training: Training
    edge: int
    photos: int


def entrants(**changes: Any) -> dict[str, Entrant]:
    """The three by name; ``changes`` to the configuration of all of them."""
    usual: dict[str, Any] = {"batch_size": 32, "workers": 4, "recipe": "full"}
    config = TrainConfig(**(usual | changes))
    painter, crops = {"size": 224, "patch": 16}, cast(Any, Crops(224))
    points = Training("point_unet", "point_unet", config=config, score=quick_click_scores)
    return {
        "unet_l": Entrant(Training("unet_l", "unet_l", config=config), 224, 224),
        "mae": Entrant(
            Training(
                *("mae", "mae_pets", painter),
                config=replace(config, recipe="none"),
                score=quick_reconstruction,
                items=crops,
            ),
            224,
            256,
        ),
        "point_unet": Entrant(points, 320, 320),
    }


def photos_per_second(training: Training, cache: PetCache) -> float:
    """Speed of a training's steps once its workers run; nothing is kept of them."""
    spent = []
    for epoch, steps in enumerate((STEPS, STEPS, 3 * STEPS)):
        brief = replace(training.config, max_steps=steps)
        trainer = Trainer(training.network(), cache, brief, Path("unused"), items=training.items)
        spent.append(trainer.train_epoch(epoch))
    few, many = ((row["seconds"], row["seconds"] * row["photos_per_second"]) for row in spent[1:])
    return (many[1] - few[1]) / max(many[0] - few[0], 0.05 * many[0])


def planned(training: Training, cache: PetCache, seconds: float) -> TrainConfig:
    """Epochs, and photos of an epoch, that fit into ``seconds`` with their validation."""
    there = len(cache.rows("train"))
    photos = max(
        training.config.batch_size, int(TRAINED * seconds * photos_per_second(training, cache))
    )
    epochs = max(1, round(photos / there))
    return replace(training.config, epochs=epochs, samples=min(there, photos // epochs))


def plan_of(file: Path, training: Training, cache: PetCache, seconds: float) -> TrainConfig:
    """The plan that ``file`` keeps of this share on this device, or one made and kept now."""
    asked = {"seconds": seconds, "device": device_name(), "batch": training.config.batch_size}
    kept = json.loads(file.read_text(encoding="utf-8")) if file.is_file() else {}
    if kept.get("asked") != asked:
        config = planned(training, cache, seconds)
        kept = {"asked": asked, "epochs": config.epochs, "samples": config.samples}
        with atomic_path(file) as path:
            path.write_text(json.dumps(kept), encoding="utf-8")
    return replace(training.config, epochs=kept["epochs"], samples=kept["samples"])


def device_name() -> str:
    """The accelerator's name, or the processor's where there is none."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else processor()


def row_of(name: str, entrant: Entrant, folder: Path, root: str, seconds: float) -> dict:
    """What a share of the time bought: a row of the table."""
    cache = prepare(root, size=entrant.photos)
    config = plan_of(folder / f"{name}.json", entrant.training, cache, seconds)
    run = replace(entrant.training, config=config).run_or_load(cache, folder)
    score = watched(run.history)
    on_device = torch.cuda.max_memory_allocated() / 2**20 if torch.cuda.is_available() else 0
    return {
        "model": name,
        "edge": entrant.edge,
        "epochs": config.epochs,
        "photos": config.epochs * config.samples,
        "minutes": round(run.minutes, 2),
        "photos_per_second": round(float(run.history["photos_per_second"].median()), 1),
        "memory_mb": round(on_device or peak_mb()),
        "score": score,
        "value": round(float(run.history[score].max()), 4),
        "device": device_name(),
    }


def within(minutes: float, root: str, results: Path = RESULTS, **changes: Any) -> pd.DataFrame:
    """Train the three in ``minutes``, print and keep the table ``full_minutes.csv``.

    Args:
        minutes: of training and validation; preprocessing comes before them, once.
        root: a dataset folder.
        results: the results folder.
        changes: of `entrants`.
    """
    if not 0.05 <= minutes <= 600:
        raise UserError(f"--minutes {minutes:g} does not do; choose 0.05 to 600")
    chosen, folder = entrants(**changes), results / FOLDER
    seconds = 60 * minutes / len(chosen)
    rows = [row_of(name, one, folder, root, seconds) for name, one in chosen.items()]
    table = pd.DataFrame(rows)
    with atomic_path(results / "full_minutes.csv") as file:
        table.to_csv(file, index=False)
    print(table.to_string(index=False))
    return table
