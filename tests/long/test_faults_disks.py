"""Full disks and folders that may not be written in: one clear line, and nothing is lost.

Everything that writes is tried: on a disk that fills up at several moments (a tmpfs for root, and
for everybody a limit on the size of files), and in a folder without the right to write.
"""

import os
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import nbformat
import pytest

from common import evaluate, evaluate_clicks, predict, run_all
from common.config import SAMPLES
from common.data import __main__ as data
from common.data.archive import export_archive
from common.data.dataset import prepare_folder
from common.data.synthetic import make_pets
from common.pipeline import execute
from common.training import __main__ as training
from tests.data.test_cache import content
from tests.long.privileges import read_only
from tests.pipeline.projects import write_notebook

pytestmark = pytest.mark.long
ROOMS = (0, 600, 2500)  # bytes that are left: none, for a small table, for half of an array


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Path:
    """Photos, their cache and its archive."""
    place = tmp_path_factory.mktemp("made")
    folder = prepare_folder(make_pets(place / "pets", n=16), size=32, folder=place / "cache")
    export_archive(folder, place / "pets.zip")
    return place


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notebooks run without a kernel: their source is their output."""
    monkeypatch.setattr(
        execute, "_run", lambda step, output, *_: nbformat.write(step.notebook.node, output)
    )


Call = Callable[[Path], int]
WHERE = "--data-root {made}/pets --size 32"
SCORED = "--data-root {made}/pets --split test --results {at} --out {at}/counts.parquet"
QUICK = "--model toy --epochs 1 --batch-size 4 --workers 0 --precision no"
WRITERS = {  # what is called, and with which words
    "prepare": (data.main, f"prepare {WHERE} --folder {{at}}/cache"),
    "export": (data.main, f"export {WHERE} --folder {{made}}/cache --out {{at}}/pets.zip"),
    "import": (data.main, "import {made}/pets.zip --folder {at}/cache"),
    "training": (training.main, f"{QUICK} {WHERE} --results {{at}}/results"),
    "evaluate": (evaluate.main, f"--model {{small}}/unet {SCORED}"),
    "evaluate_clicks": (
        evaluate_clicks.main,
        f"--photos 2 --clicks 1 --model {{small}}/clicked {SCORED}",
    ),
    "predict": (predict.main, "{photo} --model {small}/unet --out {at}/masks"),
    "run_all": (run_all.main, ""),
    "smoke set": (run_all.main, "--profile smoke --status"),
}


@pytest.fixture(params=WRITERS)
def name(request) -> str:
    """Of a command that writes; a test may name fewer."""
    return request.param


@pytest.fixture
def call(name: str, made: Path, small_models: Path) -> Call:
    """A command, from the folder that it writes in to its exit code."""
    main, words = WRITERS[name]
    known = {"made": made, "small": small_models, "photo": SAMPLES / "chelsea.png"}

    def run(at: Path) -> int:
        root = {"root": at} if main is run_all.main else {}
        return main([word.format(at=at, **known) for word in words.split()], **root)

    return run


def furnish(place: Path) -> None:
    """What stands in a folder before: results of earlier days, and a project of one notebook."""
    for folder in ("notebooks", "cache", "results", "masks"):
        (place / folder).mkdir(parents=True)
        (place / folder / "earlier.txt").write_text("earlier")
    (place / "test_reads.csv").write_text("time,commit,model,checkpoint,n,miou\n1,2,3,4,5,0.5\n")
    write_notebook(place, "01_prep")


def standing(place: Path) -> dict[str, bytes]:
    """Every file below a folder but locks, and but what fills the disk."""
    return {name: held for name, held in content(place).items() if not name.endswith(".full")}


@contextmanager
def mounted(place: Path) -> Iterator[bool]:
    """A disk of 32 MB of its own at ``place``, where this process may mount one."""
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32m", "tmpfs", str(place)]
    with suppress(OSError):
        if subprocess.run(command, capture_output=True, check=False).returncode == 0:
            try:
                yield True
            finally:
                subprocess.run(["umount", "-l", str(place)], check=True)
            return
    yield False


@contextmanager
def filled(place: Path, room: int) -> Iterator[None]:
    """A disk on which so many bytes (whole pages) are left."""
    filler = place / "disk.full"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(1 << 16))
    os.truncate(filler, max(0, filler.stat().st_size - room))
    yield
    filler.unlink()


def refused(call: Call, place: Path, capsys: pytest.CaptureFixture, reason: str) -> None:
    """The command says why in one line; what was there is there, and nothing half made."""
    before = standing(place)
    capsys.readouterr()
    assert call(place) in (1, 2)  # 1: a batch went on
    said = capsys.readouterr().err
    assert re.search(rf"error: .*: could not be written \([^\n]*({reason})", said), said
    after = standing(place)
    reads = "test_reads.csv"  # a line more, where the photos were scored before the disk was full
    assert b"1,2,3,4,5,0.5" in before.pop(reads) and b"1,2,3,4,5,0.5" in after[reads]
    assert before.items() <= after.items()
    assert not [name for name in after if ".tmp" in name]


def test_full_disk(
    name, call, made, tmp_path, toy, no_kernel, small_disk, capsys, record_property
) -> None:
    """As files that may not grow, then, where one may be mounted, as a real disk."""
    if name == "training":
        prepare_folder(made / "pets", size=32)  # only the training's own files are in question
    furnish(tmp_path / "limited")
    for trials, room in enumerate(ROOMS, 1):
        record_property("trials", trials)
        with small_disk(room):
            refused(call, tmp_path / "limited", capsys, "File too large|broke off|Errno 27")
    assert call(tmp_path / "limited") == 0
    with mounted(tmp_path / "disk") as real:
        if real:
            furnish(tmp_path / "disk")
            with filled(tmp_path / "disk", 0):
                refused(call, tmp_path / "disk", capsys, "No space|broke off|MB are free")
            record_property("trials", len(ROOMS) + 1)
            assert call(tmp_path / "disk") == 0


def test_the_folder_of_these_tests_is_really_read_only(tmp_path: Path) -> None:
    furnish(tmp_path / "place")
    with read_only(tmp_path / "place"), pytest.raises(PermissionError):
        (tmp_path / "place" / "new").touch()
    (tmp_path / "place" / "new").touch()


def test_read_only_folder(name, call, tmp_path, toy, no_kernel, capsys, record_property) -> None:
    record_property("trials", 2)
    place = tmp_path / "place"
    furnish(place)
    with read_only(place):
        refused(call, place, capsys, "Permission denied")
    below_a_file = place / "results" / "earlier.txt"
    if name not in ("run_all", "smoke set"):  # whose folder must hold notebooks
        refused(lambda _: call(below_a_file), place, capsys, "Not a directory|File exists")
    assert call(place) == 0


@pytest.mark.parametrize("name", ["prepare", "import", "training"])
def test_what_is_done_can_be_used_read_only(call, tmp_path, toy, capsys, record_property) -> None:
    record_property("trials", 1)
    place = tmp_path / "place"
    furnish(place)
    assert call(place) == 0
    with read_only(place):
        assert call(place) == 0, capsys.readouterr().err
