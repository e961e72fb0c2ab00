"""What the point-prompted UNet was to reach, fixed before it was trained, and whether it does."""

from __future__ import annotations

import pandas as pd

from common.scoring.click_scores import greatest_fall

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


def against_targets(scores: pd.DataFrame, curve: pd.DataFrame, latency: pd.Series) -> pd.DataFrame:
    """Each target beside what was measured.

    Args:
        scores, curve: of `click_scores` and `iou_curve`.
        latency: p50 and p95 of a click on a photo of 1024 × 768, in milliseconds.

    Returns:
        what, target, measured, and whether it is met, a row a target.
    """
    found = {**scores["value"], "fall": greatest_fall(curve), **latency[["p50", "p95"]]}
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
