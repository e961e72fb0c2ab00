"""Teach the Point UNet one's own animals: go on from a committed checkpoint with a COCO file.

    python -m common.training.own --coco masks/instances.json --images photos --name mine

takes what `common.predict --all` wrote, corrected by hand, or any COCO file; four fifths of the
photos are learnt from and a fifth judges. 50 photos take some ten minutes of two cores and 2 GB of
memory. The new checkpoint answers as `--model mine`, and stands in the choosers of the click tool;
nothing that is committed is touched. A run that is stopped goes on from its last epoch.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from common.config import CHECKPOINTS, RESULTS, UserError, cli, user_path

if TYPE_CHECKING:
    from accelerate import Accelerator
    from numpy import ndarray
    from torch import Tensor, nn

    from common.data.cache import PetCache
    from common.training.runs import Training

START = CHECKPOINTS / "point_unet"
EPOCHS, RATE = 24, 1e-4
PHOTOS, EACH = 12, 2  # that validation looks at, and animals of each that it clicks on, at most
SMALLEST = 0.005  # of a photo: an animal that is clicked on


def own_training(name: str, photos: int, start: Path = START, epochs: int = EPOCHS) -> Training:
    """The training of ``name`` on that many photos, from a checkpoint that knows instances."""
    from common.checkpoint import read_card
    from common.data.views import Views
    from common.training.optim import TrainConfig
    from common.training.runs import Training

    card = read_card(start)
    if not card["kwargs"].get("instances"):
        raise UserError(f"{start.name} does not tell one animal from another; start from another")
    config = TrainConfig(
        epochs=epochs,
        batch_size=min(8, photos),
        lr=RATE,
        warmup=0.5,
        ema=0.98,
        recipe="colour",
        workers=0,
    )
    items = cast(Any, Views(card["size"]))
    return Training(name, card["model"], card["kwargs"], config, quick_own_scores, items, start)


def quick_own_scores(
    model: nn.Module, cache: PetCache, split: str, accelerator: Accelerator
) -> dict[str, float]:
    """val_iou_clicks, the mean IoU with each animal after 1, 3 and 5 clicks, and each of them.

    Every process scores all of them.
    """
    import numpy as np
    import torch

    from common.training.click_validation import CLICKS, click_batch

    model.eval()
    with torch.inference_mode():
        curves = [
            click_batch(model, image.to(accelerator.device), truths)
            for image, truths in judged(cache, cache.rows(split)[:PHOTOS])
        ]
    iou = np.concatenate(curves, 1).mean(1)
    scores = {f"val_iou_at_{k}": float(iou[k]) for k in CLICKS}
    return {"val_iou_clicks": float(np.mean(list(scores.values()))), **scores}


def judged(
    cache: PetCache, rows: ndarray, size: int = 256
) -> Iterator[tuple[Tensor, list[ndarray]]]:
    """Photos of `own_photos` (B, 3, S, S) in [0, 1], and B truths (S, S) of 1, 0, 255.

    A photo is there once for each of its B animals that are clicked on.
    """
    import numpy as np
    from PIL import Image

    from common.config import IGNORE
    from common.data.geometry import to_input

    for row in rows:
        height, width = cache.manifest[["height", "width"]].iloc[row]
        mask = Image.fromarray(cache.masks[row][:height, :width])
        numbers = np.asarray(mask.resize((size, size), Image.Resampling.NEAREST))
        found, areas = np.unique(numbers[(numbers > 0) & (numbers != IGNORE)], return_counts=True)
        large = found[areas >= SMALLEST * numbers.size][:EACH]
        truths = [np.where(numbers == IGNORE, IGNORE, numbers == n).astype("uint8") for n in large]
        if truths:
            image = to_input(cache.images[row][:height, :width], size)
            yield image.expand(len(truths), -1, -1, -1), truths


@cli
def main(argv: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m common.training.own")
    parser.add_argument("--coco", type=user_path, required=True, help="a COCO file of instances")
    parser.add_argument("--images", type=user_path, required=True, help="folder of its photos")
    parser.add_argument("--name", required=True, help="of the new checkpoint")
    parser.add_argument("--start", type=user_path, default=START, help="checkpoint to go on from")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--results", type=user_path, default=RESULTS / "local")
    parser.add_argument("--overwrite", action="store_true", help="a finished run of that name")
    args = parser.parse_args(argv)

    from common.checkpoint import stem_of
    from common.data.own import own_photos

    home, stem = RESULTS / "local", stem_of(args.name)
    if stem.parent == CHECKPOINTS and Path(f"{stem}.json").is_file():
        raise UserError(f"{args.name} is a committed checkpoint; give another --name")

    cache = own_photos(args.coco, args.images)
    training = own_training(args.name, len(cache.rows("train")), args.start, args.epochs)
    if training.would_replace(cache, args.results) and not args.overwrite:
        raise UserError(f"{args.name} is trained already; give another --name, or --overwrite")
    before = score_before(training, cache)
    after = training.run_or_load(cache, args.results).history["val_iou_clicks"].max()
    photos = len(cache.rows("val"))
    print(
        f"mean IoU after 1, 3, 5 clicks on {photos} photos: {before:.3f} before, {after:.3f} now"
    )
    there = args.results / CHECKPOINTS.name / args.name
    print(f"--model {args.name if args.results == home else there}")


def score_before(training: Training, cache: PetCache) -> float:
    """What the checkpoint to go on from scores on the photos that judge."""
    from accelerate import Accelerator

    network = training.network()
    return quick_own_scores(network, cache, "val", Accelerator(cpu=True))["val_iou_clicks"]


if __name__ == "__main__":
    raise SystemExit(main())
