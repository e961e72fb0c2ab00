"""The robot at work: the counts it leaves, what is stored, when it is made anew, the command."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import common.scoring.clicking as module
from common import files as artifacts
from common.checkpoint import Card, save_checkpoint
from common.config import UserError
from common.data.pets import balanced_sample
from common.evaluate_clicks import main
from common.provenance import processor
from common.scoring.clicking import click_through, clicks_or_load, evaluate_clicks
from tests.clicks.test_robot import PHOTO, TRUTH, Painter

FEW = {"photos": 4, "clicks": 3}


def test_a_photo_is_counted_by_hand():
    rows = click_through(Painter(), PHOTO, TRUTH, clicks=4)
    assert [row["click"] for row in rows] == [0, 1, 2, 3, 4]
    assert rows[0]["inter"] == 0 and rows[0]["union"] == 400
    assert rows[1]["inter"] == 144 and rows[1]["union"] == 400
    assert {(row["score"], row["said"]) for row in rows} == {(0.7, 2)}
    assert all(row["ms"] >= 0 and row["ms_photo"] >= 0 for row in rows)


def test_border_pixels_count_for_nothing():
    class Band(Painter):
        def predict(self, *args, **kwargs):
            return ((TRUTH == 255) | (TRUTH == 1))[None], np.ones(1), np.zeros((1, 4, 4))

    rows = click_through(Band(), PHOTO, TRUTH, clicks=2)
    assert all(row["inter"] == row["union"] == 400 for row in rows)


def test_a_model_that_names_no_species_says_none():
    class Silent(Painter):
        species = None

    assert {row["said"] for row in click_through(Silent(), PHOTO, TRUTH, clicks=1)} == {0}


def test_the_sample_is_balanced_and_fixed():
    index = pd.DataFrame({"species": [1] * 10 + [2] * 30, "name": range(40)})
    sample = balanced_sample(index, 16)
    assert sample["species"].value_counts().to_dict() == {1: 8, 2: 8}
    assert sample.equals(balanced_sample(index, 16))
    assert len(balanced_sample(index, 500)) == 40


def test_counts_of_a_dataset(pets):
    counts, problems = evaluate_clicks(Painter(), pets, "test", **FEW)
    assert problems.empty
    assert len(counts) == 4 * 4
    assert counts.groupby("species")["image"].nunique().to_dict() == {1: 2, 2: 2}
    assert (counts["inter"] <= counts["union"]).all()
    again, _ = evaluate_clicks(Painter(), pets, "test", **FEW)
    same = ["image", "click", "inter", "union", "score", "said"]
    pd.testing.assert_frame_equal(counts[same], again[same])


def test_another_first_click_is_another_dialogue_with_the_same_photos(pets):
    robot, wrong = (
        evaluate_clicks(Painter(), pets, "test", first=first, **FEW)[0]
        for first in ("robot", "wrong")
    )
    assert robot["image"].equals(wrong["image"])
    at_one = [table.loc[table["click"] == 1, "inter"].sum() for table in (robot, wrong)]
    assert at_one[0] > at_one[1]


# Stored counts


@pytest.fixture
def results(toy_results: Path) -> Path:
    return toy_results


@pytest.fixture
def scored(noting) -> list[str]:
    """The first click of every run of the robot."""
    return noting(module, "evaluate_clicks", "first")


def test_stored_counts_are_reused(results, pets, scored):
    made = clicks_or_load("toy", pets, "val", results=results, **FEW)
    again = clicks_or_load("toy", pets, "val", results=results, **FEW)
    stored = clicks_or_load("toy", None, "val", results=results)
    assert scored == ["robot"]
    for table in (again, stored):
        pd.testing.assert_frame_equal(table, made)
        assert table.attrs["processor"] == processor()
    assert (results / "clicks" / "toy_val.parquet").is_file()
    assert not (results / "test_reads.csv").exists()


def test_each_first_click_has_its_own_table_and_its_line_of_test(results, pets, scored):
    for _ in range(2):
        for first in ("robot", "wrong"):
            clicks_or_load("toy", pets, "test", results=results, first=first, **FEW)
    assert scored == ["robot", "wrong"]
    names = {file.name for file in (results / "clicks").iterdir()}
    assert names == {"toy_test.parquet", "toy_test_wrong.parquet"}
    reads = pd.read_csv(results / "test_reads.csv")
    assert reads["model"].tolist() == ["toy", "toy, wrong first click"]
    assert reads["n"].tolist() == [4, 4]


@pytest.mark.parametrize("change", ["weights", "clicks", "photos", "code"])
def test_what_decides_the_numbers_makes_them_anew(
    results, pets, scored, toy, monkeypatch, change: str
):
    clicks_or_load("toy", pets, "val", results=results, **FEW)
    if change == "weights":
        save_checkpoint(results / "checkpoints" / "toy", toy(), Card("toy", size=24))
    if change == "code":
        monkeypatch.setattr(artifacts, "raised", lambda module: [["pets", 2]])
    more = {change: 2} if change in FEW else {}
    clicks_or_load("toy", pets, "val", results=results, **{**FEW, **more})
    assert len(scored) == 2


def test_a_table_that_is_not_there(results):
    with pytest.raises(UserError, match=r"toy_test_wrong\.parquet: no such table"):
        clicks_or_load("toy", None, "test", results=results, first="wrong")


def test_the_command_ends_with_the_json_line(results, pets, capsys):
    checkpoint, out = results / "checkpoints" / "toy.safetensors", results / "counts.parquet"
    options = f"--model {checkpoint} --data-root {pets} --photos 4 --results {results}".split()
    assert main([*options, "--out", str(out)]) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    names = "model n iou_at_0 iou_at_1 iou_at_2 iou_at_3 iou_at_5 iou_at_10 iou_at_20 noc80 noc85"
    names += " noc90 nof85 nof90 auc ms_click_p50 ms_click_p95"
    assert set(names.split()) <= line.keys()
    assert (line["n"], line["model"], line["processor"]) == (4, "toy", processor())
    assert len(pd.read_parquet(out)) == 4 * 21
    assert pd.read_parquet(out).attrs["processor"] == processor()
    assert pd.read_csv(results / "test_reads.csv")["n"].tolist() == [4]
