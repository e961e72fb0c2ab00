"""Building a cache: what is in it, what is left out, full disks, two builders, killed builders."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from common.config import UserError
from common.data import cache as cache_module
from common.data import dataset as data
from common.data.cache import open_cache, parse_info
from common.data.dataset import prepare, prepare_folder
from common.data.geometry import fit_mask, fit_photo
from common.data.pets import photo_path, read_index, read_pair, trimap_path
from common.provenance import file_sha256


def content(folder: Path) -> dict[str, bytes]:
    """Every file below a folder but locks."""
    files = [path for path in folder.rglob("*") if path.is_file() and path.suffix != ".lock"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_rows_are_the_photos(root: Path, tmp_path: Path):
    cache = prepare(root, size=24, fit="letterbox", folder=tmp_path / "cache")
    index = read_index(root)
    assert cache.manifest["name"].tolist() == index["name"].tolist()
    assert cache.manifest[["breed", "split"]].equals(index[["breed", "split"]])
    for row, record in cache.manifest.iterrows():
        image, mask = read_pair(root, record["name"], record["species"])
        assert np.array_equal(cache.images[row], fit_photo(image, 24, "letterbox"))
        assert np.array_equal(cache.masks[row], fit_mask(mask, 24, "letterbox"))
        assert (record["height"], record["width"]) == mask.shape
        assert record["sha256"] == file_sha256(photo_path(root, record["name"]))
    assert "CC BY-SA 4.0" in cache.info["licence"]
    assert isinstance(cache.images, np.memmap)


def test_arrays_are_plain_npy_files(root: Path, tmp_path: Path):
    photo_path(root, "pug_4").unlink()  # so that the header's row count had to change
    folder = prepare_folder(root, size=24, folder=tmp_path / "cache")
    for name in ("images.npy", "masks.npy"):
        array = np.load(folder / name)
        np.save(tmp_path / "again.npy", array)
        assert len(array) == 15
        assert (tmp_path / "again.npy").read_bytes() == (folder / name).read_bytes()


def test_reused_until_something_changes(root: Path, tmp_path: Path, monkeypatch):
    folder = prepare_folder(root, size=24, folder=tmp_path / "cache")
    before = content(folder)
    assert prepare_folder(root, size=32, folder=tmp_path / "cache") != folder
    assert prepare_folder(root, size=24, fit="letterbox", folder=tmp_path / "cache") != folder
    with monkeypatch.context() as patch:
        patch.setattr(data, "build", lambda *_, **__: pytest.fail("built again"))
        assert prepare_folder(root, size=24, folder=tmp_path / "cache") == folder
    with photo_path(root, "pug_4").open("ab") as file:
        file.write(b"more")
    assert prepare_folder(root, size=24, folder=tmp_path / "cache") != folder
    assert content(folder) == before


@pytest.mark.parametrize("damage", ["no file", "no json", "a list", "old format"])
def test_half_a_cache_is_built_again(root: Path, tmp_path: Path, damage: str):
    folder = prepare_folder(root, size=24, folder=tmp_path / "cache")
    before = content(folder)
    info = folder / "info.json"
    match damage:
        case "no file":
            (folder / "masks.npy").unlink()
        case "no json":
            info.write_text("{")
        case "a list":
            info.write_text("[1]")
        case "old format":
            info.write_text(json.dumps({**json.loads(info.read_text()), "format": 0}))
    assert prepare_folder(root, size=24, folder=tmp_path / "cache") == folder
    assert content(folder) == before


def spoil(root: Path) -> dict[str, str]:
    """Break five photos, each in its own way; name -> what the reason must say."""
    whole = photo_path(root, "Abyssinian_1").read_bytes()
    photo_path(root, "Abyssinian_1").write_bytes(whole[: len(whole) // 2])
    photo_path(root, "beagle_2").unlink()
    trimap_path(root, "Bengal_3").unlink()
    Image.new("L", (30, 20), 1).save(trimap_path(root, "pug_4"))
    with Image.open(trimap_path(root, "Abyssinian_5")) as trimap:
        size = trimap.size
    Image.new("L", size, 2).save(trimap_path(root, "Abyssinian_5"))
    return {
        "Abyssinian_1": "images/Abyssinian_1.jpg: damaged (image file is truncated",
        "beagle_2": "images/beagle_2.jpg: cannot be read (No such file",
        "Bengal_3": "annotations/trimaps/Bengal_3.png: cannot be read (No such file",
        "pug_4": "images/pug_4.jpg: the photo is ",
        "Abyssinian_5": "annotations/trimaps/Abyssinian_5.png: there is no cat pixel in it",
    }


def test_bad_photos_are_left_out_by_name_and_reason(root: Path, tmp_path: Path, capsys):
    reasons = spoil(root)
    folder = prepare_folder(root, size=24, folder=tmp_path / "cache")
    said = capsys.readouterr().out
    cache = open_cache(folder)
    assert cache.problems["name"].tolist() == list(reasons)
    for reason, expected in zip(cache.problems["reason"], reasons.values(), strict=True):
        assert reason.startswith(expected)
        assert str(tmp_path) not in reason  # the table travels in archives
    assert len(cache.manifest) == len(cache.images) == 11
    assert not set(cache.manifest["name"]) & set(reasons)
    assert f"5 of 16 photos were left out (first: {reasons['Abyssinian_1']}" in said
    assert str(folder / "problems.csv") in said
    image, _ = read_pair(root, "beagle_6", 2)
    row = cache.manifest["name"].tolist().index("beagle_6")
    assert np.array_equal(cache.images[row], fit_photo(image, 24))


def test_no_readable_photo_at_all(root: Path, tmp_path: Path):
    shutil.rmtree(root / "images")
    with pytest.raises(UserError, match=r"none of 16 photos .*\(first: images.*cannot be read"):
        prepare(root, size=24, folder=tmp_path / "cache")
    assert content(tmp_path / "cache") == {}


def test_copies_across_splits_become_leaks(root: Path, tmp_path: Path):
    index = read_index(root).set_index("name")["split"]
    train = index.index[index == "train"]
    test, val = index.index[index == "test"][0], index.index[index == "val"][0]

    def copy(source: str, target: str) -> None:
        for place in (photo_path, trimap_path):
            shutil.copy(place(root, source), place(root, target))

    copy(test, train[0])
    copy(val, train[1])
    copy(test, train[2])  # the same look in another file
    with Image.open(photo_path(root, test)) as image:
        image.save(photo_path(root, train[2]), "JPEG", quality=70)
    cache = prepare(root, size=24, folder=tmp_path / "cache")
    split = cache.manifest.set_index("name")["split"]
    assert split[split == "leak"].index.tolist() == sorted(train[:3], key=list(split.index).index)
    assert split[test] == "test" and split[val] == "val"
    assert not set(cache.rows("train")) & set(np.flatnonzero(split == "leak"))


def test_manifest_columns_keep_their_kind(root: Path, tmp_path: Path):
    """A column of hashes without a letter is still text, and a reason may be 'NA'."""
    folder = prepare_folder(root, size=24, folder=tmp_path / "cache")
    manifest = pd.read_csv(folder / "manifest.csv")
    manifest.assign(phash="0" * 16).to_csv(folder / "manifest.csv", index=False)
    (folder / "problems.csv").write_text("name,reason\nnan_1,NA\n")
    cache = open_cache(folder)
    assert set(cache.manifest["phash"]) == {"0" * 16}
    assert cache.problems.to_dict("records") == [{"name": "nan_1", "reason": "NA"}]


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("images.npy", lambda path: os.truncate(path, 300)),
        ("images.npy", lambda path: path.write_bytes(b"")),
        ("masks.npy", lambda path: np.save(path, np.zeros((16, 24, 25), np.uint8))),
        ("masks.npy", lambda path: np.save(path, np.zeros((16, 24, 24), np.float32))),
        ("masks.npy", lambda path: np.save(path, np.array([{}]), allow_pickle=True)),
        ("manifest.csv", lambda path: path.write_text("name\nx\n")),
        ("manifest.csv", lambda path: path.write_bytes(b"\xff\xfe\x00")),
        ("problems.csv", lambda path: path.write_text("")),
        ("info.json", lambda path: path.write_text('{"format": 1}')),
        ("info.json", Path.unlink),
    ],
)
def test_damaged_cache_is_one_line(root: Path, tmp_path: Path, file: str, damage):
    folder = prepare_folder(root, size=24, folder=tmp_path / "cache")
    damage(folder / file)
    with pytest.raises(UserError, match=f"{folder}: .*; delete it and build it again") as caught:
        open_cache(folder)
    assert "\n" not in str(caught.value)


KEYS = ["format", "size", "fit", "data", "files"]
values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("a" * 64)
values |= st.just([]) | st.dictionaries(st.text(max_size=4), values, max_size=2)


@settings(max_examples=25, deadline=None)
@given(changes=st.dictionaries(st.sampled_from(KEYS), values))
def test_info_is_checked(changes: dict):
    files = {file: "0" * 64 for file in cache_module.FILES}
    info = {"format": 1, "size": 24, "fit": "stretch", "data": "0" * 64, "licence": "free"}
    info |= {"files": files, **changes}
    try:
        assert parse_info(json.dumps(info)) == info
    except ValueError:
        return
    assert info["format"] == 1 and 8 <= info["size"] <= 4096 and len(info["data"]) == 64


def test_info_of_endless_depth():
    with pytest.raises(ValueError, match="damaged"):
        parse_info("[" * 60_000)
