"""What perturbations cost, by hand: curves, areas, shares kept, the bar, and what a click adds."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.robustness import scores as module
from common.robustness.scores import (
    area_lead,
    areas,
    bar_table,
    clean,
    clean_and_worst,
    click_gain,
    curves,
    kept,
    ranking,
    resampled_curves,
    worst,
)
from common.scoring.scores import CONFUSION, scores
from tests.scoring.test_scores import random_table

WRONG = {  # of 100 pixels of the pet, those called ground, by perturbation and level
    "noise": {1: 10, 2: 30},
    "square": {1: 5, 2: 0},
}


def photo(image: str, damage: str, level: int, wrong: int, clicks: int = 0) -> dict:
    """A cat of 100 pixels on 100 of ground, so many of them missed."""
    cells = dict.fromkeys(CONFUSION, 0) | {"c00": 100, "c11": 100 - wrong, "c10": wrong}
    about = {"image": image, "species": 1, "perturbation": damage, "level": level}
    return {**about, "clicks": clicks, **cells}


@pytest.fixture
def table() -> pd.DataFrame:
    """Three equal photos; a click halves what is missed."""
    rows = []
    for image in "abc":
        for clicks in (0, 1):
            rows.append(photo(image, "clean", 0, 0, clicks))
            rows += [
                photo(image, damage, level, wrong // (1 + clicks), clicks)
                for damage, steps in WRONG.items()
                for level, wrong in steps.items()
            ]
    return pd.DataFrame(rows)


def dice(wrong: int) -> float:
    """Mean of ground's and cat's; no photo shows a dog."""
    return (200 / (200 + wrong) + 2 * (100 - wrong) / (200 - wrong)) / 2


def test_a_lead_in_area_by_hand(table):
    """Equal photos: every resample says the same, and nobody leads itself."""
    without, clicked = (resampled_curves(table, clicks=c, resamples=20) for c in (0, 1))
    told = area_lead(clicked, without)
    gap = areas(clicked).iloc[0].mean() - areas(without).iloc[0].mean()
    assert [told[k] for k in ("difference", "low", "high")] == pytest.approx([gap] * 3)
    assert area_lead(without, without)["p"] == 1


def test_a_curve_by_hand(table):
    frame = resampled_curves(table, resamples=20)
    assert frame.shape == (21, 6)
    assert frame.iloc[0].to_dict() == pytest.approx(
        {
            ("noise", 0): 1,
            ("noise", 1): dice(10),
            ("noise", 2): dice(30),
            ("square", 0): 1,
            ("square", 1): dice(5),
            ("square", 2): 1,
        }
    )
    found = curves({"it": frame})
    assert found.columns.tolist() == ["perturbation", "level", "value", "low", "high", "model"]
    assert np.allclose(found["low"], found["high"]), "equal photos leave no doubt"


def test_an_area_by_hand(table):
    found = areas(resampled_curves(table, resamples=5)).iloc[0]
    assert found["noise"] == pytest.approx((0.5 + dice(10) + 0.5 * dice(30)) / 2)
    assert found["square"] == pytest.approx((0.5 + dice(5) + 0.5) / 2)


def test_the_worst_level_need_not_be_the_last(table):
    frame = resampled_curves(table, resamples=5)
    assert worst(frame).iloc[0].to_dict() == pytest.approx({"noise": dice(30), "square": dice(5)})
    assert kept(frame).iloc[0]["noise"] == pytest.approx(dice(30))
    told = bar_table(frame, bar=0.9).set_index("perturbation")
    assert told["level"].to_dict() == {"noise": 2, "square": 1}
    assert told["passes"].to_dict() == {"noise": "no", "square": "yes"}
    assert clean_and_worst(table) == pytest.approx(
        {"clean": 1, "noise": dice(30), "square": dice(5)}, abs=1e-5
    )


def test_a_click_is_told_as_a_paired_difference(table):
    gain = click_gain(table).set_index("perturbation")
    assert gain.index.tolist() == ["clean", "noise", "square"]
    assert gain.loc["noise", ["without", "with_click"]].tolist() == pytest.approx([0.7, 0.85])
    assert gain.at["noise", "difference"] == pytest.approx(0.15)
    assert gain.at["clean", "difference"] == 0
    assert gain["level"].tolist() == [0, 2, 1]


def test_the_best_model_stands_first(table):
    better = table.assign(c11=table["c11"] + table["c10"], c10=0)
    every = {"worse": resampled_curves(table, resamples=5), "better": resampled_curves(better)}
    told = ranking(every)
    assert told["model"].tolist() == ["better", "worse"]
    assert told["under"].tolist()[1] == "noise" and told["lowest"].tolist()[1] == dice(30)
    assert (told["relative"] <= 1).all()


@pytest.mark.parametrize("score", ["dice", "miou", "foreground_iou"])
def test_scores_are_those_of_the_evaluation(score):
    counts = random_table(3, 8)
    rows = counts.assign(perturbation="clean", level=0, clicks=0)
    damaged = counts.assign(perturbation="noise", level=1, clicks=0)
    frame = resampled_curves(pd.concat([rows, damaged]), score, resamples=50)
    assert clean(frame).iloc[0] == pytest.approx(scores(counts)[score])
    expected = module.draw(8, 50, 0)[7]
    again = counts.sort_values("image").loc[lambda t: t.index.repeat(expected.astype(int))]
    assert frame.iloc[7]["noise", 1] == pytest.approx(scores(again)[score])


@settings(deadline=None)
@given(st.lists(st.integers(0, 100), min_size=4, max_size=4))
def test_areas_lie_between_the_extremes_of_their_curve(wrongs):
    rows = [photo("a", "clean", 0, 0)]
    rows += [photo("a", "noise", 1 + i, wrong) for i, wrong in enumerate(wrongs)]
    frame = resampled_curves(pd.DataFrame(rows), resamples=1)
    area, curve = areas(frame).iloc[0]["noise"], frame.iloc[0]
    assert curve.min() - 1e-9 <= area <= curve.max() + 1e-9
    assert worst(frame).iloc[0]["noise"] == pytest.approx(curve["noise"][1:].min())
