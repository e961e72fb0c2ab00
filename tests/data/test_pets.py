"""Reading the dataset: lists, splits, photos of every mode, and what is said of bad ones."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from common.config import UserError
from common.data import contents, pets
from common.data.pets import fingerprint, read_index, read_mask, read_pair
from common.data.photos import read_photo
from common.data.synthetic import make_pets
from common.provenance import file_sha256
from tests.data.test_photos import png


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_pets(tmp_path, n=8)


def write_lists(root: Path, trainval: str, test: str = "") -> Path:
    (root / "annotations").mkdir(parents=True, exist_ok=True)
    (root / "annotations" / "trainval.txt").write_text(trainval)
    (root / "annotations" / "test.txt").write_text(test)
    return root


def breeds(counts: dict[int, int], start: int = 0) -> str:
    lines = [
        f"breed_{breed}_{start + i} {breed} {1 + breed % 2} {breed}\n"
        for breed, count in counts.items()
        for i in range(count)
    ]
    return "".join(lines)


def test_root_or_its_parent(root: Path):
    assert pets.find_root(root) == pets.find_root(root.parent) == root


def test_index_reads_species_from_the_third_column(tmp_path: Path):
    # the first letter's case tells species in the official names; here it lies on purpose
    index = read_index(write_lists(tmp_path, "", "Sphynx_1 34 2 1\nsaint_bernard_10 7 1 1\n"))
    assert index.to_dict("records") == [
        {"name": "Sphynx_1", "breed": "Sphynx", "breed_id": 34, "species": 2, "split": "test"},
        {
            "name": "saint_bernard_10",
            "breed": "Saint Bernard",
            "breed_id": 7,
            "species": 1,
            "split": "test",
        },
    ]


def test_validation_is_a_tenth_of_each_breed(tmp_path: Path):
    counts = {1: 100, 2: 93, 3: 97, 4: 2, 5: 1}
    root = write_lists(tmp_path, breeds(counts), breeds({1: 50, 6: 3}, start=500))
    index = read_index(root)
    val = index[index["split"] == "val"].groupby("breed_id").size().to_dict()
    assert val == {1: 10, 2: 9, 3: 10, 4: 1}  # rounded; one of two; none of a single photo
    assert (index["split"] == "test").sum() == 53
    assert len(index) == 293 + 53


def test_splits_need_no_photo_and_repeat(tmp_path: Path):
    root = write_lists(tmp_path, breeds({1: 40, 2: 40}), breeds({1: 9}, start=100))
    first, again, other = read_index(root), read_index(root), read_index(root, seed=1)
    assert first.equals(again)
    assert not first.equals(other)
    assert (first["split"] == "test").equals(other["split"] == "test")


def test_photo_in_both_lists_is_refused(tmp_path: Path):
    root = write_lists(tmp_path, "pug_1 26 2 18\n", "pug_1 26 2 18\n")
    with pytest.raises(UserError, match=r"test\.txt, line 1: pug_1 is listed already in .*train"):
        read_index(root)


def test_a_folder_without_lists_is_named(tmp_path: Path):
    with pytest.raises(UserError, match="no folder 'annotations'.*set PETS_ROOT"):
        read_index(tmp_path)


@settings(max_examples=25, deadline=None)
@given(junk=st.binary(max_size=80) | st.text(max_size=80).map(str.encode))
def test_junk_lists_are_user_errors(tmp_path_factory, junk: bytes):
    root = write_lists(tmp_path_factory.mktemp("junk"), "pug_1 26 2 18\n")
    (root / "annotations" / "test.txt").write_bytes(junk)
    try:
        index = read_index(root)
    except UserError as error:
        assert "\n" not in str(error)
    else:
        assert index["name"].is_unique


def save_turned(path: Path, width: int, height: int) -> None:
    """Black photo, white top left pixel, with the note "turn 90° clockwise to see it"."""
    exif = Image.Exif()
    exif[0x0112] = 6
    image = Image.new("RGB", (width, height))
    image.putpixel((0, 0), (255, 255, 255))
    image.save(path, "PNG", exif=exif)


@pytest.mark.parametrize(("size", "white"), [((7, 5), (0, 0)), ((5, 7), (0, 4))])
def test_pair_takes_the_orientation_that_fits_the_trimap(root: Path, size, white):
    save_turned(root / "images" / "pug_4.jpg", 7, 5)
    Image.new("L", size, 1).save(pets.trimap_path(root, "pug_4"))
    image, mask = read_pair(root, "pug_4", 2)
    assert image.shape[:2] == mask.shape == size[::-1]
    assert image[white].tolist() == [255, 255, 255]


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_huge_trimap_is_refused_before_it_is_decoded(tmp_path: Path):
    (tmp_path / "a.png").write_bytes(png(8_000, 8_000, 8, 0, b"\0"))
    with pytest.raises(UserError, match=r"a\.png: more than 50 million pixels"):
        read_mask(tmp_path / "a.png", 1)


def test_pairs_that_do_not_belong_together(root: Path):
    trimap = pets.trimap_path(root, "pug_4")
    Image.new("L", (30, 20), 1).save(trimap)
    with pytest.raises(UserError, match=r"pug_4\.jpg: the photo is \d+×\d+ but its trimap 30×20"):
        read_pair(root, "pug_4", 2)
    Image.new("L", read_photo(pets.photo_path(root, "pug_4")).shape[1::-1], 2).save(trimap)
    with pytest.raises(UserError, match=r"pug_4\.png: there is no dog pixel"):
        read_pair(root, "pug_4", 2)
    trimap.unlink()
    with pytest.raises(UserError, match=r"pug_4\.png: cannot be read \(No such file"):
        read_pair(root, "pug_4", 2)


def test_fingerprint_knows_masks_that_were_mended_in_place(root: Path, tmp_path, monkeypatch):
    """Same names, same sizes in bytes; and nothing at rest is read twice."""
    monkeypatch.setenv("PETS_CACHE", str(tmp_path / "caches"))
    monkeypatch.setattr(contents, "RECENT", -1e9)  # they are at rest from the start
    before, mask = fingerprint(root), next(root.rglob("trimaps/*.png"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contents, "file_sha256", pytest.fail)
        assert fingerprint(root) == before
    stored = mask.read_bytes()
    mask.write_bytes(stored[:-1] + b"\x83")
    assert fingerprint(root) != before
    mask.write_bytes(stored)
    os.utime(mask, ns=(1, 1))
    assert fingerprint(root) == before


def test_fingerprint_reads_again_what_was_only_just_written(root: Path, tmp_path, monkeypatch):
    """A file may change twice within a tick of the clock, and a record may be no record."""
    monkeypatch.setenv("PETS_CACHE", str(tmp_path / "caches"))
    before, read = fingerprint(root), []

    def reading(file: Path) -> str:
        read.append(file)
        return file_sha256(file)

    monkeypatch.setattr(contents, "file_sha256", reading)
    assert fingerprint(root) == before and read
    next((tmp_path / "caches").glob("contents-*.json")).write_text("[1]")
    assert fingerprint(root) == before
    (tmp_path / "file").touch()
    monkeypatch.setenv("PETS_CACHE", str(tmp_path / "file"))  # which nobody can write into
    assert fingerprint(root) == before


def test_fingerprint_knows_a_change(root: Path):
    before = fingerprint(root)
    assert before == fingerprint(root.parent)
    (root / "README").write_text("not read")
    assert before == fingerprint(root)
    photo = pets.photo_path(root, "pug_4")
    whole = photo.read_bytes()
    photo.write_bytes(whole + b"x")
    assert before != fingerprint(root)
    photo.write_bytes(whole)
    assert before == fingerprint(root)
    with (root / "annotations" / "test.txt").open("a") as file:
        file.write("# one more\n")
    assert before != fingerprint(root)
