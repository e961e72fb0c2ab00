"""A cache where the disk is full, the folder is held, or another process builds it."""

import errno
import pickle
import shutil
import subprocess
import threading
from collections import namedtuple
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from common import files as storage
from common.config import UserError
from common.data import build as decode
from common.data import dataset as data
from common.data.cache import open_cache
from common.data.dataset import prepare, prepare_folder
from common.data.synthetic import make_pets
from tests.data.test_cache import content


@pytest.fixture
def small_disk(tmp_path: Path, monkeypatch) -> Iterator[Path]:
    """A folder with 1 MB of room: a real tmpfs for root on Linux, else a disk that says so."""
    disk = tmp_path / "disk"
    disk.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        usage = namedtuple("usage", "total used free")(1 << 20, 0, 1 << 20)
        monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: usage)
        append = decode._Array.append

        def full(*_):
            raise OSError(errno.ENOSPC, "No space left on device")

        def limited(self, row):
            (full if row.size * self.count > 1 << 19 else append)(self, row)

        monkeypatch.setattr(decode._Array, "append", limited)
        monkeypatch.setattr(shutil, "copyfileobj", full)
    yield disk
    if mounted:
        subprocess.run(["umount", "-l", str(disk)], check=True)


@pytest.mark.parametrize("foreseen", [True, False])
def test_full_disk(tmp_path: Path, small_disk: Path, monkeypatch, foreseen: bool):
    root = make_pets(tmp_path / "pets", n=48)
    earlier = prepare_folder(root, size=32, folder=small_disk)
    before = content(small_disk)
    if not foreseen:  # as when another program fills the disk meanwhile
        usage = namedtuple("usage", "free")(1 << 40)
        monkeypatch.setattr(storage.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UserError) as caught:
        prepare(root, size=128, folder=small_disk)
    message = str(caught.value)
    assert message.startswith(str(small_disk / "pets-128-stretch-"))
    assert "No space left on device" in message or "needs 3 MB, 1 MB are free" in message
    assert "free some space or choose another folder" in message and "\n" not in message
    assert content(small_disk) == before
    assert len(open_cache(earlier).manifest) == 48


def test_failed_rebuild_leaves_the_old_folder(root: Path, tmp_path: Path, monkeypatch):
    folder = prepare_folder(root, size=24, folder=tmp_path / "cache")
    (folder / "info.json").write_text("of an older version")
    before = content(tmp_path / "cache")

    def fail(*_):
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(decode._Array, "append", fail)
    with pytest.raises(UserError, match="could not be written .*before is untouched"):
        prepare(root, size=24, folder=tmp_path / "cache")
    assert content(tmp_path / "cache") == before


def test_folder_that_cannot_be_made(root: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="could not be written .*choose another folder"):
        prepare(root, size=24, folder=tmp_path / "file" / "cache")


def test_second_process_waits_and_reuses(root: Path, tmp_path: Path, monkeypatch):
    """The second builder is a thread with a lock of its own, which flock tells apart as well."""
    started, go_on, builds = threading.Event(), threading.Event(), []

    def slow_build(*args, **kwargs):
        builds.append(args)
        started.set()
        assert go_on.wait(60)
        decode.build(*args, **kwargs)

    monkeypatch.setattr(data, "build", slow_build)
    folders = []
    work = [
        threading.Thread(
            target=lambda: folders.append(prepare_folder(root, size=24, folder=tmp_path / "cache"))
        )
        for _ in range(2)
    ]
    work[0].start()
    assert started.wait(60)
    work[1].start()
    work[1].join(0.3)
    assert work[1].is_alive() and not folders
    go_on.set()
    for thread in work:
        thread.join(60)
    assert len(builds) == 1
    assert folders[0] == folders[1] and len(open_cache(folders[0]).manifest) == 16


def test_says_beforehand_what_it_takes(root: Path, tmp_path: Path, capsys):
    prepare(root, size=128, folder=tmp_path / "cache")
    assert "preparing 16 photos at 128 px: 1 MB in " in capsys.readouterr().out
    prepare(root, size=128, folder=tmp_path / "cache")
    assert capsys.readouterr().out == ""


def test_a_spawned_worker_opens_the_maps_by_name(root: Path, tmp_path: Path):
    cache = prepare(root, size=24, folder=tmp_path / "caches")
    sent = pickle.dumps(cache)
    assert len(sent) < cache.images.nbytes / 2
    there = pickle.loads(sent)
    assert np.array_equal(there.images, cache.images) and isinstance(there.masks, np.memmap)
    part = replace(cache, images=cache.images[3:])  # is no whole file: it is copied
    assert np.array_equal(pickle.loads(pickle.dumps(part)).images, cache.images[3:])
