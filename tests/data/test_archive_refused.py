"""Archives that are damaged, foreign or hostile are refused, and nothing is written."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from common.config import UserError
from common.data.archive import import_archive, verify
from tests.data.test_archive import npy, rewrite
from tests.data.test_cache import content


def refused(archive: Path, folder: Path, message: str) -> None:
    """Verify and import both refuse in one line that names the archive; nothing is written."""
    folder.mkdir(exist_ok=True)
    before = content(folder.parent)
    for act in (verify, lambda path: import_archive(path, folder)):
        with pytest.raises(UserError, match=message) as caught:
            act(archive)
        assert str(archive) in str(caught.value) and "\n" not in str(caught.value)
    assert content(folder.parent) == before


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda data: b"", "not a readable archive"),
        (lambda data: b"no archive at all", "not a readable archive .*copy or export it again"),
        (lambda data: data[: len(data) // 2], "not a readable archive"),
        (lambda data: data[100:], "not a readable archive|no part of|wrong checksum"),
    ],
)
def test_unreadable_archive(made, tmp_path: Path, damage, message: str):
    bad = tmp_path / "bad.zip"
    bad.write_bytes(damage(made[1].read_bytes()))
    refused(bad, tmp_path / "cache", message)


def test_no_archive(tmp_path: Path):
    refused(tmp_path / "none.zip", tmp_path / "cache", "no such archive; check the path")


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/etc/evil", "images.npy/../../evil", "notes.txt", "C:\\evil", "a/"]
)
def test_foreign_member(made, tmp_path: Path, name: str):
    bad = rewrite(made[1], tmp_path / "bad.zip", {name: b"evil"})
    refused(bad, tmp_path / "cache", "is no part of")
    assert not list(tmp_path.parent.rglob("evil*"))


def test_foreign_zip_and_missing_or_double_member(made, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "foreign.zip", "w") as bundle:
        bundle.writestr("word/document.xml", "<w/>")
    refused(tmp_path / "foreign.zip", tmp_path / "cache", "'word/document.xml' is no part of")
    bad = rewrite(made[1], tmp_path / "missing.zip", {"masks.npy": None})
    refused(bad, tmp_path / "cache", r"masks\.npy is missing")
    double = tmp_path / "double.zip"
    double.write_bytes(made[1].read_bytes())
    with zipfile.ZipFile(double, "a") as bundle, pytest.warns(UserWarning, match="Duplicate"):
        bundle.writestr("info.json", "{}")
    refused(double, tmp_path / "cache", "a member is there twice")


def test_wrong_checksum(made, tmp_path: Path):
    folder, archive = made
    masks = np.load(folder / "masks.npy")
    masks[0, 0, 0] ^= 1
    bad = rewrite(archive, tmp_path / "bad.zip", {"masks.npy": npy(masks)})
    refused(bad, tmp_path / "cache", r"bad\.zip: wrong checksum of masks\.npy; copy or export")
    table = (folder / "manifest.csv").read_bytes().replace(b"train", b"test_")
    bad = rewrite(archive, tmp_path / "bad.zip", {"manifest.csv": table})
    refused(bad, tmp_path / "cache", r"wrong checksum of manifest\.csv")


def test_flipped_bit_in_the_photos(made, tmp_path: Path):
    data = bytearray(made[1].read_bytes())
    data[len(data) // 2] ^= 4
    (tmp_path / "bad.zip").write_bytes(data)
    refused(tmp_path / "bad.zip", tmp_path / "cache", "not a readable archive|wrong checksum")


@pytest.mark.parametrize(
    "change",
    [
        {"data": "../../../../evil" + "0" * 48},
        {"fit": "../../evil"},
        {"size": 10**9},
        {"size": "24"},
        {"format": 2},
        {"files": {}},
        {"licence": None},
    ],
)
def test_info_cannot_choose_a_place(made, tmp_path: Path, change: dict):
    info = json.loads((made[0] / "info.json").read_text()) | change
    data = json.dumps(info).encode()
    bad = rewrite(made[1], tmp_path / "bad.zip", {"info.json": data})
    refused(bad, tmp_path / "cache", r"not a readable archive \(info\.json is damaged")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("masks.npy", np.zeros((9, 24, 24), np.uint8), r"declares .* shape \(9, 24, 24\)"),
        ("masks.npy", np.zeros((8, 24, 48), np.uint8), r"declares .* shape \(8, 24, 48\)"),
        ("images.npy", np.zeros((8, 24, 24, 3), np.float64), "declares an array of shape"),
        ("images.npy", np.array([{"a": 1}]), "declares an array of shape .* object"),
    ],
)
def test_arrays_of_another_shape_or_pickles(made, tmp_path: Path, name, array, message: str):
    bad = rewrite(made[1], tmp_path / "bad.zip", {name: npy(array)})
    refused(bad, tmp_path / "cache", message)


def test_bombs(made, tmp_path: Path, monkeypatch):
    folder, archive = made
    masks = (folder / "masks.npy").read_bytes()
    bad = rewrite(archive, tmp_path / "long.zip", {"masks.npy": masks + bytes(5_000_000)})
    assert bad.stat().st_size < 100_000
    refused(bad, tmp_path / "cache", r"masks\.npy does not have the size that it declares")
    monkeypatch.setattr("common.data.archive.MAX_TABLE", 1 << 16)
    bad = rewrite(archive, tmp_path / "table.zip", {"manifest.csv": bytes(1 << 17)})
    refused(bad, tmp_path / "cache", r"manifest\.csv is too large")
    bad = rewrite(archive, tmp_path / "info.zip", {"info.json": b" " * 100_000})
    refused(bad, tmp_path / "cache", r"info\.json is too large")
    bad = rewrite(archive, tmp_path / "deflated.zip", {}, compression=zipfile.ZIP_DEFLATED)
    refused(bad, tmp_path / "cache", r"images\.npy is compressed otherwise")


def test_archive_that_lies_about_its_size(made, tmp_path: Path):
    """The directory and the headers promise 100,000 photos where there are 8."""
    bad = tmp_path / "bad.zip"
    big = {"descr": "|u1", "fortran_order": False, "shape": (100_000, 24, 24, 3)}
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, big)
    images = header.getvalue() + bytes(8 * 24 * 24 * 3)
    rewrite(made[1], bad, {"images.npy": images})
    declared = len(header.getvalue()) + 100_000 * 24 * 24 * 3
    data = bad.read_bytes().replace(
        len(images).to_bytes(4, "little") * 2, declared.to_bytes(4, "little") * 2
    )
    bad.write_bytes(data)
    refused(bad, tmp_path / "cache", "not a readable archive")
