"""Costs: counted by hand, timed in turn, and written so that no two quantities mix."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from common.benchmark import main
from common.config import RESULTS, UserError
from common.costs import measure
from common.costs import memory as peak_memory
from common.costs import networks as costs
from common.costs.smp import SmpUnet
from common.costs.table import COLUMNS, RIVAL, cost_table, feeding, read_cost, summary, with_ratios
from common.studies.comparison import scored_names

FORGET = Path("/proc/self/clear_refs")
TIMES = pd.DataFrame(
    [
        (model, f"{kind}_photos_per_second", size, run, value * run)
        for model, size, value in (
            ("a", 128, 30.0),
            ("b", 192, 8.0),
            ("b", 128, 18.0),
            (RIVAL, 128, 10.0),
            (RIVAL, 192, 4.0),
        )
        for kind in ("train", "infer")
        for run in (1, 2, 3)
    ],
    columns=["model", "quantity", "size", "run", "value"],
)


# Memory


@pytest.mark.skipif(not FORGET.is_file(), reason="the peak so far cannot be forgotten here")
def test_peak_memory_grows_with_what_is_touched():
    FORGET.write_text("5")  # what tests before this one touched
    before = peak_memory.peak_mb()
    block = np.ones(2**25)  # 256 MB
    assert peak_memory.peak_mb() - before > 100
    del block
    assert peak_memory.peak_mb() - before > 100, "once held, counted for good"


@pytest.mark.long
def test_a_fresh_process_does_not_count_what_its_parent_held():
    block = np.ones(2**28)  # 2 GB
    found = peak_memory.peak_memory("point_unet_s", 128)
    del block
    assert 100 < found["infer"] <= found["train"] < 2000


# The rival


def test_the_rival_answers_as_ours_do():
    pytest.importorskip("segmentation_models_pytorch")
    model = SmpUnet()
    image = torch.rand(2, 3, 64, 32)
    assert model(image).shape == (2, 3, 64, 32)
    mask = torch.zeros(2, 64, 32, dtype=torch.uint8)
    assert model.loss({"image": image, "mask": mask}).requires_grad
    assert costs.parameters(model) == (24_436_659, 0)


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "segmentation_models_pytorch", None)
    with pytest.raises(UserError, match="segmentation-models-pytorch is missing.*--alone"):
        SmpUnet()


# The table


def test_ratios_are_of_the_same_size_and_run():
    table = with_ratios(TIMES)
    ratios = table[table["quantity"] == "train_ratio"].set_index(["model", "size", "run"])["value"]
    assert (ratios["a"] == 3.0).all() and (ratios[RIVAL] == 1.0).all()
    assert (ratios["b"][192] == 2.0).all() and (ratios["b"][128] == 1.8).all()


def test_the_summary_keeps_sizes_apart():
    table = summary(with_ratios(TIMES), {"a": 128, "b": 192}, "a processor")
    assert list(table.columns) == COLUMNS
    assert not table.duplicated(["model", "quantity"]).any()
    row = table.set_index(["model", "quantity"]).loc
    speed = row["b", "train_photos_per_second"]
    assert (speed["value"], speed["low"], speed["high"], speed["size"]) == (16.0, 8.0, 24.0, 192)
    assert speed["runs"] == 3 and speed["unit"] == "photos/s"
    assert row["b", "train_photos_per_second_128"]["value"] == 36.0
    assert row["a", "infer_photos_per_second_128"]["value"] == 60.0
    assert row["b", "infer_ratio"]["unit"] == "ratio"
    assert {RIVAL, f"{RIVAL}_192"} <= set(table["model"])


def test_the_readers_table_has_a_row_a_model():
    table = cost_table(summary(with_ratios(TIMES), {"a": 128, "b": 192}, "a processor"))
    assert table.index.tolist() == ["a", "b", RIVAL, f"{RIVAL}_192"]
    assert table.loc["b", ["px", "training, photos/s", "× SMP"]].tolist() == ["192", "16", "2.0"]
    assert table.loc["a", "a click, ms"] == ""


def test_feeding_is_told_against_two_trainings():
    """40 a second: twice the whole network's 20, half of the 80 of a head on a frozen encoder."""
    facts = [
        ("whole", "train_photos_per_second_128", 20),
        ("whole", "params_frozen", 0),
        ("head", "train_photos_per_second_128", 80),
        ("head", "params_frozen", 9),
        (f"{RIVAL}_192", "train_photos_per_second_128", 1000),
        ("data_pipeline", "photos_per_second_stored", 800),
        ("data_pipeline", "photos_per_second_augmented", 40),
    ]
    table = pd.DataFrame(facts, columns=["model", "quantity", "value"])
    told = feeding(table)
    assert told.columns.tolist() == ["photos", "photos/s", "whole", "head"]
    assert told.values.tolist() == [["stored", 800, 40, 10], ["augmented", 40, 2, 0.5]]
    assert feeding(table[table["model"] != "data_pipeline"]).empty


