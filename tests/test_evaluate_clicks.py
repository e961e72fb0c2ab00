"""The robot at work: a predictor that obeys, the counts it leaves, the controls, the command."""

from __future__ import annotations

import json

import numpy as np
import pandas as pd
import pytest

import common.evaluate_clicks as module
from common.config import UserError
from common.evaluate_clicks import balanced_sample, click_through, evaluate_clicks, first_click

TRUTH = np.zeros((40, 60), np.uint8)
TRUTH[10:30, 20:40] = 1
TRUTH[9, 20:40] = 255
PHOTO = np.zeros((40, 60, 3), np.uint8)


class Painter:
    """Paints a square round each click; remembers what it was asked."""

    def __init__(self, reach: int = 6) -> None:
        self.reach, self.asked = reach, []

    def set_image(self, image: np.ndarray, image_format: str = "RGB") -> None:
        self.shape = image.shape[:2]

    def predict(self, coords, labels, mask_input=None, multimask_output=False):
        self.asked.append((len(labels), mask_input is None))
        mask = np.zeros(self.shape, bool)
        for (x, y), label in zip(coords.astype(int), labels, strict=True):
            top, left = max(0, y - self.reach), max(0, x - self.reach)
            mask[top : y + self.reach, left : x + self.reach] = bool(label)
        return mask[None], np.ones(1), mask[None].astype(np.float32)


def test_a_photo_is_clicked_as_the_protocol_says():
    painter = Painter()
    rows = click_through(painter, PHOTO, TRUTH, first_click("robot", TRUTH, None), clicks=4)
    assert [row["click"] for row in rows] == [0, 1, 2, 3, 4]
    assert painter.asked == [(0, True), (1, True), (2, False), (3, False), (4, False)]
    assert rows[0]["inter"] == 0 and rows[0]["union"] == 400
    assert rows[1]["inter"] == 144 and rows[1]["union"] == 400
    assert all(row["ms"] >= 0 for row in rows)


def test_border_pixels_count_for_nothing():
    class Band(Painter):
        def predict(self, *args, **kwargs):
            return ((TRUTH == 255) | (TRUTH == 1))[None], np.ones(1), np.zeros((1, 4, 4))

    rows = click_through(Band(), PHOTO, TRUTH, first_click("robot", TRUTH, None), clicks=2)
    assert all(row["inter"] == row["union"] == 400 for row in rows)


def test_where_all_is_right_no_more_is_clicked_and_the_mask_stays():
    painter = Painter(reach=10)
    centre = module.Click(30.0, 20.0)
    rows = click_through(painter, PHOTO, TRUTH, centre, clicks=5)
    assert len(painter.asked) == 2
    assert [(row["click"], row["inter"]) for row in rows[1:]] == [(k, 400) for k in range(1, 6)]


@pytest.mark.parametrize("how", module.FIRST)
def test_first_clicks(how: str):
    for seed in range(20):
        click = first_click(how, TRUTH, np.random.default_rng(seed))
        on = TRUTH[int(click.y), int(click.x)]
        assert click.positive
        if how == "wrong":
            assert on == 0
        if how in ("robot", "random"):
            assert on == 1
    with pytest.raises(UserError, match="choose one of robot"):
        first_click("best", TRUTH, np.random.default_rng(0))


def test_the_sample_is_balanced_and_fixed():
    index = pd.DataFrame({"species": [1] * 10 + [2] * 30, "name": range(40)})
    sample = balanced_sample(index, 16)
    assert sample["species"].value_counts().to_dict() == {1: 8, 2: 8}
    assert sample.equals(balanced_sample(index, 16))
    assert len(balanced_sample(index, 500)) == 40


def test_counts_of_a_dataset(pets):
    counts, problems = evaluate_clicks(Painter(), pets, "test", photos=4, clicks=3)
    assert problems.empty
    assert len(counts) == 4 * 4
    assert counts.groupby("species")["image"].nunique().to_dict() == {1: 2, 2: 2}
    assert (counts["inter"] <= counts["union"]).all()


def test_the_command_ends_with_the_json_line(pets, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(module, "load_predictor", lambda name: Painter())
    monkeypatch.setattr(module, "read_card", lambda name: {"tensors_sha256": "0" * 64})
    args = f"--model painter --data-root {pets} --photos 4 --results {tmp_path}".split()
    assert module.main([*args, "--out", str(tmp_path / "counts.parquet")]) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    names = "model n iou_at_0 iou_at_1 iou_at_2 iou_at_3 iou_at_5 iou_at_10 iou_at_20 noc80 noc85"
    names += " noc90 nof85 nof90 auc ms_click_p50 ms_click_p95"
    assert set(names.split()) <= line.keys()
    assert line["n"] == 4
    assert len(pd.read_parquet(tmp_path / "counts.parquet")) == 4 * 21
    assert pd.read_csv(tmp_path / "test_reads.csv")["n"].tolist() == [4]
