"""The table of clicks on a folder of annotated photos that are not the dataset's: made or read.

Such a folder, which ELSEWHERE_ROOT names, holds ``instances.json`` (COCO) and ``images/``.
"""

import os
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from common.checkpoint import read_card
from common.clicks.predictor import load_predictor
from common.config import RESULTS, UserError, user_path
from common.files import artifact, read_table
from common.provenance import file_sha256, processor
from common.scoring.instances import click_on_instances

CLICKS = 10


def elsewhere_root() -> Path | None:
    """The folder that ELSEWHERE_ROOT names, if it does."""
    root = os.environ.get("ELSEWHERE_ROOT", "")
    if not root:
        return None
    folder = user_path(root)
    if not (folder / "instances.json").is_file():
        raise UserError(f"ELSEWHERE_ROOT={root}: no instances.json there; name a folder with one")
    return folder


def elsewhere_or_load(
    name: str, *, results: Path = RESULTS, measure: bool = True, **how: Any
) -> pd.DataFrame:
    """Counts of a checkpoint on the animals of ELSEWHERE_ROOT, else as stored (or committed).

    Args:
        name: of a checkpoint.
        results: the results folder.
        measure: whether to click, where there are photos and the stored table is another one's.
        how: of `click_on_instances`, but for the files.
    """
    root, stem = elsewhere_root(), results / "checkpoints" / name
    place = Path("clicks") / f"{name}_elsewhere.parquet"
    if root is None or not measure:
        there = results if (results / place).is_file() else RESULTS
        return read_table(there / place)
    how = {"clicks": CLICKS, **how}
    annotations = file_sha256(root / "instances.json")
    key = {"checkpoint": read_card(stem)["tensors_sha256"], "annotations": annotations, **how}
    return artifact(results / place, partial(click_on_elsewhere, stem, root, **how), key=key)


def click_on_elsewhere(checkpoint: str | Path, root: Path, **how: Any) -> pd.DataFrame:
    """`click_on_instances` of a checkpoint in a folder, with the processor it was done on."""
    predictor = load_predictor(checkpoint)
    counts = click_on_instances(predictor, root / "instances.json", root / "images", **how)
    counts.attrs = {"processor": processor()}
    return counts
