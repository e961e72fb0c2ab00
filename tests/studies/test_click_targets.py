"""Targets are compared the right way round."""

from __future__ import annotations

import pandas as pd

from common.studies.click_targets import AT_LEAST, AT_MOST, against_targets

MET = {"iou_at_1": 0.94, "iou_at_3": 0.951, "iou_at_5": 0.99, "noc90": 2.5, "nof90": 0.0}
MISSED = {"iou_at_1": 0.939, "iou_at_3": 0.9, "iou_at_5": 0.95, "noc90": 2.6, "nof90": 0.05}


def verdicts(values: dict, curve: list[float], p50: float, p95: float) -> list[str]:
    scores = pd.DataFrame({"value": values})
    clicks = pd.DataFrame({"click": range(len(curve)), "value": curve})
    table = against_targets(scores, clicks, pd.Series({"p50": p50, "p95": p95}))
    assert len(table) == len(AT_LEAST) + len(AT_MOST)
    return table["met"].tolist()


def test_a_bound_that_is_just_reached_is_met():
    assert verdicts(MET, [0.99, 0.9, 0.9, 0.95], 60, 120) == ["yes"] * 8


def test_every_miss_is_told():
    assert verdicts(MISSED, [0.5, 0.9, 0.89], 61, 121) == ["no"] * 8


def test_a_fall_that_four_digits_do_not_show_is_none():
    assert verdicts(MET, [0.9, 0.95, 0.95 - 4e-5], 1, 1)[5] == "yes"
    assert verdicts(MET, [0.9, 0.95, 0.95 - 6e-5], 1, 1)[5] == "no"
