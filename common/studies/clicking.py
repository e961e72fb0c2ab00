"""The studies of clicking: what was to be reached, what prompts are worth, whether masks hold.

Variants and ways are compared with the robot's clicks on validation photos at their native size.
"""

import math
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from common.checkpoint import load_checkpoint
from common.clicks.predictor import FAR, REACH, PromptedPredictor
from common.scoring import click_scores
from common.scoring.clicking import evaluate_clicks
from common.studies.ablation import Yardstick, beside
from common.training.click_validation import quick_click_scores
from common.training.finished import Run

VERSION = 1  # raise it when the robot is set to work in another way
PHOTOS, CLICKS = 200, 10  # of the ablation
AT = ("iou_at_1", "iou_at_3", "iou_at_5")  # whose mean is compared, as in training
AT_LEAST = {  # mean IoU of the pet on test
    "iou_at_1": ("IoU after 1 click", 0.94),
    "iou_at_3": ("IoU after 3 clicks", 0.95),
    "iou_at_5": ("IoU after 5 clicks", 0.96),
}
AT_MOST = {
    "noc90": ("clicks to 90 % IoU", 2.5),
    "nof90": ("photos that never reach 90 %", 0.04),
    "fall": ("greatest fall of the mean IoU from click to click", 0.0),
    "p50": ("milliseconds a click, median", 60),
    "p95": ("milliseconds a click, 95th percentile", 120),
}
EXACT = 5e-5  # what four digits cannot show is no fall
STEADY_PHOTOS = 100
STEADY = {"photos": STEADY_PHOTOS, "reach": REACH, "far": FAR}  # what `click_on` follows from
LOSS = 0.01  # of IoU: a click that costs a photo more is a setback
Way = tuple[str, float]  # a checkpoint and the reach of `clicks.predictor.settle`


def study_values(table: pd.DataFrame) -> pd.Series:
    """What is compared of each photo: the mean of its IoU after 1, 3 and 5 clicks."""
    return click_scores.photo_values(table)[list(AT)].mean(axis=1)


def _measure(run: Run, root: Path) -> pd.DataFrame:
    predictor = PromptedPredictor(run.model, run.card, obeying=False)
    return evaluate_clicks(predictor, root, "val", photos=PHOTOS, clicks=CLICKS)[0]


def _compare(table: pd.DataFrame, base: pd.DataFrame) -> dict[str, float]:
    """IoU and difference, and beside them IoU at 1 click, clicks to 90 % and ms a click."""
    values = click_scores.photo_values(table)
    score = click_scores.mean_intervals(study_values(table).to_frame("iou")).loc["iou"].to_dict()
    pair = click_scores.paired_means(study_values(table), study_values(base))
    more = {name: float(values[name].mean()) for name in ("iou_at_1", "noc90")}
    ms = float(table.loc[table["click"] > 0, "ms"].median())
    return {**beside(score, pair), **more, "ms_click": ms}


CLICKING = Yardstick(
    "clicks", quick_click_scores, _measure, _compare, {"photos": PHOTOS, "clicks": CLICKS}
)


def against_targets(scores: pd.DataFrame, curve: pd.DataFrame, latency: pd.Series) -> pd.DataFrame:
    """Each target beside what was measured.

    Args:
        scores, curve: of `click_scores` and `iou_curve`.
        latency: p50 and p95 of a click on a photo of 1024 × 768, in milliseconds.

    Returns:
        what, target, measured, and whether it is met, a row a target.
    """
    found = {
        **scores["value"],
        "fall": click_scores.greatest_fall(curve),
        **latency[["p50", "p95"]],
    }
    rows = [
        (what, f"≥ {bound:g}", found[name], found[name] >= bound)
        for name, (what, bound) in AT_LEAST.items()
    ]
    rows += [
        (what, f"≤ {bound:g}", found[name], found[name] <= bound + EXACT * (name == "fall"))
        for name, (what, bound) in AT_MOST.items()
    ]
    table = pd.DataFrame(rows, columns=["what", "target", "measured", "met"])
    return table.assign(met=table["met"].map({True: "yes", False: "no"}))


def ways(few: str, many: str) -> dict[str, Way]:
    """What is compared, by what readers call it: checkpoints of few and of many clicks."""
    return {
        "trained on few clicks": (few, math.inf),
        "few, settled": (few, REACH),
        "trained on many clicks": (many, math.inf),
        "many, settled": (many, REACH),
    }


def click_on(
    compared: Mapping[str, Way],
    root: str | Path,
    *,
    checkpoints: Path,
    photos: int = STEADY_PHOTOS,
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
        model, card = load_checkpoint(checkpoints / f"{name}.json")
        predictor = PromptedPredictor(model, card, reach, obeying=False)
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
    curves = click_scores.iou_curves(rows)
    change = curves.drop(columns=0).diff(axis=1).iloc[:, 1:]
    means = {f"iou_at_{k}": curves[k].mean() for k in click_scores.AT if k in curves}
    return {
        "way": way,
        **means,
        "fall": click_scores.greatest_fall(click_scores.iou_curve(rows)),
        "setbacks": 1000 * float((change < -LOSS).to_numpy().mean()),
        "worst": float(max(0.0, -change.min(axis=None))),
    }
