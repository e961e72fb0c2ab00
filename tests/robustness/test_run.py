"""A run over the perturbations: its tables, its resumption, and its command."""

import json
from pathlib import Path

import pandas as pd
import pytest

import common.robustness.run as module
from common import files as artifacts
from common.checkpoint import Card, committed, load_checkpoint, save_checkpoint
from common.config import UserError
from common.robustness.perturb import PERTURBATIONS
from common.robustness.run import robustness_or_load, table_file
from common.scoring.photos import evaluate
from common.scoring.scores import CONFUSION as NAMES

FEW = {"photos": 4, "levels": (1, 9)}


@pytest.fixture
def results(toy_results: Path) -> Path:
    return toy_results


@pytest.fixture
def counted(noting) -> list[str]:
    """Every perturbation that is counted."""
    return noting(module, "count_sample", "damage")


def test_a_table_holds_every_photo_under_everything(results, pets, counted, capsys):
    table = robustness_or_load(pets, results=results, **FEW)["toy"]
    assert counted == ["clean", *PERTURBATIONS]
    assert len(table) == 4 * (1 + 8 * 2)
    assert table.groupby("species")["image"].nunique().to_dict() == {1: 2, 2: 2}
    pixels = table[NAMES].sum(axis=1).groupby(table["image"]).nunique()
    assert (pixels == 1).all(), "no pixel is lost under any perturbation"
    assert "minutes for 64 perturbed photos" in capsys.readouterr().out
    counts, _ = evaluate(*load_checkpoint(results / "checkpoints" / "toy.json"), pets, "test")
    clean = table[table["perturbation"] == "clean"].set_index("image")[NAMES]
    same = counts.set_index("image").loc[clean.index, NAMES]
    assert (clean - same).abs().to_numpy().max() <= 1


def test_a_finished_table_is_left_alone(results, pets, counted):
    made = robustness_or_load(pets, results=results, **FEW)["toy"]
    again = robustness_or_load(pets, results=results, **FEW)["toy"]
    stored = robustness_or_load(None, results=results)["toy"]
    assert len(counted) == 9
    for table in (again, stored):
        pd.testing.assert_frame_equal(table, made)
    reads = pd.read_csv(results / "test_reads.csv")
    assert reads["model"].tolist() == ["toy, perturbed photos"]
    assert made.attrs["minutes"] >= 0 and made.attrs["processor"]


def test_a_run_that_was_stopped_goes_on(results, pets, counted, monkeypatch):
    whole = robustness_or_load(pets, results=results, **FEW)["toy"]
    table_file("toy", results).unlink()
    (results / "test_reads.csv").unlink()
    count = module.count_sample

    def stopping(group, sample, damage, levels):
        if damage == "contrast_down":
            raise KeyboardInterrupt
        return count(group, sample, damage, levels)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(module, "count_sample", stopping)
        robustness_or_load(pets, results=results, **FEW)
    with pytest.raises(UserError, match="no model is scored"):
        robustness_or_load(None, results=results)
    assert not (results / "test_reads.csv").exists(), "half a reading is none"
    counted.clear()
    table = robustness_or_load(pets, results=results, **FEW)["toy"]
    assert counted == list(PERTURBATIONS)[3:]
    pd.testing.assert_frame_equal(table, whole)


@pytest.mark.parametrize("change", ["weights", "photos", "levels", "code"])
def test_what_decides_the_numbers_makes_them_anew(
    results, pets, counted, toy, monkeypatch, change: str
):
    robustness_or_load(pets, results=results, **FEW)
    if change == "weights":
        save_checkpoint(results / "checkpoints" / "toy", toy(), Card("toy", size=24))
    if change == "code":
        monkeypatch.setattr(artifacts, "raised", lambda module: [["pets", 2]])
    more = {"photos": {"photos": 2}, "levels": {"levels": (9,)}}.get(change, {})
    robustness_or_load(pets, results=results, **{**FEW, **more})
    assert len(counted) == 18


def test_models_of_one_run_meet_the_same_pixels(results, pets, toy):
    twin = load_checkpoint(results / "checkpoints" / "toy.json")
    save_checkpoint(results / "checkpoints" / "twin", *twin)
    together = robustness_or_load(pets, results=results, names=["toy", "twin"], **FEW)
    pd.testing.assert_frame_equal(together["toy"], together["twin"])


def test_what_segments_is_found(results, toy):
    for name, model in (("later", "toy"), ("mae_pets", "mae_tiny")):
        save_checkpoint(results / "checkpoints" / name, toy(), Card(model, size=32))
    assert committed(results / "checkpoints") == ["toy", "later"]


def test_the_command_ends_with_the_json_line(results, pets, capsys, monkeypatch):
    monkeypatch.setattr(module, "STEPS", (9,))
    options = f"--models toy --data-root {pets} --photos 2 --results {results}".split()
    assert module.main(options) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["n"] == 2
    assert list(line["models"]["toy"]) == ["clean", *PERTURBATIONS]


def test_what_a_user_gets_wrong_is_said(results, pets, tmp_path):
    with pytest.raises(UserError, match="no checkpoint"):
        robustness_or_load(pets, results=results, names=["nobody"], **FEW)
    with pytest.raises(UserError, match="no model is scored; run"):
        robustness_or_load(None, results=tmp_path / "empty")
