"""Let a robot click on every photo of a sample, and count what each click gives.

    python -m common.evaluate_clicks --model point_unet --data-root DIR --split test

prints a table with 95 % bootstrap intervals and, as its last line, one JSON object.
"""

import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from common.checkpoint import read_card, stem_of
from common.clicks import CLICKS, PHOTOS
from common.clicks.predictor import Predictor, load_predictor
from common.clicks.prompts import pet_truth
from common.clicks.robot import first_click, replies
from common.clicks.sam import sam_weights
from common.config import CLASSES, RESULTS, UserError, overlap
from common.data.dataset import resolve_root
from common.data.pets import balanced_sample, find_root, fingerprint, read_index, read_pairs
from common.files import artifact, read_table
from common.provenance import file_sha256, processor
from common.scoring.click_scores import click_scores
from common.scoring.photos import log_test_read, print_problems

VERSION = 1  # raise it when other photos or rows are counted; see `common.files`


def click_through(
    predictor: Predictor,
    image: np.ndarray,
    truth: np.ndarray,
    first: str = "robot",
    clicks: int = CLICKS,
    rng: np.random.Generator | None = None,
) -> list[dict]:
    """Rows of one photo, without a click and after each: see `evaluate_clicks`.

    Args:
        predictor: of `load_predictor`.
        image: (H, W, 3) uint8.
        truth: (H, W) uint8: 1 pet, 0 not, 255 border.
        first, rng: of `first_click`.
        clicks: in all.
    """
    start = time.perf_counter()
    predictor.set_image(image)
    ms_photo = 1000 * (time.perf_counter() - start)
    opening = first_click(first, truth, rng or np.random.default_rng(0))
    rows = []
    for click, reply in enumerate(replies(predictor, truth, opening, clicks)):
        inter, union = overlap(reply.mask, truth)
        rows.append(
            {
                "click": click,
                "inter": int(inter),
                "union": int(union),
                "score": round(reply.score, 4),
                "said": CLASSES.index(reply.species[0]) if reply.species else 0,
                "ms": round(reply.ms, 2),
                "ms_photo": round(ms_photo, 2),
            }
        )
    return rows


def evaluate_clicks(
    predictor: Predictor,
    root: str | Path,
    split: str,
    *,
    photos: int = PHOTOS,
    clicks: int = CLICKS,
    first: str = "robot",
    seed: int = 0,
) -> tuple[pd.DataFrame, pd.DataFrame]:
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
        counts: a row a photo and click: image, species, breed, click, inter and union in pixels,
            score, said (species named, 0 none), ms of the answer and ms_photo to read the photo.
        problems: name and reason of each photo that could not be scored.
    """
    root = find_root(root)
    index = read_index(root)
    sample = balanced_sample(index[index["split"] == split], photos, seed)
    if sample.empty:
        raise UserError(f"{root}: split {split!r} has no photo")
    rows, problems = [], list[dict]()
    records = tqdm(
        sample.assign(i=range(len(sample))).to_dict("records"), "clicking", unit="photo"
    )
    for record, image, mask in read_pairs(root, records, problems):
        about = {"image": record["name"], "species": record["species"], "breed": record["breed"]}
        rng = np.random.default_rng([seed, record["i"]])
        found = click_through(predictor, image, pet_truth(mask), first, clicks, rng)
        rows += [{**about, **row} for row in found]
    return pd.DataFrame(rows), pd.DataFrame(problems, columns=["name", "reason"])


def clicks_or_load(
    name: str,
    root: str | Path | None,
    split: str,
    *,
    results: Path = RESULTS,
    first: str = "robot",
    clicks: int = CLICKS,
    photos: int = PHOTOS,
) -> pd.DataFrame:
    """The click counts of a checkpoint: clicked when photos are at hand, else as stored.

    A stored table is reused while checkpoint, data, arguments and versions of the code are the
    same; ``root`` None reads it as it is. Its ``attrs`` name the processor of the milliseconds.
    """
    ending = "" if first == "robot" else f"_{first}"
    file = results / "clicks" / f"{name}_{split}{ending}.parquet"
    if root is None:
        return read_table(file)
    root, stem = resolve_root(root), results / "checkpoints" / name
    how: dict[str, Any] = {"first": first, "clicks": clicks, "photos": photos}
    key = {"checkpoint": read_card(stem)["tensors_sha256"], "data": fingerprint(root), **how}
    return artifact(file, partial(score_clicks, stem, root, split, results, **how), key=key)


def score_clicks(
    checkpoint: str | Path, root: Path, split: str, results: Path, *, first: str, **how: int
) -> pd.DataFrame:
    """Counts of a checkpoint; scoring ``test`` adds a line to ``test_reads.csv``."""
    predictor = load_predictor(checkpoint)
    counts, problems = evaluate_clicks(predictor, root, split, first=first, **how)
    print_problems(problems)
    name = stem_of(checkpoint).name
    counts.attrs = {"model": name, "split": split, "processor": processor()}
    if split == "test":
        iou = click_scores(counts).at["iou_at_1", "value"]
        found = {"n": counts["image"].nunique(), "iou_at_1": round(float(iou), 5)}
        who = name if first == "robot" else f"{name}, {first} first click"
        sam = sam_weights(checkpoint)
        digest = file_sha256(sam[1]) if sam else read_card(checkpoint)["tensors_sha256"]
        log_test_read(who, digest, results, counts["image"], **found)
    return counts
