"""What one's own photos buy: the Point UNet taught on some of them, and asked on others.

    ELSEWHERE_ROOT=DIR PETS_ROOT=DIR python -m common.studies.own_curve --photos 10 20 50

teaches as `training.own` does, for as many steps whatever the number of photos, and asks on the
photos that are held out and, for what is forgotten, on validation photos of the dataset. Weights
stay below ``results/local``; the table is ``results/own_curve.parquet``: a row a photo that is
asked about, with photos (that were learnt from, 0: before), draw (of these), home (the dataset's),
image, iou_at_1 and iou_at_3 (means over its animals). Its ``attrs`` say what each training took.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common.config import RESULTS, UserError, cli, user_path

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

FILE = RESULTS / "own_curve.parquet"
PLACE = RESULTS / "local" / "own_curve"
HELD = 80  # photos that nothing is learnt from, the same for every training
VIEWS = 320  # of photos, that each training sees
HOME = 60  # photos of the dataset, about
CLICKS = (1, 3)
SHARE = 0.8  # of some photos are learnt from, the others judge: `data.own.HELD`
VERSION = 1  # raise it when the same photos would give other numbers


def split(names: Iterable[str], photos: int, draw: int) -> tuple[list[str], list[str]]:
    """Names of the photos to learn from, and of those held out, which are always the same.

    More photos of the same draw hold those of fewer.
    """
    import numpy as np

    by_hash = sorted(names, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
    held, pool = by_hash[:HELD], by_hash[HELD:]
    if photos > len(pool):
        raise UserError(f"{photos} photos to learn from: only {len(pool)} are not held out")
    return [pool[i] for i in np.random.default_rng(draw).permutation(len(pool))[:photos]], held


def part_of(file: Path, names: Iterable[str], to: Path) -> Path:
    """A COCO file of some photos of another, written to ``to``."""
    from common.canvas.own import save_json

    data, kept = json.loads(file.read_text(encoding="utf-8")), set(names)
    data["images"] = [image for image in data["images"] if image["file_name"] in kept]
    numbers = {image["id"] for image in data["images"]}
    data["annotations"] = [one for one in data["annotations"] if one["image_id"] in numbers]
    save_json(data, {}, to)
    return to


def taught(root: Path, photos: int, draw: int) -> tuple[Path, float]:
    """Checkpoint of a training on some photos of a folder, and its minutes."""
    from common.data.coco import read_instances
    from common.data.own import own_photos
    from common.training.own import own_training

    file = root / "instances.json"
    names = [photo.name for photo in read_instances(file) if photo.instances]
    learnt, _ = split(names, photos, draw)
    name = f"{photos}-{draw}"
    part = part_of(file, learnt, PLACE / f"{name}.json")
    epochs = round(VIEWS / (SHARE * photos))
    run = own_training(name, round(SHARE * photos), epochs=epochs).run_or_load(
        own_photos(part, root / "images"), PLACE
    )
    return PLACE / "checkpoints" / name, float(run.history["seconds"].sum() / 60)


def asked(checkpoint: Path, root: Path, home: Path) -> pd.DataFrame:
    """Rows of a checkpoint, as validation in training asks: the network alone, in one look."""
    import numpy as np
    import pandas as pd
    import torch

    from common.checkpoint import load_checkpoint
    from common.clicks.prompts import pet_truth
    from common.data.coco import read_instances
    from common.data.dataset import prepare
    from common.data.own import own_photos
    from common.training.click_validation import click_batch
    from common.training.own import judged
    from common.training.validation import photo_batches

    model, card = load_checkpoint(checkpoint)
    file, rows = root / "instances.json", list[dict]()
    names = [photo.name for photo in read_instances(file) if photo.instances]
    cache = own_photos(part_of(file, split(names, 0, 0)[1], PLACE / "held.json"), root / "images")
    pets = prepare(home, size=card.size)
    places = pets.rows("val")[:: max(1, len(pets.rows("val")) // HOME)]
    with torch.inference_mode():
        for row, name in enumerate(cache.manifest["name"]):
            for image, truths in judged(cache, np.array([row]), card.size):
                curve = click_batch(model.eval(), image, truths).mean(1)
                rows.append(_row(name, False, curve))
        for (row,), image in photo_batches(pets, places, batch=1):
            curve = click_batch(model, image, [pet_truth(pets.masks[row])])
            rows.append(_row(pets.manifest["name"][row], True, curve.mean(1)))
    return pd.DataFrame(rows).astype({f"iou_at_{k}": "float32" for k in CLICKS})


def _row(name: str, home: bool, curve: np.ndarray) -> dict:
    return {"image": name, "home": home, **{f"iou_at_{k}": float(curve[k]) for k in CLICKS}}


def curve_or_load(results: Path = RESULTS) -> pd.DataFrame:
    """The table as stored (or committed): only the command makes it."""
    from common.files import read_table

    there = results / FILE.name
    return read_table(there if there.is_file() else FILE)


def gains(table: pd.DataFrame, click: int = 1, *, home: bool = False) -> pd.DataFrame:
    """What each training gains over none, with 95 % intervals over the photos that are asked.

    Returns:
        photos, draw, value (mean IoU), low, high, and the paired difference, difference_low,
        difference_high; the first row is before any training.
    """
    import pandas as pd

    from common.scoring.click_scores import mean_intervals, paired_means

    rows, score = table[table["home"] == home].set_index("image"), f"iou_at_{click}"
    runs = {key: run[[score]] for key, run in rows.groupby(["photos", "draw"])}
    before = runs[0, 0][score]
    found = []
    for (photos, draw), run in runs.items():
        gap = paired_means(run[score], before)
        found.append(
            {
                "photos": photos,
                "draw": draw,
                **mean_intervals(run).loc[score],
                "difference": gap["difference"],
                "difference_low": gap["low"],
                "difference_high": gap["high"],
            }
        )
    return pd.DataFrame(found)


@cli
def main(argv: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m common.studies.own_curve")
    parser.add_argument("--photos", type=int, nargs="+", default=[10, 20, 50])
    parser.add_argument("--draws", type=int, default=3, help="of photos, each size (3)")
    parser.add_argument("--only-teach", action="store_true", help="ask later")
    parser.add_argument("--out", type=user_path, default=FILE)
    args = parser.parse_args(argv)

    from common.data.dataset import resolve_root
    from common.scoring.elsewhere import elsewhere_root

    if (root := elsewhere_root()) is None:
        raise UserError("set ELSEWHERE_ROOT to a folder with instances.json and images/")
    runs = [(photos, draw) for draw in range(args.draws) for photos in args.photos]
    for photos, draw in runs if args.only_teach else []:
        print(*taught(root, photos, draw), flush=True)
    if not args.only_teach:
        measure([(0, 0), *runs], root, resolve_root(None), args.out)


def measure(runs: Sequence[tuple[int, int]], root: Path, home: Path, out: Path) -> None:
    """Teach and ask each run (photos, draw) where that is not done yet, and write the table."""
    from functools import partial

    import pandas as pd

    from common.checkpoint import read_card
    from common.files import artifact, write_table
    from common.provenance import file_sha256, processor
    from common.training.own import START

    known = {"annotations": file_sha256(root / "instances.json"), "start": START.name}
    tables, about = [], []
    for photos, draw in runs:
        stem, minutes = taught(root, photos, draw) if photos else (START, 0.0)
        key = {**known, "checkpoint": read_card(stem)["tensors_sha256"]}
        file = PLACE / f"{photos}-{draw}.parquet"
        table = artifact(file, partial(asked, stem, root, home), key=key)
        run = {"photos": photos, "draw": draw, "minutes": round(minutes, 1)}
        about.append({**run, "checkpoint": key["checkpoint"]})
        tables.append(table.assign(photos=photos, draw=draw))
        every = pd.concat(tables, ignore_index=True)
        every.attrs = {"runs": about, "processor": processor()}
        write_table(out, every, {**known, "version": VERSION})


if __name__ == "__main__":
    raise SystemExit(main())
