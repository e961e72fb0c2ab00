"""Items, fractions, where the data comes from, and the command line."""

import subprocess
import sys
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pandas as pd
import pytest
import torch

from common.config import ROOT, UserError
from common.data import download
from common.data.__main__ import main
from common.data.augment import augmentation
from common.data.cache import PetCache
from common.data.dataset import PetDataset, prepare, resolve_root, to_float
from common.data.download import download_pets
from common.data.synthetic import make_pets


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    return make_pets(tmp_path_factory.mktemp("pets"), n=16)


@pytest.fixture(scope="module")
def cache(root: Path, tmp_path_factory) -> PetCache:
    return prepare(root, size=24, folder=tmp_path_factory.mktemp("cache"))


def test_item(cache: PetCache):
    rows = cache.rows("train")
    item = PetDataset(cache, rows)[1]
    assert {name: (tuple(v.shape), v.dtype) for name, v in item.items()} == {
        "image": ((3, 24, 24), torch.uint8),
        "mask": ((24, 24), torch.uint8),
        "species": ((), torch.int64),
        "breed": ((), torch.int64),
    }
    assert type(item["image"]) is type(item["mask"]) is torch.Tensor
    assert np.array_equal(item["image"].permute(1, 2, 0), cache.images[rows[1]])
    assert np.array_equal(item["mask"], cache.masks[rows[1]])
    record = cache.manifest.loc[rows[1]]
    assert (item["species"], item["breed"]) == (record["species"] - 1, record["breed_id"] - 1)
    present = set(np.unique(item["mask"])) - {0, 255}
    assert present == {record["species"]}


def test_models_are_given_floats(cache: PetCache):
    photos = torch.from_numpy(cache.images[:2]).permute(0, 3, 1, 2)
    floats = to_float(photos)
    torch.testing.assert_close(floats, torch.from_numpy(photos.numpy() / np.float32(255)))


def test_validation_is_never_augmented_and_training_is(cache: PetCache):
    val, train = PetDataset(cache, cache.rows("val")), cache.rows("train")
    assert torch.equal(val[0]["image"], val[0]["image"])
    varied = PetDataset(cache, train, augmentation("full"))
    assert not torch.equal(varied[0]["image"], varied[0]["image"])
    rows = np.concatenate([cache.rows(split) for split in ("train", "val", "test")])
    assert len(set(rows)) == len(rows) == 16
    assert len(varied) == len(train)


def test_augmenting_leaves_the_cache_alone(cache: PetCache):
    before = cache.images[:].copy(), cache.masks[:].copy()
    data = PetDataset(cache, np.arange(len(cache.images)), augmentation("full"))
    for item in range(len(data)):
        data[item]
    assert np.array_equal(before[0], cache.images) and np.array_equal(before[1], cache.masks)


def breeds(counts: dict[int, int]) -> PetCache:
    table = pd.DataFrame({"breed_id": np.repeat(list(counts), list(counts.values()))})
    table = pd.concat([table.assign(split="train"), table.assign(split="test")], ignore_index=True)
    return PetCache(np.empty(0), np.empty(0), table, pd.DataFrame(), {})


@pytest.mark.parametrize(("fraction", "expected"), [(0.5, [10, 20, 35]), (0.1, [2, 4, 7])])
def test_fraction_keeps_the_share_of_each_breed(fraction: float, expected: list[int]):
    cache = breeds({1: 20, 2: 40, 3: 70})
    rows = cache.rows("train", fraction, seed=3)
    assert np.bincount(cache.manifest.loc[rows, "breed_id"]).tolist()[1:] == expected
    assert (np.diff(rows) > 0).all() and (rows < 130).all()
    assert np.array_equal(rows, cache.rows("train", fraction, seed=3))
    assert not np.array_equal(rows, cache.rows("train", fraction, seed=4))


def test_whole_split_and_unknown_split():
    cache = breeds({1: 2, 2: 3})
    assert cache.rows("train").tolist() == [0, 1, 2, 3, 4]
    assert cache.rows("test").tolist() == [5, 6, 7, 8, 9]
    assert cache.rows("none").size == 0


