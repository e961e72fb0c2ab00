"""What more photos are worth, and what is chance: shares of the training photos, and seeds.

Every run of a model takes the same number of steps (to a whole epoch), whatever its share of the
photos, on a budget shorter than the headline's; the validation photos score it, at native size.
"""

from dataclasses import replace
from pathlib import Path

import pandas as pd

from common.config import RESULTS
from common.data.dataset import prepare
from common.files import read_table
from common.scoring.scores import bootstrap
from common.studies.ablation import SEGMENTATION, spent, train_variants
from common.studies.variants import Variant
from common.training.trainer import TrainConfig

SHARES = (0.1, 0.25, 0.5, 1.0)
SEEDS = {"unet": 3, "imagenet_baseline": 3, "mae_seg": 1}  # of each model's runs on all photos
BUDGETS = {
    "unet": TrainConfig(epochs=8, samples=2048, coarse=0.75),
    "imagenet_baseline": TrainConfig(epochs=6, samples=2048, lr=6e-4, coarse=0.6),
    "mae_seg": TrainConfig(epochs=4, samples=2048, lr=6e-4),
}


def learning_variants(model: str, config: TrainConfig, photos: int) -> list[Variant]:
    """A model's runs: each share with seed 0, then the other seeds on all photos.

    Args:
        model: one of `SEEDS`.
        config: the budget on all photos.
        photos: of the training split. Where a share is smaller than an epoch of ``config``, it is
            seen more often, so that the number of steps stays.
    """
    shares = []
    for share in SHARES:
        seen = min(config.samples or photos, max(1, round(share * photos)))
        epochs = round(config.epochs * min(config.samples or photos, photos) / seen)
        training = {"fraction": share, "epochs": epochs}
        shares.append(Variant(run_name(share, 0), f"{share:.0%}", "share", training=training))
    seeds = [
        Variant(run_name(1.0, seed), f"seed {seed}", "seed", training={"seed": seed})
        for seed in range(1, SEEDS[model])
    ]
    return shares + seeds


def run_name(share: float, seed: int) -> str:
    """How a run is filed, as ``share-25-seed-0``."""
    return f"share-{round(100 * share)}-seed-{seed}"


def run_learning(
    model: str, root: str | Path | None, *, size: int, results: Path = RESULTS, **budget: object
) -> None:
    """Train and score the runs of a model that are not yet there.

    Args:
        model: one of `SEEDS`.
        root: dataset folder.
        size: edge of the square in pixels.
        results: the results folder.
        **budget: fields of `TrainConfig` over those of `BUDGETS`.
    """
    config = replace(BUDGETS[model], **budget)
    photos = len(prepare(root, size=size).rows("train"))
    variants = learning_variants(model, config, photos)
    train_variants(model, variants, config, root, size=size, results=results)


def learning_table(results: Path = RESULTS) -> pd.DataFrame:
    """Scores of all stored runs, a row a run.

    Returns:
        model, share in (0, 1], seed, epochs, minutes (of training), miou, low, high (its 95 %
        interval over photos) and foreground_iou; no row where nothing is stored.
    """
    runs = [(m, s, 0) for m in SEEDS for s in SHARES]
    runs += [(m, 1.0, seed) for m, seeds in SEEDS.items() for seed in range(1, seeds)]
    rows = [_row(*run, results) for run in runs if _file(*run, results).is_file()]
    return pd.DataFrame(rows)


def _row(model: str, share: float, seed: int, results: Path) -> dict[str, object]:
    scored = bootstrap(read_table(_file(model, share, seed, results)), ["miou", "foreground_iou"])
    about = {"model": model, "share": share, "seed": seed}
    miou = scored.loc["miou"].rename({"value": "miou"})
    outline = {"foreground_iou": scored.at["foreground_iou", "value"]}
    return {**about, **spent(model, run_name(share, seed), results), **miou, **outline}


def _file(model: str, share: float, seed: int, results: Path) -> Path:
    return SEGMENTATION.file(model, run_name(share, seed), results)
