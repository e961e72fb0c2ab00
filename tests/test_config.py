"""Places, the IoU of a mask, atomic writes, and how an error reaches a user."""

import errno
import os
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from common.config import HOMES, ROOT, UserError, atomic_path, cache_root, cli, data_root, mask_iou


@pytest.mark.parametrize("library", [np.array, torch.tensor])
@pytest.mark.parametrize(
    ("mask", "truth", "expected"),
    [
        ([1, 1, 0, 0], [1, 0, 1, 0], 1 / 3),
        ([1, 1, 0, 0], [1, 255, 255, 0], 1),  # the border counts for nothing
        ([0, 0, 1, 1], [1, 1, 0, 0], 0),
        ([0, 0, 0, 0], [1, 0, 0, 0], 0),
        ([1, 0, 0, 0], [0, 0, 255, 0], 0),
        ([0, 0, 1, 0], [0, 0, 255, 0], 1),  # neither shows anything
    ],
)
def test_the_iou_of_a_mask_by_hand(library, mask, truth, expected):
    found = mask_iou(library([[mask]] * 2) > 0, library([[truth]] * 2))
    assert found.tolist() == [pytest.approx(expected)] * 2


def test_a_write_appears_whole_or_not_at_all(tmp_path: Path):
    target = tmp_path / "deep" / "table.csv"
    with atomic_path(target) as path:
        path.write_text("old")
        assert not target.exists()
    with pytest.raises(RuntimeError), atomic_path(target) as path:
        path.write_text("half")
        raise RuntimeError("killed in the middle")
    assert target.read_text() == "old"
    assert [file.name for file in target.parent.iterdir()] == ["table.csv"]


def test_a_full_disk_is_told_in_one_line_and_loses_nothing(tmp_path: Path):
    target = tmp_path / "table.csv"
    target.write_text("old")
    with (
        pytest.raises(UserError, match="could not be written.*free some space"),
        atomic_path(target),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert target.read_text() == "old"


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    with (
        pytest.raises(UserError, match="could not be written"),
        atomic_path(tmp_path / "file" / "x"),
    ):
        raise AssertionError("the block must not run")


def test_the_data_root_is_the_argument_then_the_environment(monkeypatch, tmp_path: Path):
    monkeypatch.delenv("PETS_ROOT", raising=False)
    assert data_root() is None
    monkeypatch.setenv("PETS_ROOT", str(tmp_path))
    assert data_root() == tmp_path
    assert data_root(tmp_path / "other") == tmp_path / "other"


def test_the_cache_can_be_moved(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("PETS_CACHE", str(tmp_path))
    assert cache_root() == tmp_path


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (UserError("no such photo"), 2, "error: no such photo"),
        (KeyboardInterrupt(), 130, "stopped"),
        (ModuleNotFoundError(name="papermill"), 2, "lacks papermill; use"),
    ],
)
def test_a_command_line_ends_without_a_traceback(raised, code, said, capsys):
    @cli
    def main() -> None:
        raise raised

    assert main() == code
    assert said in capsys.readouterr().err


def test_a_module_of_ours_that_is_missing_is_a_fault_of_ours():
    @cli
    def main() -> None:
        raise ModuleNotFoundError(name="common.gone")

    with pytest.raises(ModuleNotFoundError):
        main()


def test_every_path_of_a_command_may_begin_at_home():
    """By `user_path`."""
    sources = [path.read_text(encoding="utf-8") for path in (ROOT / "common").rglob("*.py")]
    assert not [found for text in sources for found in re.findall(r".*type=Path\b.*", text)]


@pytest.mark.parametrize("home", [None, "/", "/nowhere"])
def test_without_a_home_a_temporary_one_serves(home, monkeypatch, capsys):
    """As for a user id without an entry in passwd; nobody may write into such a home."""
    for name in HOMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", home or "")

    def of_nobody() -> Path:
        raise RuntimeError("Could not determine home directory.")

    with monkeypatch.context() as patch:
        patch.setattr(os, "access", lambda path, mode: False)
        with monkeypatch.context() as nobody:
            if home is None:
                nobody.setattr(Path, "home", of_nobody)
            assert cli(lambda: None)() == 0
        assert cli(lambda: None)() == 0, "all is settled, and nothing said"
    assert Path(os.environ["HOME"]).is_dir() and os.environ["HOME"] != "/"
    assert all(Path(os.environ[name]).is_dir() for name in HOMES)
    assert capsys.readouterr().err.count("\n") == 1
    for name in HOMES:
        monkeypatch.delenv(name)