def test_where_the_data_comes_from(root: Path, monkeypatch):
    monkeypatch.setenv("PETS_ROOT", str(root))
    assert resolve_root() == resolve_root(root) == root.resolve()
    monkeypatch.delenv("PETS_ROOT")
    with pytest.raises(UserError, match="no dataset: set PETS_ROOT to a copy of Oxford-IIIT Pet"):
        resolve_root()
    monkeypatch.setattr("common.data.dataset.download_pets", lambda: Path("fetched"))
    assert resolve_root("download") == Path("fetched")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fit": "crop"}, "fit 'crop' is unknown"),
        ({"size": 4}, "size 4 is out of range; choose 8"),
    ],
)
def test_arguments_are_checked(root: Path, options: dict, message: str):
    with pytest.raises(UserError, match=message):
        prepare(root, **options)


def fake_release(scratch: Path, download: bool) -> None:
    root = make_pets(scratch, n=8)
    (root / "images.tar.gz").write_text("packed")


def test_download_is_whole_or_not_at_all(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setattr(download, "NEEDS", 0)
    target = tmp_path / "download"

    def broken(scratch: Path, download: bool) -> None:
        make_pets(scratch, n=8)
        raise URLError("Name or service not known")

    monkeypatch.setattr("torchvision.datasets.OxfordIIITPet", broken)
    with pytest.raises(UserError, match="Name or service.*no internet, copy .* set PETS_ROOT"):
        download_pets(target)
    assert not target.exists()
    monkeypatch.setattr("torchvision.datasets.OxfordIIITPet", fake_release)
    assert download_pets(target) == target / "oxford-iiit-pet"
    assert "CC BY-SA 4.0" in capsys.readouterr().out
    assert not list(target.rglob("*.tar.gz"))
    monkeypatch.setattr("torchvision.datasets.OxfordIIITPet", broken)
    assert download_pets(target) == target / "oxford-iiit-pet"  # the second time without a network


def test_download_without_room(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(download, "NEEDS", 10**15)
    with pytest.raises(UserError, match="could not be written .needs 1,000,000,000 MB"):
        download_pets(tmp_path / "download")


def test_command_line_from_photos_to_a_training_elsewhere(root: Path, tmp_path: Path, capsys):
    here, there, archive = (tmp_path / name for name in ("here", "there", "pets.zip"))
    options = ["--data-root", str(root), "--size", "24", "--folder", str(here)]
    assert main(["prepare", *options]) == 0
    said = capsys.readouterr().out
    assert "16 photos at 24 px (stretch): train 4, val 4, test 8, leak 0" in said
    assert main(["export", "--out", str(archive), *options]) == 0
    assert f"{archive}: 0 MB, licence inside" in capsys.readouterr().out
    assert main(["verify", str(archive)]) == 0
    assert "every checksum is right" in capsys.readouterr().out
    assert main(["import", str(archive), "--folder", str(there)]) == 0
    folder = next(there.glob("pets-*"))
    assert f"PETS_ROOT={folder}" in capsys.readouterr().out
    assert main(["verify", str(folder)]) == 0
    assert main(["prepare", "--data-root", str(folder), "--size", "24"]) == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["prepare", "--data-root", "{empty}"], "no folder 'annotations' here"),
        (["export", "--data-root", "{empty}", "--out", "x.zip"], "no folder 'annotations' here"),
        (["import", "{empty}/x.zip"], "x.zip: no such archive"),
        (["verify", "{empty}/x.zip"], "x.zip: no such archive"),
        (["verify", "{empty}"], "not a whole preprocessed dataset"),
        (["prepare", "--data-root", "{empty}", "--size", "0"], "size 0 is out of range"),
    ],
)
def test_errors_are_one_line_and_exit_code_two(tmp_path: Path, capsys, arguments, message: str):
    assert main([word.format(empty=tmp_path) for word in arguments]) == 2
    said = capsys.readouterr()
    assert said.err.startswith("error: ") and said.err.count("\n") == 1
    assert message in said.err and said.out == ""


def test_as_a_program(tmp_path: Path):
    command = [sys.executable, "-m", "common.data", "verify", str(tmp_path / "x.zip")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {tmp_path / 'x.zip'}: no such archive; check the path\n"