def test_a_missing_table_is_told(tmp_path):
    with pytest.raises(UserError, match="run python -m common.benchmark"):
        read_cost(tmp_path / "none.csv")


@pytest.mark.skipif(not (RESULTS / "benchmark.csv").is_file(), reason="not measured yet")
def test_the_committed_table_covers_every_scored_checkpoint():
    table = read_cost(RESULTS / "benchmark.csv")
    assert list(table.columns) == COLUMNS and not table.duplicated(["model", "quantity"]).any()
    assert set(scored_names()) <= set(table["model"])
    assert (table["low"] <= table["value"]).all() and (table["value"] <= table["high"]).all()


@pytest.mark.long
def test_the_command_line_measures_one_model(tmp_path, monkeypatch, capsys, pets):
    monkeypatch.setattr(measure, "peak_memory", lambda *_: {"train": 2.0, "infer": 1.0})
    monkeypatch.setenv("PETS_CACHE", str(tmp_path))
    out = tmp_path / "costs.csv"
    options = ["--models", "lite0_linear", "--runs", "1", "--alone", "--out", str(out)]
    assert main([*options, "--data-root", str(pets)]) == 0
    table = read_cost(out).set_index(["model", "quantity"])["value"]
    assert table["lite0_linear", "train_kept_photos_per_second"] > 0
    assert table["data_pipeline", "feeds_ratio_augmented"] == pytest.approx(
        table["data_pipeline", "photos_per_second_augmented"]
        / table["lite0_linear", "train_photos_per_second_128"],
        rel=1e-3,
    )
    assert "lite0_linear" in capsys.readouterr().out


@pytest.mark.parametrize("ends", [0, 2])
def test_a_replay_is_timed_without_the_dataset(monkeypatch, ends: int):
    def run(command, *, env, **_):
        assert command[1:] == ["-m", "common.run_all", "--force"] and "PETS_ROOT" not in env
        return subprocess.CompletedProcess(command, ends).check_returncode()

    monkeypatch.setenv("PETS_ROOT", "/somewhere")
    monkeypatch.setattr(measure.subprocess, "run", run)
    if ends:
        with pytest.raises(UserError, match="leave --replay out"):
            measure.replay()
        return
    (row,) = summary(measure.replay(), {}, "a processor").itertuples()
    assert (row.model, row.quantity, row.unit) == ("report", "minutes", "minutes")
    assert 0 <= row.value < 1


def test_memory_speaks_json(capsys, monkeypatch):
    monkeypatch.setattr(peak_memory, "measured", lambda name, size: {"infer": 1.0, "train": size})
    monkeypatch.setattr("sys.argv", ["peak_memory", "unet"])
    assert peak_memory.main() == 0
    assert json.loads(capsys.readouterr().out) == {"infer": 1.0, "train": 128}
