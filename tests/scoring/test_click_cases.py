"""Best, median and worst: which are taken, and what is kept of them."""

import numpy as np
import pandas as pd
import pytest

from common.scoring.cases import load_cases, save_click_cases, select_cases, select_click_cases
from common.scoring.clicking import evaluate_clicks
from tests.clicks.test_robot import Painter


def clicked(n: int) -> pd.DataFrame:
    """n photos whose IoU after one click is their number in per cent."""
    rows = [
        {"image": f"p{i:02}", "species": 1 + i % 2, "click": k, "inter": i * k, "union": 100}
        for i in range(n)
        for k in (0, 1)
    ]
    return pd.DataFrame(rows)


def test_the_best_come_first_and_the_worst_last():
    cases = select_click_cases(clicked(20), each=2)
    assert cases["group"].tolist() == ["best"] * 2 + ["median"] * 2 + ["worst"] * 2
    assert cases["image"].tolist() == ["p19", "p18", "p10", "p09", "p01", "p00"]
    assert cases["iou"].tolist() == pytest.approx([0.19, 0.18, 0.10, 0.09, 0.01, 0.0])
    assert cases["species"].tolist() == [2, 1, 1, 2, 2, 1]


def test_few_photos_may_stand_in_several_groups():
    cases = select_click_cases(clicked(1), each=4)
    assert cases["image"].tolist() == ["p00"] * 3


def test_what_is_kept_is_small_and_without_the_photo(pets, tmp_path):
    table, _ = evaluate_clicks(Painter(), pets, "test", photos=4, clicks=1)
    cases = select_click_cases(table, each=1)
    save_click_cases(tmp_path / "cases.npz", Painter(), pets, cases)
    kept = load_cases(tmp_path / "cases.npz")
    assert [case["group"] for case in kept] == ["best", "median", "worst"]
    for case in kept:
        assert case["truth"].shape == case["predicted"].shape == (160, 160)
        assert set(np.unique(case["predicted"])) <= {0, 2, 255}, "the species that was named"
        assert set(np.unique(case["truth"])) <= {0, 1, 2, 255}
        assert (case["predicted"] == 2).any()


def test_the_cases_of_a_segmentation_are_chosen_alike(monkeypatch):
    monkeypatch.setattr("common.scoring.cases.image_iou", lambda counts: counts["iou"])
    counts = pd.DataFrame({"image": list("abc"), "species": 1, "iou": [0.1, 0.9, 0.5]})
    assert select_cases(counts, each=1)["image"].tolist() == ["b", "c", "a"]
