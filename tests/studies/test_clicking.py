"""Studies: what is trained and measured once, by which yardstick, and what is said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

import common.studies.ablation as ablation
from common.models import create_model
from common.studies import clicking as click_study
from common.studies.ablation import Variant, Yardstick, beside, run_ablation, stored_table
from common.studies.clicking import CLICKING, VARIANTS, study_values
from common.training.validation import quick_scores
from tests.scoring.test_click_scores import table_of

TWO = (Variant("base", "as built"), Variant("narrow", "two channels", "width", {"width": 2}))


@pytest.fixture
def measured() -> list[str]:
    """Names of the runs that were measured."""
    return []


@pytest.fixture
def length(measured) -> Yardstick:
    """Measures how many weights a run has, and nothing of pictures."""

    def measure(run, root: Path) -> pd.DataFrame:
        measured.append(run.card.kwargs.get("width"))
        return pd.DataFrame({"weights": [sum(v.numel() for v in run.model.parameters())]})

    def compare(table: pd.DataFrame, base: pd.DataFrame) -> dict[str, float]:
        own, other = table["weights"].mean(), base["weights"].mean()
        pair = {"difference": own - other, "low": own - other, "high": own - other, "p": 0.5}
        return beside({"value": own, "low": own, "high": own}, pair) | {"more": 1.0}

    return Yardstick("lengths", quick_scores, measure, compare, {"photos": 3})


def test_each_variant_is_trained_and_measured_once(toy, pets, quick, tmp_path, length, measured):
    given = {"size": 32, "results": tmp_path}
    table = run_ablation("toy", TWO, quick, pets, by=length, **given)
    again = run_ablation("toy", TWO, quick, pets, by=length, **given)
    assert measured == [None, 2]
    pd.testing.assert_frame_equal(table, again)
    base, narrow = table.to_dict("records")
    assert base["difference"] == 0 and narrow["difference"] < 0
    assert narrow["group"] == "width" and narrow["more"] == 1 and narrow["epochs"] == 2
    assert (tmp_path / "lengths/ablation/toy-base_val.parquet").is_file()
    run_ablation("toy", TWO, quick, pets, by=replace(length, how={"photos": 4}), **given)
    assert measured == [None, 2] * 2, "other arguments of the measure are another measure"


def test_nothing_is_told_before_there_is_a_base(toy, pets, quick, tmp_path, length):
    assert stored_table("toy", TWO, tmp_path, length).empty
    run_ablation("toy", TWO[:1], quick, pets, by=length, size=32, results=tmp_path)
    assert len(stored_table("toy", TWO, tmp_path, length)) == 1


def test_classes_are_measured_unless_told_otherwise(toy, pets, quick, tmp_path):
    table = run_ablation("toy", TWO[:1], quick, pets, size=32, results=tmp_path)
    assert 0 <= table.at[0, "value"] <= 1
    stored = pd.read_parquet(tmp_path / "counts/ablation/toy-base_val.parquet")
    assert stored.attrs.keys() == {"model", "split", "training"}


def test_in_words_says_what_is_clear():
    rows = [
        {
            "run": run,
            "label": label,
            "value": 0.9,
            "difference": gap,
            "difference_low": low,
            "difference_high": high,
            "epochs": 4,
            "minutes": 2.0,
        }
        for run, label, gap, low, high in (
            ("base", "as built", 0, 0, 0),
            ("a", "small disk", -0.02, -0.03, -0.01),
            ("b", "large disk", 0.001, -0.01, 0.012),
        )
    ]
    told = ablation.in_words(pd.DataFrame(rows))
    assert "clear of zero** for: small disk -0.020." in told
    assert "at this budget: large disk +0.001." in told


# Clicks


def test_variants_differ_from_the_base_in_one_thing_that_the_model_takes():
    assert VARIANTS[0].run == "base" and not VARIANTS[0].model
    assert len({variant.run for variant in VARIANTS}) == len(VARIANTS)
    for variant in VARIANTS[1:]:
        assert len(variant.model) == 1
        small = {"encoder": "residual", "widths": (8, 8, 8, 8)}
        create_model("point_unet", **small, **variant.model)


def test_the_study_compares_the_mean_of_three_clicks():
    table = table_of({"a": [0.0, 0.5, 0.6, 0.7, 0.8, 0.9], "b": [0.1] * 6})
    assert study_values(table).to_dict() == pytest.approx({"a": 0.7, "b": 0.1})


def test_a_row_of_the_study_by_hand():
    base = table_of({"a": [0.0, 0.5, 0.6, 0.7, 0.8, 0.9], "b": [0.5] * 6})
    other = table_of({"a": [0.0, 0.6, 0.7, 0.8, 0.9, 1.0], "b": [0.6] * 6})
    row = CLICKING.compare(other, base)
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
    monkeypatch.setattr(click_study, "PromptedPredictor", lambda model, card: None)
    run = type("Run", (), {"model": None, "card": None})()
    CLICKING.measure(run, pets)
    assert asked == {"split": "val", **CLICKING.how}
