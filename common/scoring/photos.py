"""Score a model on a split: counts per photo first, every score from them.

    python -m common.evaluate --model unet --data-root DIR --split test

prints a table with 95 % bootstrap intervals and, as its last line, one JSON object. Several
processes (``accelerate launch``) share the photos by whole batches, so that a photo's
neighbours, and with them its last digits, are the same with any number of processes.
"""

import datetime
import sys
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from torch import nn

from common.checkpoint import Card, check_segments, load_checkpoint, read_card
from common.config import CHECKPOINTS, RESULTS, SPLITS, UserError, atomic_path
from common.data.breeds import is_official
from common.data.dataset import resolve_root
from common.data.pets import find_root, fingerprint, read_index, read_pairs
from common.files import artifact, locked, read_table
from common.inference import predict_probabilities
from common.models.folding import folded
from common.provenance import git_commit
from common.scoring.counts import image_counts
from common.scoring.scores import bootstrap
from common.training.processes import spread

HEADLINE = (
    "miou",
    "iou_background",
    "iou_cat",
    "iou_dog",
    "dice",
    "pixel_accuracy",
    "foreground_iou",
    "species_accuracy",
    "boundary_iou",
    "mean_image_iou",
    "ece",
)
BATCH = 4  # photos: what a network makes of them still fits the caches of a core
VERSION = 1  # raise it when other photos or rows are counted; see `common.files`


def evaluate(
    model: nn.Module, card: Card, root: str | Path, split: str, *, limit: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Counts of a model on the photos of a split at their native size, in every process the same.

    Args:
        model, card: as `load_checkpoint` returns them.
        root: a dataset folder in torchvision's layout.
        split: train, val or test.
        limit: score only the first photos (0: all).

    Raises:
        UserError: the model segments nothing, or no photo of the split can be read.

    Returns:
        counts: one row a photo: image, species, breed, height, width and the columns of
            `common.scoring.counts.image_counts`.
        problems: name and reason of each photo that could not be scored.
    """
    check_segments(card)
    if split not in SPLITS:
        raise UserError(f"split {split!r} is unknown; choose one of {', '.join(SPLITS)}")
    model, root = folded(model), find_root(root)
    index = read_index(root)
    index = index[index["split"] == split].head(limit or len(index))
    if index.empty:
        raise UserError(f"{root}: split {split!r} has no photo")
    records = index.to_dict("records")
    batches = [records[start : start + BATCH] for start in range(0, len(records), BATCH)]
    parts = spread(lambda batch: _count(model, card, root, batch), batches, f"scoring {split}")
    rows = [row for found, _ in parts for row in found]
    problems = [problem for _, lost in parts for problem in lost]
    if not rows:
        raise UserError(
            f"{root}: none of {len(index)} photos could be read; {problems[0]['reason']}"
        )
    return pd.DataFrame(rows), pd.DataFrame(problems, columns=["name", "reason"])


def _count(
    model: nn.Module, card: Card, root: Path, records: list[dict]
) -> tuple[list[dict], list[dict]]:
    """Table rows of a batch of photos, and of those that could not be read."""
    rows, problems = [], list[dict]()
    read = list(read_pairs(root, records, problems))
    if not read:
        return [], problems
    predicted = predict_probabilities(model, card, [image for _, image, _ in read])
    for (record, _, mask), probabilities in zip(read, predicted, strict=True):
        about = {"image": record["name"], "species": record["species"], "breed": record["breed"]}
        height, width = mask.shape
        counts = image_counts(probabilities, torch.from_numpy(mask), trusted=True)
        rows.append({**about, "height": height, "width": width, **counts})
    return rows, problems


def evaluate_or_load(
    name: str, root: str | Path | None, split: str, *, results: Path = RESULTS, limit: int = 0
) -> pd.DataFrame:
    """The counts table of a checkpoint: scored when photos are at hand, else as stored.

    A stored table is reused while checkpoint, data and the versions of the code are the same;
    ``root`` None reads it as it is. Scoring ``test`` adds a line to ``test_reads.csv``.
    """
    file, stem = results / "counts" / f"{name}_{split}.parquet", results / CHECKPOINTS.name / name
    if root is None:
        return read_table(file)
    root = resolve_root(root)
    key = {"checkpoint": read_card(stem)["tensors_sha256"], "data": fingerprint(root), "n": limit}
    return artifact(file, partial(_score, stem, root, split, results, limit), key=key)


def _score(stem: Path, root: Path, split: str, results: Path, limit: int) -> pd.DataFrame:
    counts, problems = evaluate(*load_checkpoint(stem), root, split, limit=limit)
    print_problems(problems)
    counts.attrs = {"model": stem.name, "split": split}
    if split == "test":
        digest = read_card(stem)["tensors_sha256"]
        log_test_read(stem.name, digest, results, counts["image"], **logged(counts))
    return counts


def print_problems(problems: pd.DataFrame) -> None:
    """Say which photos a score leaves out, and why."""
    for reason in problems["reason"]:
        print(f"left out: {reason}")


def log_test_read(
    name: str, checkpoint: str, results: Path, photos: Iterable[str], **found: float
) -> None:
    """Add a line to ``test_reads.csv``: the test photos were looked at, and this was found.

    Photos of somebody's own, which are called otherwise, are none of these. A folder that cannot
    be written costs the line and not the result: it is a warning.
    """
    if not all(map(is_official, photos)):
        return
    line = {
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "commit": git_commit(),
        "model": name,
        "checkpoint": checkpoint[:16],
        **found,
    }
    file = results / "test_reads.csv"
    try:
        with locked(file):  # two evaluations may end at the same time
            before = pd.read_csv(file) if file.is_file() else None
            with atomic_path(file) as path:
                pd.concat([before, pd.DataFrame([line])]).to_csv(path, index=False)
    except UserError as error:
        print(f"warning: this reading is not logged: {error}", file=sys.stderr)


def logged(counts: pd.DataFrame) -> dict[str, Any]:
    """What `test_reads.csv` says of a reading."""
    return {"n": len(counts), "miou": round(headline(counts).at["miou", "value"], 5)}


def headline(counts: pd.DataFrame) -> pd.DataFrame:
    """The headline scores with their 95 % intervals: index score; value, low, high."""
    return bootstrap(counts, list(HEADLINE))
