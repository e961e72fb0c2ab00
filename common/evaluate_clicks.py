"""Let a robot click on every photo of a sample, and count what each click gives.

    python -m common.evaluate_clicks --model point_unet --data-root DIR --split test

prints a table with 95 % bootstrap intervals and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from .checkpoint import read_card, stem_of
from .click_scores import click_scores
from .config import RESULTS, UserError, atomic_path, cli
from .data import resolve_root
from .evaluate import SPLITS, log_test_read, print_problems
from .interact.predictor import Predictor, load_predictor
from .interact.prompts import Click, Clicker, next_click, pet_truth
from .pets import find_root, read_index, read_pair

PHOTOS, CLICKS = 500, 20
FIRST = ("robot", "random", "jittered", "wrong")
JITTER = 0.05  # of the photo's diagonal


def balanced_sample(index: pd.DataFrame, photos: int, seed: int = 0) -> pd.DataFrame:
    """So many photos, half of them cats; every photo where a species has too few."""
    halves = [
        rows.sample(min(len(rows), photos // 2), random_state=seed)
        for _, rows in index.groupby("species")
    ]
    return pd.concat(halves).sort_index()


def first_click(how: str, truth: np.ndarray, rng: np.random.Generator) -> Click:
    """The click that opens a photo.

    Args:
        how: "robot" the pet's centre; "random" anywhere on it; "jittered" the centre, missed by
            5 % of the diagonal; "wrong" on the ground, though labelled as pet.
        truth: (H, W) uint8: 1 pet, 0 not, 255 border.
        rng: for the last three.
    """
    if how not in FIRST:
        raise UserError(f"first click {how!r} is unknown; choose one of {', '.join(FIRST)}")
    if how in ("random", "wrong"):
        rows, columns = np.nonzero(truth == (how == "random"))
        chosen = rng.integers(len(rows))
        return Click(float(columns[chosen]), float(rows[chosen]))
    centre = next_click(np.zeros(truth.shape, bool), truth)
    if how == "robot":
        return centre
    x, y = rng.normal((centre.x, centre.y), JITTER * math.hypot(*truth.shape))
    height, width = truth.shape
    return Click(float(np.clip(x, 0, width - 1)), float(np.clip(y, 0, height - 1)))


def click_through(
    predictor: Predictor, image: np.ndarray, truth: np.ndarray, first: Click, clicks: int = CLICKS
) -> list[dict]:
    """Rows ``click, inter, union, ms`` of one photo: without a click, then after each.

    The first click meets an empty mask, as in RITM; each later one the mask before it. Where
    nothing is wrong any more, the mask stays as it is.
    """
    predictor.set_image(image)
    rows, clicker, previous = [], Clicker(), None
    mask = _timed(predictor, clicker, None, truth, rows)[0]
    click: Click | None = first
    for _ in range(clicks):
        if click is None:
            rows.append({**rows[-1], "click": len(rows)})
            continue
        clicker.add(click)
        mask, previous = _timed(predictor, clicker, previous, truth, rows)
        click = next_click(mask, truth, clicker.clicks)
    return rows


def _timed(
    predictor: Predictor, clicker: Clicker, previous: np.ndarray | None, truth: np.ndarray,
    rows: list[dict],
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Predict, add a row, and return mask (H, W) and low-resolution logits (1, h, w)."""
    start = time.perf_counter()
    masks, _, logits = predictor.predict(
        clicker.coords(), clicker.labels(), mask_input=previous, multimask_output=False
    )
    ms = 1000 * (time.perf_counter() - start)
    scored, pet = truth != 255, truth == 1
    inter, union = (masks[0] & pet).sum(), ((masks[0] | pet) & scored).sum()
    rows.append({"click": len(rows), "inter": int(inter), "union": int(union), "ms": ms})
    return masks[0], logits


def evaluate_clicks(
    predictor: Predictor, root: str | Path, split: str, *, photos: int = PHOTOS,
    clicks: int = CLICKS, first: str = "robot", seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:  # fmt: skip
    """Counts after each click on a sample of a split, balanced by species.

    Args:
        predictor: of `load_predictor`.
        root: a dataset folder in torchvision's layout.
        split: train, val or test.
        photos: of the sample, at most.
        clicks: on each photo.
        first: of `first_click`.
        seed: of the sample and of the first clicks.

    Returns:
        counts: image, species, breed, click, inter, union, ms; a row a photo and click.
        problems: name and reason of each photo that could not be scored.
    """
    root = find_root(root)
    index = read_index(root)
    sample = balanced_sample(index[index["split"] == split], photos, seed)
    if sample.empty:
        raise UserError(f"{root}: split {split!r} has no photo")
    rows, problems = [], []
    for i, record in enumerate(tqdm(sample.to_dict("records"), desc="clicking", unit="photo")):
        try:
            image, mask = read_pair(root, record["name"], record["species"])
        except UserError as error:
            problems.append({"name": record["name"], "reason": str(error)})
            continue
        truth = pet_truth(mask)
        opening = first_click(first, truth, np.random.default_rng([seed, i]))
        about = {"image": record["name"], "species": record["species"], "breed": record["breed"]}
        found = click_through(predictor, image, truth, opening, clicks)
        rows += [{**about, **row} for row in found]
    return pd.DataFrame(rows), pd.DataFrame(problems, columns=["name", "reason"])


def json_line(name: str, split: str, counts: pd.DataFrame, table: pd.DataFrame) -> str:
    """The machine-readable result: one JSON object on one line."""
    values = {score: round(float(value), 6) for score, value in table["value"].items()}
    return json.dumps({"model": name, "split": split, "n": counts["image"].nunique(), **values})


@cli
def main(argv: list[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m common.evaluate_clicks", description=__doc__)
    parser.add_argument("--model", required=True, help="a committed checkpoint's name, or a path")
    parser.add_argument("--data-root", help="dataset folder (default: $PETS_ROOT)")
    parser.add_argument("--split", default="test", choices=SPLITS)
    parser.add_argument("--photos", type=int, default=PHOTOS, help=f"of the sample ({PHOTOS})")
    parser.add_argument("--clicks", type=int, default=CLICKS, help=f"on each photo ({CLICKS})")
    parser.add_argument("--first", default="robot", choices=FIRST, help="how a photo is opened")
    parser.add_argument("--out", type=Path, help="write the counts to this .parquet file")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder whose test_reads.csv gets a line"
    )
    args = parser.parse_args(argv)
    counts, problems = evaluate_clicks(
        load_predictor(args.model), resolve_root(args.data_root), args.split,
        photos=args.photos, clicks=args.clicks, first=args.first,
    )  # fmt: skip
    print_problems(problems)
    table = click_scores(counts)
    if args.split == "test":
        found = {"n": counts["image"].nunique(), "iou_at_1": table.at["iou_at_1", "value"]}
        digest = read_card(args.model)["tensors_sha256"]
        log_test_read(stem_of(args.model).name, digest, args.results, **found)
    if args.out:
        with atomic_path(args.out) as path:
            counts.to_parquet(path, index=False)
    print(table.to_string(float_format="{:.4f}".format))
    print(json_line(args.model, args.split, counts, table))


if __name__ == "__main__":
    raise SystemExit(main())
