"""Killed at random moments and started again: nothing is lost, and the end is the same.

Each command runs once in peace. Then it is killed so many times, by SIGKILL, SIGTERM and Ctrl-C in
turn, at moments drawn over the time that its work took, each time followed by the same command.
"""

import json
import random
import shutil
import signal
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import torch

from common.checkpoint import read_card
from common.data.archive import export_archive
from common.data.dataset import prepare_folder
from common.data.synthetic import make_pets
from tests.data.test_cache import content
from tests.fuzzing import EVERYTHING
from tests.long.killing import Work, kill, makes, run, says
from tests.pipeline.projects import write_notebook
from tests.pipeline.test_run import PROGRAM

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000)]  # on a machine that is busy, too
TIMES = {"seconds", "photos_per_second", "minutes", "ms", "ms_photo"}


@pytest.fixture(scope="module")
def made(tmp_path_factory, small_models) -> Path:
    """Photos, their cache and its archive, and the models of few weights."""
    place = tmp_path_factory.mktemp("made")
    make_pets(place / "few", n=24)
    folder = prepare_folder(make_pets(place / "many", n=320), folder=place / "cache")
    export_archive(folder, place / "pets.zip")
    shutil.copytree(small_models, place, dirs_exist_ok=True)
    return place


def table(file: Path) -> list[dict]:
    """Rows of a table without its times."""
    frame = pd.read_parquet(file) if file.suffix == ".parquet" else pd.read_csv(file)
    return frame.drop(columns=TIMES & set(frame)).fillna("none").to_dict("records")


# Data


def other_cache(made: Path) -> Callable[[Path], object]:
    """An earlier dataset of another size in the same folder."""
    return lambda place: prepare_folder(made / "few", size=16, folder=place)


def prepare_work(made: Path) -> Work:
    where = ["--data-root", str(made / "many")]
    return Work(
        lambda place: ["-m", "common.data", "prepare", *where, "--folder", str(place)],
        says("decoding:"),
        content,
        other_cache(made),
    )


def export_work(made: Path) -> Work:
    where = ["--data-root", str(made / "many"), "--folder", str(made / "cache")]
    return Work(
        lambda place: ["-m", "common.data", "export", *where, "--out", str(place / "pets.zip")],
        says("320 photos at 128 px"),
        lambda place: (place / "pets.zip").read_bytes(),
    )


def import_work(made: Path) -> Work:
    archive = str(made / "pets.zip")
    return Work(
        lambda place: ["-m", "common.data", "import", archive, "--folder", str(place)],
        makes(".*.new.tmp"),
        content,
        other_cache(made),
    )


# Training


def training_work(made: Path, precision: str = "no") -> Work:
    settings = [
        *("--model", "unet", "--size", "32", "--epochs", "8", "--batch-size", "4"),
        *("--precision", precision, "--coarse", "0.3", "--data-root", str(made / "few")),
    ]

    def epochs(place: Path) -> int:
        state = place / "local/training/unet.pt"
        return len(json.loads(torch.load(state)["history"])) if state.is_file() else 0

    def result(place: Path) -> object:
        card = read_card(place / "checkpoints/unet")
        training = {k: v for k, v in card["training"].items() if k not in TIMES}
        return card["tensors_sha256"], training, table(place / "history/unet.csv")

    return Work(
        lambda place: ["-m", "common.training", *settings, "--results", str(place)],
        says("training:"),
        result,
        kept=epochs,
    )


# Evaluation


def earlier_reading(place: Path) -> None:
    place.mkdir()
    (place / "test_reads.csv").write_text("time,commit,model,checkpoint,n,miou\n1,2,3,4,5,0.5\n")


def scores(place: Path) -> object:
    """The counts; the log of readings holds the earlier one, and one or more of this score."""
    first, *others = table(place / "test_reads.csv")
    new = {(row["model"], row["n"], row["miou"], row.get("iou_at_1")) for row in others}
    return table(place / "counts.parquet"), first["miou"], len(new)


def evaluation_work(made: Path, module: str, model: str, begun: str, *more: str) -> Work:
    common = ["--data-root", str(made / "many"), "--model", str(made / model), *more]
    return Work(
        lambda place: [
            "-m",
            module,
            *common,
            f"--results={place}",
            f"--out={place}/counts.parquet",
        ],
        says(begun),
        scores,
        earlier_reading,
    )


# Pipeline

STEADY = """
import time
from pathlib import Path
total = 0
for number in range(50):
    total += number
    time.sleep(0.01)
print(total)
Path('results/counts/{}.txt').write_text(str(total))
"""


def pipeline_work(made: Path) -> Work:
    names = ("01_prep", "02_model", "03_table")

    def project(place: Path) -> None:
        for folder in ("notebooks", "common", "results/counts"):
            (place / folder).mkdir(parents=True)
        for name in names:
            write_notebook(place, name, STEADY.format(name), needs=["01_*"] * (name > names[1]))

    def state(place: Path) -> dict:
        file = place / "results/local/runs/replay/state.json"
        return json.loads(file.read_text()) if file.is_file() else {}

    def done(place: Path) -> int:
        return sum(entry["status"] == "done" for entry in state(place).values())

    def result(place: Path) -> object:
        runs = place / "results/local/runs/replay"
        cells = [nbformat.read(runs / f"{name}.ipynb", 4).cells for name in names]
        outputs = [[cell.get("outputs") for cell in notebook] for notebook in cells]
        report = (place / "results/report.html").read_text()
        rest = sorted(path.name for path in runs.iterdir() if ".log" not in path.name)
        keys = {name: entry["key"] for name, entry in state(place).items()}
        return outputs, content(place / "results/counts"), report.count("1225"), rest, keys

    return Work(lambda place: ["-c", PROGRAM, str(place)], says("running"), result, project, done)


WORKS: dict[str, Callable[[Path], Work]] = {
    "data prepare": prepare_work,
    "data export": export_work,
    "data import": import_work,
    "training": training_work,
    "training in bf16": lambda made: training_work(made, "bf16"),
    "evaluation": lambda made: evaluation_work(made, "common.evaluate", "unet", "scoring test"),
    "evaluation of clicks": lambda made: evaluation_work(
        made, "common.evaluate_clicks", "clicked", "clicking", "--photos", "24", "--clicks", "5"
    ),
    "pipeline": pipeline_work,
}


@pytest.mark.parametrize("name", WORKS)
def test_killed_and_started_again(name: str, made: Path, tmp_path: Path, record_property) -> None:
    work, moments = WORKS[name](made), random.Random(name)
    kills = 6 if EVERYTHING else 3
    record_property("trials", kills)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for place in (whole, killed):
        work.before(place)
    _, seconds = run(work, whole)
    expected = work.result(whole)
    share = 1 / kills if work.kept(whole) else 1  # of the time, if kills add up
    for how in islice(cycle([signal.SIGKILL, signal.SIGTERM, signal.SIGINT]), kills):
        kill(work, killed, how, moments.uniform(0, share * seconds))
    run(work, killed)
    assert work.result(killed) == expected
