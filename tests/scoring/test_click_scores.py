"""Scores of clicking: worked by hand, then invariants."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.config import UserError
from common.scoring.click_scores import (
    click_scores,
    clicks_to,
    gain_by_start,
    greatest_fall,
    iou_curve,
    iou_curves,
    paired_means,
    photo_values,
    quality,
    side_by_side,
    taking_back,
)


def table_of(curves: dict[str, list[float]]) -> pd.DataFrame:
    """Counts of photos whose union is 100 pixels; the first value is that of no click."""
    rows = [
        {
            "image": name,
            "species": 1,
            "click": k,
            "inter": round(100 * iou),
            "union": 100,
            "score": iou - 0.1,
            "said": 1 + (name == "never"),
            "ms": 10.0 * k,
        }
        for name, values in curves.items()
        for k, iou in enumerate(values)
    ]
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
    assert values["species_accuracy"].to_dict() == {"early": 1, "last": 1, "never": 0}
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


def test_the_curve_is_the_mean_of_each_click():
    curve = iou_curve(table_of(BY_HAND), resamples=100)
    assert curve["click"].tolist() == [0, 1, 2, 3]
    scores = click_scores(table_of(BY_HAND), resamples=100)
    for click in (0, 1, 2, 3):
        row = curve.set_index("click").loc[click]
        expected = scores.loc[f"iou_at_{click}"]
        assert row["value"] == pytest.approx(expected["value"])
        assert (row["low"], row["high"]) == pytest.approx((expected["low"], expected["high"]))


def test_the_fall_counts_from_the_first_click():
    falling = {"a": [0.9, 0.5, 0.6, 0.57], "b": [0.9, 0.5, 0.6, 0.59]}
    assert greatest_fall(iou_curve(table_of(falling), resamples=10)) == pytest.approx(0.02)
    assert greatest_fall(iou_curve(table_of({"a": [0.9, 0.5, 0.5]}), resamples=10)) == 0
    assert greatest_fall(iou_curve(table_of({"a": [0.9, 0.5]}), resamples=10)) == 0


def test_the_order_of_photos_does_not_matter():
    table = table_of(BY_HAND)
    shuffled = table.sample(frac=1, random_state=1)
    pd.testing.assert_frame_equal(
        click_scores(table, resamples=50), click_scores(shuffled, resamples=50)
    )


def test_paired_means_by_hand_and_against_themselves():
    a = pd.Series({"x": 0.9, "y": 0.7, "z": 0.8})
    b = pd.Series({"z": 0.7, "x": 0.8, "y": 0.6})  # 0.1 less each, in another order
    pair = paired_means(a, b, resamples=200)
    assert pair["difference"] == pytest.approx(0.1)
    assert (pair["low"], pair["high"]) == pytest.approx((0.1, 0.1))
    assert pair["p"] == pytest.approx(2 / 201)
    assert paired_means(a, a, resamples=200)["p"] == 1
    with pytest.raises(UserError, match="only one of the two tables holds y"):
        paired_means(a, b.drop("y"))


def test_a_click_that_harms_is_taken_back():
    given = {"a": [0.99, 0.5, 0.2, 0.6, 0.4], "b": [0.1, 0.3, 0.0, 0.0, 0.2]}
    kept = iou_curves(taking_back(table_of(given)))
    assert kept.loc["a"].tolist() == [0.99, 0.5, 0.5, 0.6, 0.6], "no click is no click"
    assert kept.loc["b"].tolist() == [0.1, 0.3, 0.3, 0.3, 0.3]
    shuffled = table_of(given).sample(frac=1, random_state=0)
    assert iou_curves(taking_back(shuffled)).equals(kept)


def test_who_gains_from_clicks():
    curves = {f"p{i}": [0.9, 0.9, 0.9, 0.95] for i in range(19)} | {"bad": [0.1, 0.2, 0.5, 0.8]}
    found = gain_by_start(table_of(curves), clicks=3, worst=0.05)
    assert found.loc["worst"].tolist() == pytest.approx([1, 0.1, 0.8])
    assert found.loc["others"].tolist() == pytest.approx([19, 0.9, 0.95])


def test_quality_pairs_what_is_expected_with_what_is():
    frame = quality(table_of(BY_HAND), at=(1, 3))
    assert sorted(frame["click"]) == [1, 1, 1, 3, 3, 3]
    assert (frame["iou"] - frame["score"]).tolist() == pytest.approx([0.1] * 6)


def test_scores_stand_side_by_side():
    table = side_by_side({"one": click_scores(table_of(BY_HAND), resamples=20)})
    told = table.set_index("score")["one"]
    assert told["iou_at_1"].startswith("0.587 [")
    assert told["iou_at_3"].startswith("0.897 [")
    assert told["noc90"].startswith("2.667 [")
    assert not any(name.startswith("ms") for name in told)  # times are compared elsewhere


curve = st.lists(st.integers(0, 100), min_size=4, max_size=4)


@settings(deadline=None)
@given(st.lists(curve, min_size=1, max_size=6))
def test_a_higher_goal_never_takes_fewer_clicks(photos: list[list[int]]):
    curves = iou_curves(table_of({str(i): np.divide(c, 100) for i, c in enumerate(photos)}))
    lower, higher = clicks_to(curves, 0.5), clicks_to(curves, 0.8)
    assert (lower["clicks"] <= higher["clicks"]).all()
    assert (lower["failed"] <= higher["failed"]).all()
    assert lower["clicks"].between(1, 3).all()
