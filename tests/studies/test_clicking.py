"""Clicking: variants compared by hand, targets the right way round, masks that hold."""

import math
from pathlib import Path

import pandas as pd
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.checkpoint import Card, save_checkpoint
from common.clicks.predictor import FAR, REACH, settle
from common.models import create_model
from common.studies import clicking
from common.studies import clicking as click_study
from common.studies.variants import CLICKS
from tests.scoring.test_click_scores import table_of


def test_variants_differ_from_the_base_in_one_thing():
    assert all(len(variant.model) == 1 for variant in CLICKS[1:])


def test_the_study_compares_the_mean_of_three_clicks():
    table = table_of({"a": [0.0, 0.5, 0.6, 0.7, 0.8, 0.9], "b": [0.1] * 6})
    assert clicking.study_values(table).to_dict() == pytest.approx({"a": 0.7, "b": 0.1})


def test_a_row_of_the_study_by_hand():
    base = table_of({"a": [0.0, 0.5, 0.6, 0.7, 0.8, 0.9], "b": [0.5] * 6})
    other = table_of({"a": [0.0, 0.6, 0.7, 0.8, 0.9, 1.0], "b": [0.6] * 6})
    row = clicking.CLICKING.compare(other, base)
    assert row["value"] == pytest.approx((0.8 + 0.6) / 2)
    assert row["difference"] == pytest.approx(0.1)
    assert row["difference_low"] == pytest.approx(0.1)
    assert row["iou_at_1"] == pytest.approx(0.6)
    assert row["noc90"] == pytest.approx((4 + 5) / 2)
    assert row["ms_click"] == 30


def test_clicks_are_measured_on_validation(pets, monkeypatch):
    asked = {}

    def noting(predictor, root, split, **how):
        asked.update(how, split=split)
        return pd.DataFrame({"click": [0]}), None

    monkeypatch.setattr(click_study, "evaluate_clicks", noting)
    monkeypatch.setattr(click_study, "PromptedPredictor", lambda model, card, obeying: None)
    run = type("Run", (), {"model": None, "card": None})()
    clicking.CLICKING.measure(run, pets)
    assert asked == {"split": "val", **clicking.CLICKING.how}


# Targets


MET = {"iou_at_1": 0.94, "iou_at_3": 0.951, "iou_at_5": 0.99, "noc90": 2.5, "nof90": 0.0}
MISSED = {"iou_at_1": 0.939, "iou_at_3": 0.9, "iou_at_5": 0.95, "noc90": 2.6, "nof90": 0.05}


def verdicts(values: dict, curve: list[float], p50: float, p95: float) -> list[str]:
    scores = pd.DataFrame({"value": values})
    clicks = pd.DataFrame({"click": range(len(curve)), "value": curve})
    table = clicking.against_targets(scores, clicks, pd.Series({"p50": p50, "p95": p95}))
    assert len(table) == len(clicking.AT_LEAST) + len(clicking.AT_MOST)
    return table["met"].tolist()


def test_a_bound_that_is_just_reached_is_met():
    assert verdicts(MET, [0.99, 0.9, 0.9, 0.95], 60, 120) == ["yes"] * 8


def test_every_miss_is_told():
    assert verdicts(MISSED, [0.5, 0.9, 0.89], 61, 121) == ["no"] * 8


def test_a_fall_that_four_digits_do_not_show_is_none():
    assert verdicts(MET, [0.9, 0.95, 0.95 - 4e-5], 1, 1)[5] == "yes"
    assert verdicts(MET, [0.9, 0.95, 0.95 - 6e-5], 1, 1)[5] == "no"


# Clicking on and on


def test_a_click_is_followed_where_it_fell_and_less_elsewhere():
    new, before = torch.full((1, 64, 64), 4.0), torch.full((1, 64, 64), -2.0)
    settled = settle(new, before, torch.tensor([0.25, 0.75]), reach=0.05)
    assert settled[0, 48, 16] == pytest.approx(4, abs=0.3)  # [row, column]: y 0.75, x 0.25
    assert settled[0, 16, 48] == pytest.approx(-2 + 6 * FAR)
    ring = settled[0, 48, 16 + round(0.05 * 64)]
    assert ring == pytest.approx(-2 + 6 * (FAR + (1 - FAR) / math.e), abs=0.4)


def test_an_infinite_reach_takes_every_answer_as_it_is():
    new, before = torch.randn(1, 8, 8), torch.randn(1, 8, 8)
    assert torch.equal(settle(new, before, torch.rand(2), math.inf), new)


@given(st.integers(0, 2**16), st.floats(0.01, 2))
def test_a_settled_mask_lies_between_the_two(seed: int, reach: float):
    rng = torch.Generator().manual_seed(seed)
    new, before = (torch.randn(1, 12, 20, generator=rng) for _ in range(2))
    settled = settle(new, before, torch.rand(2, generator=rng), reach)
    low, high = torch.minimum(new, before), torch.maximum(new, before)
    assert (settled >= low - 1e-5).all() and (settled <= high + 1e-5).all()


def test_setbacks_are_clicks_that_cost_a_photo_more_than_a_hundredth():
    table = table_of({"a": [0.2, 0.5, 0.9, 0.8], "b": [0.1, 0.9, 0.9, 0.9]}).assign(way="it")
    (row,) = clicking.steadiness(table).to_dict("records")
    assert row["setbacks"] == pytest.approx(1000 / 4)
    assert row["worst"] == pytest.approx(0.1) and row["fall"] == pytest.approx(0.1 / 2)
    assert row["iou_at_0"] == pytest.approx(0.15), "no click is no setback, whatever follows"


def test_every_way_clicks_on_the_same_photos(pets: Path, tmp_path: Path):
    network = create_model("point_unet_s", widths=(16, 16, 16, 16))
    for name in ("few", "many"):
        save_checkpoint(tmp_path / name, network, Card("point_unet_s", {"widths": [16] * 4}, 32))
    compared = clicking.ways("few", "many")
    table = clicking.click_on(compared, pets, checkpoints=tmp_path, photos=2)
    assert table["way"].unique().tolist() == list(compared)
    told = clicking.steadiness(table).set_index("way")
    same = ["iou_at_0", "iou_at_1"]  # with one click there is nothing to settle
    pd.testing.assert_series_equal(
        told.loc["trained on few clicks", same], told.loc["few, settled", same], check_names=False
    )
    assert {reach for _, reach in compared.values()} == {math.inf, REACH}
