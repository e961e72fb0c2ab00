"""Pretrain the encoder `mae_features`: a masked autoencoder that ImageNet's network teaches.

    python -m common.training.taught --data-root DIR

It goes on from `mae_pets`, which has painted pixels: what that has learned of shapes stays of use.
A run that is stopped goes on from its last epoch. An epoch takes two to three minutes of a core.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from common.config import CHECKPOINTS, RESULTS, cli, user_path

if TYPE_CHECKING:
    from common.training.runs import Training

EPOCHS = 26  # of 3,289 crops
PHOTOS, CROP = 256, 128  # pixels: of the cache that crops are cut from, and of a crop


def taught_training(results: Path = RESULTS, **changes: Any) -> Training:
    """The pretraining; ``changes`` to its configuration, as a smoke run makes them."""
    from common.training.optim import TrainConfig
    from common.training.pretrain import Crops, quick_reconstruction
    from common.training.runs import Training

    painter = Path(CHECKPOINTS.name) / "mae_pets"  # the results' own, or else the committed one
    there = (results / painter).with_suffix(".json").is_file()
    # small batches: more steps for the same crops, and there are few of both
    how = {"epochs": EPOCHS, "batch_size": 32, "ema": 0.99, "recipe": "colour", "workers": 0}
    return Training(
        "mae_features",
        "mae_features",
        config=TrainConfig(**(how | changes)),
        score=quick_reconstruction,
        items=Crops(CROP, smallest=0.2),
        start=(results if there else RESULTS) / painter,
    )


@cli
def main(argv: list[str] | None = None) -> None:
    """Command line."""
    from common.data.dataset import prepare
    from common.training.processes import is_main, join

    parser = argparse.ArgumentParser(prog="python -m common.training.taught", description=__doc__)
    parser.add_argument("--data-root", help="dataset folder (default: $PETS_ROOT)")
    parser.add_argument("--results", type=user_path, default=RESULTS, help="results folder")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="of 3,289 crops")
    parser.add_argument("--max-steps", type=int, default=0, help="of an epoch (0: no limit)")
    args = parser.parse_args(argv)
    join()
    training = taught_training(args.results, epochs=args.epochs, max_steps=args.max_steps)
    run = training.run_or_load(prepare(args.data_root, size=PHOTOS), args.results)
    if is_main():
        print(run.history.round(4).to_string(index=False))


if __name__ == "__main__":
    raise SystemExit(main())
