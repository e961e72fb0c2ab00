"""Does a mask hold while its user goes on clicking? Two remedies, one at a time, on validation.

One is training on many clicks instead of few; the other is `clicks.predictor.settle`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from common.checkpoint import load_checkpoint
from common.clicks.predictor import FAR, REACH, PromptedPredictor
from common.scoring.click_scores import AT, greatest_fall, iou_curve, iou_curves
from common.scoring.clicking import evaluate_clicks

__all__ = ["FAR", "REACH", "click_on", "steadiness", "ways"]
PHOTOS = 100
LOSS = 0.01  # of IoU: a click that costs a photo more is a setback
Way = tuple[str, float]  # a checkpoint and the reach of `settle`


def ways(few: str, many: str) -> dict[str, Way]:
    """What is compared, by what readers call it: checkpoints of few and of many clicks."""
    return {
        "trained on few clicks": (few, math.inf),
        "few, settled": (few, REACH),
        "trained on many clicks": (many, math.inf),
        "many, settled": (many, REACH),
    }


def click_on(
    compared: Mapping[str, Way], root: str | Path, *, checkpoints: Path, photos: int = PHOTOS
) -> pd.DataFrame:
    """The robot's 20 clicks on validation photos, each way: `evaluate_clicks` with a ``way``.

    Args:
        compared: by name; see `ways`.
        root: a dataset folder in torchvision's layout.
        checkpoints: folder of the checkpoints named.
        photos: of validation, half of them cats where there are enough.
    """
    tables = []
    for way, (name, reach) in compared.items():
        loaded: tuple = load_checkpoint(checkpoints / f"{name}.json")
        predictor = PromptedPredictor(*loaded, reach)
        tables.append(evaluate_clicks(predictor, root, "val", photos=photos)[0].assign(way=way))
    return pd.concat(tables, ignore_index=True)


def steadiness(table: pd.DataFrame) -> pd.DataFrame:
    """What clicks give and what they cost, a row a way.

    Args:
        table: of `click_on`, or another of clicks with a column ``way``.

    Returns:
        way; iou_at_K; fall, the greatest fall of the mean IoU from a click to the next; setbacks,
        clicks of 1,000 after the first that cost their photo more than `LOSS`; worst, the most
        that one click cost a photo.
    """
    return pd.DataFrame([_row(way, rows) for way, rows in table.groupby("way", sort=False)])


def _row(way: object, rows: pd.DataFrame) -> dict[str, object]:
    curves = iou_curves(rows)
    change = curves.drop(columns=0).diff(axis=1).iloc[:, 1:]
    means = {f"iou_at_{k}": curves[k].mean() for k in AT if k in curves}
    return {
        "way": way,
        **means,
        "fall": greatest_fall(iou_curve(rows)),
        "setbacks": 1000 * float((change < -LOSS).to_numpy().mean()),
        "worst": float(max(0.0, -change.min(axis=None))),
    }
