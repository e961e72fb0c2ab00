"""Killed at random moments and started again: nothing is lost, and the end is the same.

Each command runs once in peace. Then it is killed so many times, by SIGKILL, SIGTERM and Ctrl-C in
turn, at moments drawn over the time that its work took, each time followed by the same command.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

import nbformat
import pandas as pd
import pytest
import torch

from common.checkpoint import read_card
from common.config import ROOT
from common.data.archive import export_archive
from common.data.dataset import prepare_folder
from common.data.synthetic import make_pets
from tests.data.test_cache import content
from tests.fuzzing import EVERYTHING
from tests.pipeline.projects import write_notebook
from tests.pipeline.test_run import PROGRAM

pytestmark = [pytest.mark.long, pytest.mark.timeout(3000)]  # on a machine that is busy, too
PATIENCE = 300  # seconds, on a machine that does other things
TIMES = {"seconds", "photos_per_second", "minutes", "ms", "ms_photo"}


@dataclass(frozen=True)
class Work:
    """A command to kill.

    Attributes:
        argv: from the folder it may write in, the arguments for Python.
        begun: whether its work has begun, from that folder, what it printed and when it started.
        result: what must be the same in the end, from that folder.
        before: fills the folder with what was there before.
        kept: what has been achieved; it may only grow.
    """

    argv: Callable[[Path], list[str]]
    begun: Callable[[Path, str, float], bool]
    result: Callable[[Path], object]
    before: Callable[[Path], object] = Path.mkdir
    kept: Callable[[Path], int] = lambda place: 0


def run(
    work: Work, place: Path, how: signal.Signals | None = None, wait: float = 0
) -> tuple[int, float]:
    """Exit code of the command, and the seconds that it lived after its work began."""
    log = place.with_suffix(".log")
    started = time.time()
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, *work.argv(place)],
            cwd=ROOT,
            stdout=file,
            stderr=file,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
            # a background job ignores Ctrl-C, and its children would too
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        while process.poll() is None and not work.begun(place, log.read_text(), started):
            assert time.time() < started + PATIENCE
            time.sleep(0.02)
        begun = time.time()
        if how:
            time.sleep(wait)
            if process.poll() is None:
                (os.killpg if how == signal.SIGINT else os.kill)(process.pid, how)
        process.wait(PATIENCE)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # of its own children, which it may have left
    assert how or process.returncode == 0, log.read_text()[-3000:]
    return process.returncode, time.time() - begun


def kill(work: Work, place: Path, how: signal.Signals, wait: float) -> None:
    """Kill the command, which loses nothing; where it had ended by then, all begins once more."""
    kept = work.kept(place)
    for attempt in range(8):
        code, _ = run(work, place, how, wait / 2**attempt)
        if code:
            said = place.with_suffix(".log").read_text()
            assert code in (-how, 130), said[-3000:]
            assert code != 130 or "stopped; run the same command again to go on\n" in said
            assert work.kept(place) >= kept
            return
        shutil.rmtree(place)
        work.before(place)
        kept = 0
    pytest.fail("the command ended before each kill")


def says(text: str) -> Callable[[Path, str, float], bool]:
    """The work has begun when this is printed."""
    return lambda place, said, started: text in said


def makes(pattern: str) -> Callable[[Path, str, float], bool]:
    """The work has begun when there is such a file that is newer than the process."""

    def made(place: Path, said: str, started: float) -> bool:
        with suppress(FileNotFoundError):
            return any(path.stat().st_mtime > started for path in place.glob(pattern))
        return False

    return made


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
