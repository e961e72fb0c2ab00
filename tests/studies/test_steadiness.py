"""Clicking on and on: what a click gives, what it costs, and how a settled mask changes."""

from __future__ import annotations

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
from common.studies.steadiness import click_on, steadiness, ways
from tests.scoring.test_click_scores import table_of


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
    (row,) = steadiness(table).to_dict("records")
    assert row["setbacks"] == pytest.approx(1000 / 4)
    assert row["worst"] == pytest.approx(0.1) and row["fall"] == pytest.approx(0.1 / 2)
    assert row["iou_at_0"] == pytest.approx(0.15), "no click is no setback, whatever follows"


def test_every_way_clicks_on_the_same_photos(pets: Path, tmp_path: Path):
    network = create_model("point_unet_s", widths=(16, 16, 16, 16))
    for name in ("few", "many"):
        save_checkpoint(tmp_path / name, network, Card("point_unet_s", {"widths": [16] * 4}, 32))
    compared = ways("few", "many")
    table = click_on(compared, pets, checkpoints=tmp_path, photos=2)
    assert table["way"].unique().tolist() == list(compared)
    told = steadiness(table).set_index("way")
    same = ["iou_at_0", "iou_at_1"]  # with one click there is nothing to settle
    pd.testing.assert_series_equal(
        told.loc["trained on few clicks", same], told.loc["few, settled", same], check_names=False
    )
    assert {reach for _, reach in compared.values()} == {math.inf, REACH}
