"""Pretrain the encoder `mae_features`: a masked autoencoder that ImageNet's network teaches.

    python -m common.training.taught --data-root DIR

It goes on from `mae_pets`, which has painted pixels: what that has learned of shapes stays of use.

A run that is stopped goes on from its last epoch. An epoch takes two to three minutes of a core.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from common.config import CHECKPOINTS, RESULTS, cli


@cli
def main(argv: list[str] | None = None) -> None:
    """Command line."""
    from common.data.dataset import prepare
    from common.training.optim import TrainConfig
    from common.training.pretrain import Crops, quick_reconstruction
    from common.training.processes import is_main, join
    from common.training.runs import Training

    parser = argparse.ArgumentParser(prog="python -m common.training.taught", description=__doc__)
    parser.add_argument("--data-root", help="dataset folder (default: $PETS_ROOT)")
    parser.add_argument("--results", type=Path, default=RESULTS, help="results folder")
    parser.add_argument("--epochs", type=int, default=30, help="of 3,289 crops")
    parser.add_argument("--max-steps", type=int, default=0, help="of an epoch (0: no limit)")
    args = parser.parse_args(argv)
    join()
    config = TrainConfig(
        epochs=args.epochs,
        batch_size=32,  # more steps for the same crops: there are few of both
        ema=0.99,
        recipe="colour",
        max_steps=args.max_steps,
        workers=0,
    )
    training = Training(
        "mae_features",
        "mae_features",
        config=config,
        score=quick_reconstruction,
        items=Crops(128, smallest=0.2),
        start=args.results / CHECKPOINTS.name / "mae_pets",
    )
    run = training.run_or_load(prepare(args.data_root, size=256), args.results)
    if is_main():
        print(run.history.round(4).to_string(index=False))


if __name__ == "__main__":
    raise SystemExit(main())
