"""Scores of clicking: worked by hand, then invariants."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.click_scores import click_scores, clicks_to, iou_curves, photo_values
from common.config import UserError


def table_of(curves: dict[str, list[float]]) -> pd.DataFrame:
    """Counts of photos whose union is 100 pixels; the first value is that of no click."""
    rows = [
        {"image": name, "species": 1, "click": k, "inter": round(100 * iou), "union": 100,
         "ms": 10.0 * k}
        for name, values in curves.items() for k, iou in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(rows)


BY_HAND = {
    "early": [0.5, 0.86, 0.91, 0.95],  # 90 at click 2
    "last": [0.1, 0.2, 0.3, 0.9],  # 90 exactly at the last click: no failure
    "never": [0.95, 0.7, 0.8, 0.84],  # 0.95 without a click does not count
}


def test_values_of_each_photo_by_hand():
    values = photo_values(table_of(BY_HAND))
    assert values["iou_at_0"].to_dict() == {"early": 0.5, "last": 0.1, "never": 0.95}
    assert values["iou_at_3"].to_dict() == {"early": 0.95, "last": 0.9, "never": 0.84}
    assert values["noc90"].to_dict() == {"early": 2, "last": 3, "never": 3}
    assert values["nof90"].to_dict() == {"early": 0, "last": 0, "never": 1}
    assert values["noc85"].to_dict() == {"early": 1, "last": 3, "never": 3}
    assert values["noc80"].to_dict() == {"early": 1, "last": 3, "never": 2}
    area = (0.86 + 0.91) / 2 + (0.91 + 0.95) / 2
    assert values.at["early", "auc"] == pytest.approx(area / 2)


def test_scores_are_means_over_photos_with_their_interval():
    scores = click_scores(table_of(BY_HAND), resamples=200)
    assert scores.at["iou_at_1", "value"] == pytest.approx((0.86 + 0.2 + 0.7) / 3)
    assert scores.at["noc90", "value"] == pytest.approx(8 / 3)
    assert scores.at["nof90", "value"] == pytest.approx(1 / 3)
    inside = scores.dropna()
    assert (inside["low"] <= inside["value"]).all() and (inside["value"] <= inside["high"]).all()


def test_milliseconds_are_those_of_clicks_alone():
    scores = click_scores(table_of({"a": [0.1] * 4}), resamples=10)
    assert scores.at["ms_click_p50", "value"] == 20
    assert scores.at["ms_click_p95", "value"] == pytest.approx(29)


def test_a_photo_where_nothing_is_and_nothing_was_found_is_right():
    table = table_of({"a": [0.0, 0.0]}).assign(union=0)
    assert (iou_curves(table) == 1).all(axis=None)


def test_a_photo_that_lacks_a_click_is_named():
    table = table_of({"a": [0.1, 0.2], "b": [0.1, 0.2]}).iloc[:-1]
    with pytest.raises(UserError, match="b lacks a click"):
        iou_curves(table)


curve = st.lists(st.integers(0, 100), min_size=4, max_size=4)


@given(st.lists(curve, min_size=1, max_size=6))
def test_a_higher_goal_never_takes_fewer_clicks(photos: list[list[int]]):
    curves = iou_curves(table_of({str(i): np.divide(c, 100) for i, c in enumerate(photos)}))
    lower, higher = clicks_to(curves, 0.5), clicks_to(curves, 0.8)
    assert (lower["clicks"] <= higher["clicks"]).all()
    assert (lower["failed"] <= higher["failed"]).all()
    assert lower["clicks"].between(1, 3).all()
