"""Archives: a faithful round trip, and no archive, however made, does more than it should."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from common.config import UserError
from common.data.archive import MEMBERS, add_member, export_archive, import_archive, verify
from common.data.cache import open_cache
from common.data.dataset import prepare, prepare_folder
from tests.data.test_cache import content


def rewrite(archive: Path, out: Path, changes: dict[str, bytes | None], *, compression=None):
    """A copy of an archive with members changed, added or (None) left out."""
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(out, "w") as target:
        for entry in source.infolist():
            if entry.filename not in changes:
                kind = entry.compress_type if compression is None else compression
                target.writestr(entry.filename, source.read(entry), kind)
        for name, data in changes.items():
            if data is not None:
                kind = zipfile.ZIP_STORED if name == "images.npy" else zipfile.ZIP_DEFLATED
                target.writestr(name, data, kind if compression is None else compression)
    return out


def npy(array: np.ndarray) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array, allow_pickle=True)
    return stream.getvalue()


def test_round_trip(made, tmp_path: Path):
    folder, archive = made
    imported = import_archive(archive, tmp_path)
    assert imported == tmp_path / folder.name
    assert content(imported) == content(folder)
    cache = open_cache(imported)
    assert cache.manifest.equals(open_cache(folder).manifest)
    assert verify(archive) == verify(folder) == verify(imported) == cache.info


def test_archive_is_plain_and_repeatable(made, tmp_path: Path):
    folder, archive = made
    assert export_archive(folder, tmp_path / "b.zip").read_bytes() == archive.read_bytes()
    with zipfile.ZipFile(archive) as bundle:
        assert sorted(bundle.namelist()) == sorted(MEMBERS)
        assert b"CC BY-SA 4.0" in bundle.read("LICENCE.txt")
        kinds = {entry.filename: entry.compress_type for entry in bundle.infolist()}
        assert bundle.testzip() is None
    stored = [name for name, kind in kinds.items() if kind == zipfile.ZIP_STORED]
    assert stored == ["images.npy"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b.zip"]


class Sparse(io.FileIO):
    """A file that leaves holes for zeros."""

    def write(self, data) -> int:
        if bytes(data).strip(b"\0"):
            return super().write(data)
        self.seek(len(data), 1)
        return len(data)


@pytest.mark.long
def test_a_member_may_be_larger_than_2_gib(tmp_path: Path):
    large = tmp_path / "images.npy"
    with large.open("wb") as file:
        file.truncate(2**31 + 5)
        file.seek(-2, 2)
        file.write(b"ab")
    with Sparse(tmp_path / "a.zip", "w") as sink, zipfile.ZipFile(sink, "w") as bundle:
        add_member(bundle, large.name, large)
    with zipfile.ZipFile(tmp_path / "a.zip") as bundle:
        entry = bundle.getinfo(large.name)
        assert entry.file_size == entry.compress_size == 2**31 + 5
        with bundle.open(entry) as stream:
            stream.seek(-4, 2)
            assert stream.read() == b"\0\0ab"


def test_imported_dataset_needs_no_photos(made, tmp_path: Path, monkeypatch):
    _, archive = made
    imported = import_archive(archive, tmp_path)
    assert len(prepare(imported, size=24).rows("train")) > 0
    monkeypatch.setenv("PETS_ROOT", str(imported))
    assert prepare(size=24).info == open_cache(imported).info
    with pytest.raises(UserError, match="preprocessed at 24 px, stretch, but 128 px, stretch is"):
        prepare()


def test_import_serves_the_owner_of_the_photos_too(made, tmp_path: Path, monkeypatch):
    folder, archive = made
    import_archive(archive, tmp_path)
    monkeypatch.setattr("common.data.dataset.build", lambda *_, **__: pytest.fail("built again"))
    photos = folder.parents[1] / "pets"
    assert prepare_folder(photos, size=24, folder=tmp_path) == tmp_path / folder.name


def test_second_import_finds_it_done_and_repairs(made, tmp_path: Path):
    folder, archive = made
    imported = import_archive(archive, tmp_path)
    stamp = (imported / "images.npy").stat().st_mtime_ns
    assert import_archive(archive, tmp_path) == imported
    assert (imported / "images.npy").stat().st_mtime_ns == stamp
    (imported / "masks.npy").unlink()
    assert content(import_archive(archive, tmp_path)) == content(folder)


def test_export_of_a_damaged_cache_is_refused(made, tmp_path: Path):
    imported = import_archive(made[1], tmp_path / "cache")
    with (imported / "images.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\x01" if file.read(1) != b"\x01" else b"\x02")
    (tmp_path / "out.zip").write_text("earlier")
    for act in (verify, lambda folder: export_archive(folder, tmp_path / "out.zip")):
        with pytest.raises(UserError, match=r"images\.npy: wrong checksum; delete .* build it"):
            act(imported)
    assert (tmp_path / "out.zip").read_text() == "earlier"
