"""The study of the point-prompted UNet: where prompts join, how clicks look, the mask before.

Variants are compared with the robot's clicks on validation photos at their native size.
"""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from common.clicks.predictor import PromptedPredictor
from common.scoring.click_scores import mean_intervals, paired_means, photo_values
from common.scoring.clicking import evaluate_clicks
from common.studies.ablation import Variant, Yardstick, beside
from common.training.click_validation import quick_click_scores
from common.training.runs import Run

PHOTOS, CLICKS = 200, 10
AT = ("iou_at_1", "iou_at_3", "iou_at_5")  # whose mean is compared, as in training

VARIANTS = (
    Variant("base", "as built"),
    Variant("input", "prompts join the photo", "where", {"prompt": "input"}),
    Variant("disk-2", "disk of radius 2", "click", {"radius": 2.0}),
    Variant("disk-5", "disk of radius 5", "click", {"radius": 5.0}),
    Variant("gaussian", "Gaussian of σ 3", "click", {"kind": "gaussian"}),
    Variant("no-previous", "without the mask before", "memory", {"previous": False}),
)


def study_values(table: pd.DataFrame) -> pd.Series:
    """What is compared of each photo: the mean of its IoU after 1, 3 and 5 clicks."""
    return photo_values(table)[list(AT)].mean(axis=1)


def _measure(run: Run, root: Path) -> pd.DataFrame:
    predictor = PromptedPredictor(run.model, run.card)
    return evaluate_clicks(predictor, root, "val", photos=PHOTOS, clicks=CLICKS)[0]


def _compare(table: pd.DataFrame, base: pd.DataFrame) -> dict[str, float]:
    """IoU and difference, and beside them IoU at 1 click, clicks to 90 % and ms a click."""
    values = photo_values(table)
    score = mean_intervals(study_values(table).to_frame("iou")).loc["iou"].to_dict()
    pair = paired_means(study_values(table), study_values(base))
    more = {name: float(values[name].mean()) for name in ("iou_at_1", "noc90")}
    ms = float(table.loc[table["click"] > 0, "ms"].median())
    return {**beside(score, pair), **more, "ms_click": ms}


CLICKING = Yardstick(
    "clicks", quick_click_scores, _measure, _compare, {"photos": PHOTOS, "clicks": CLICKS}
)
