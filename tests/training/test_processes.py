"""Several processes as one: shares in order, and the same numbers from two as from one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from threading import get_ident

import pandas as pd
import pytest
import torch

from common.checkpoint import Card, save_checkpoint
from common.config import ROOT
from common.data.synthetic import make_pets
from common.models import create_model
from common.training import processes
from common.training.finished import load_run

LAUNCH = (
    "-m",
    "accelerate.commands.launch",
    "--multi_gpu",
    "--num_processes",
    "2",
    "--num_machines",
    "1",
    "--mixed_precision",
    "no",
    "--dynamo_backend",
    "no",
    "--main_process_port",
    "0",
)
SCALED = str(ROOT / "tests/scaled.py")


def test_alone_nothing_changes(monkeypatch, capsys):
    for name in ("WORLD_SIZE", "MASTER_PORT"):
        monkeypatch.delenv(name, raising=False)
    processes.join()
    processes.wait()
    assert processes.is_main() and not processes.several()
    assert processes.spread(str, range(3), "telling") == ["0", "1", "2"]
    model = torch.nn.Linear(1, 1)
    assert processes.on_own_device(model) is model
    assert capsys.readouterr().out == ""


def test_threads_share_the_cores_and_keep_the_order(monkeypatch):
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        work = lambda item: (item, torch.get_num_threads(), get_ident())  # noqa: E731
        items, counts, threads = zip(*processes.spread(work, range(9), "counting"), strict=True)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert items == tuple(range(9)) and set(counts) == {1} and get_ident() not in threads


def test_a_launch_that_started_one_process_of_several_is_told(monkeypatch, capsys):
    """What accelerate does with --num_processes 2 where it finds no GPU."""
    monkeypatch.setenv("MASTER_PORT", "29500")
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "no")
    processes.join()
    assert "started one process only" in capsys.readouterr().err


# Two processes against one


@pytest.fixture(scope="module")
def many_pets(tmp_path_factory) -> Path:
    """Enough photos for 20 steps of 16, and for test photos that two cannot share evenly."""
    return make_pets(tmp_path_factory.mktemp("many"), n=400)


def run(*arguments: str) -> str:
    """Output of a Python process with one thread, whose kernels add in one order."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


@pytest.mark.long
def test_two_processes_count_exactly_what_one_counts(many_pets, tmp_path):
    kwargs = {"widths": (8, 16), "stem": 1}
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "small", create_model("unet", **kwargs), Card("unet", kwargs, 32))
    lost = many_pets / "images/pug_400.jpg"  # of the test photos
    lost.rename(lost.with_suffix(".lost"))
    told, tables = [], []
    for name, launch in (("one", ()), ("two", LAUNCH)):
        out = tmp_path / f"{name}.parquet"
        places = {
            "model": tmp_path / "small",
            "data-root": many_pets,
            "results": tmp_path / name,
            "out": out,
        }
        options = [f"--{option}={path}" for option, path in places.items()]
        told.append(run(*launch, "-m", "common.evaluate", *options))
        tables.append(pd.read_parquet(out))
        assert len(pd.read_csv(tmp_path / name / "test_reads.csv")) == 1
    lost.with_suffix(".lost").rename(lost)
    assert told[0] == told[1], "one table, one JSON line"
    assert "left out: " in told[0] and json.loads(told[0].splitlines()[-1])["n"] == 199
    pd.testing.assert_frame_equal(*tables, check_exact=True)


@pytest.mark.long
def test_two_processes_train_as_one(many_pets, tmp_path):
    found = []
    for name, launch in (("one", ()), ("two", LAUNCH)):
        out = tmp_path / f"{name}.json"
        run(*launch, SCALED, str(many_pets), str(tmp_path / "cache"), str(out))
        found.append(json.loads(out.read_text()))
    one, two = found
    assert (one["processes"], two["processes"]) == (1, 2)
    assert len(one["losses"]) == 20 and one["losses"][-1] < 0.8 * one["losses"][0]
    assert two["losses"] == pytest.approx(one["losses"], abs=1e-4)
    assert two["val_miou"] == pytest.approx(one["val_miou"], abs=1e-4)


@pytest.mark.long
def test_two_processes_leave_one_checkpoint(many_pets, tmp_path):
    """Batch statistics differ between processes, so that files of both would not fit together.

    There are fewer photos than both take at once.
    """
    options = {
        "model": "unet",
        "data-root": many_pets,
        "results": tmp_path,
        "size": 32,
        "epochs": 1,
        "max-steps": 2,
        "batch-size": 8,
        "fraction": 0.03,
        "workers": 0,
    }
    told = run(*LAUNCH, "-m", "common.training", *(f"--{k}={v}" for k, v in options.items()))
    assert told.count("best weights: ") == 1
    card = load_run("unet", tmp_path).card
    assert card.training["batch_size"] == 8
