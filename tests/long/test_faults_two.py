"""Two at once: the same pipeline, the same dataset, the same log of readings."""

import multiprocessing
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from common.config import ROOT
from common.data.dataset import prepare_folder
from common.data.synthetic import make_pets
from common.scoring.photos import log_test_read
from tests.data.test_cache import content
from tests.pipeline.conftest import root  # noqa: F401 (a fixture)
from tests.pipeline.test_run import PROGRAM, start_and_wait

pytestmark = pytest.mark.long


def test_a_second_pipeline_is_sent_away_and_the_first_goes_on(
    root: Path,  # noqa: F811
    record_property,
) -> None:
    record_property("trials", 2)
    first = start_and_wait(root)
    for _ in range(2):
        second = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(root)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert second.returncode == 2
        assert second.stderr.startswith("error: another process is already at work in ")
        assert "wait for it to end" in second.stderr and second.stderr.count("\n") == 1
    (root / "go").touch()
    said, error = first.communicate(timeout=300)
    assert first.returncode == 0, error
    assert "report: " in said and (root / "results/report.html").is_file()


def test_two_builders_of_one_dataset(tmp_path: Path, record_property) -> None:
    """Both end well, with what a single one makes."""
    record_property("trials", 2)
    pets = make_pets(tmp_path / "pets", n=64)
    command = [*"-m common.data prepare --size 64 --data-root".split(), str(pets), "--folder"]  # noqa: SIM905
    both = [
        subprocess.Popen([sys.executable, *command, str(tmp_path / "cache")], cwd=ROOT)
        for _ in range(2)
    ]
    assert [process.wait(300) for process in both] == [0, 0]
    prepare_folder(pets, size=64, folder=tmp_path / "alone")
    assert content(tmp_path / "cache") == content(tmp_path / "alone")


def test_no_reading_of_the_test_photos_is_lost(tmp_path: Path, record_property) -> None:
    """Four processes write to the log as fast as they can."""
    record_property("trials", 40)

    def read(who: int) -> None:
        for number in range(10):
            log_test_read(f"model{who}", "0" * 64, tmp_path, ["pug_1"], miou=number / 10)

    work = [multiprocessing.get_context("fork").Process(target=read, args=(n,)) for n in range(4)]
    for process in work:
        process.start()
    for process in work:
        process.join(300)
    table = pd.read_csv(tmp_path / "test_reads.csv")
    assert sorted(table["model"]) == sorted(f"model{n}" for n in range(4) for _ in range(10))
    assert [process.exitcode for process in work] == [0, 0, 0, 0]
