"""The generated dataset is a small real one: torchvision reads it, and it has no flaw."""

from pathlib import Path

import numpy as np
from torchvision.datasets import OxfordIIITPet

from common.data.dataset import prepare
from common.data.pets import fingerprint, read_index, read_pair
from common.data.synthetic import make_pets


def test_torchvision_reads_it_and_agrees(tmp_path: Path):
    root = make_pets(tmp_path, n=16)
    index = read_index(root).set_index("name")
    for split, count in (("trainval", 8), ("test", 8)):
        kinds = ["category", "binary-category", "segmentation"]
        reference = OxfordIIITPet(tmp_path, split=split, target_types=kinds)
        assert len(reference) == count
        for number, path in enumerate(reference._images):
            row = index.loc[path.stem]
            image, (breed, species, trimap) = reference[number]
            ours, mask = read_pair(root, path.stem, row["species"])
            assert (breed, species) == (row["breed_id"] - 1, row["species"] - 1)
            assert np.array_equal(ours, np.asarray(image))
            trimap = np.asarray(trimap)
            assert np.array_equal(mask == row["species"], trimap == 1)
            assert np.array_equal(mask == 0, trimap == 2)
            assert np.array_equal(mask == 255, trimap == 3)


def test_every_breed_is_in_each_half(tmp_path: Path):
    index = read_index(make_pets(tmp_path, n=24))
    assert index.groupby("breed")["split"].nunique().eq(3).all()
    assert index["species"].value_counts().to_dict() == {1: 12, 2: 12}


def test_it_repeats_and_a_seed_changes_it(tmp_path: Path):
    folders = [make_pets(tmp_path / str(i), n=8, seed=seed) for i, seed in enumerate((0, 0, 1))]
    prints = [fingerprint(folder) for folder in folders]
    assert prints[0] == prints[1] != prints[2]


def test_it_prepares_without_problem_or_leak(tmp_path: Path):
    cache = prepare(make_pets(tmp_path, n=24), size=32, folder=tmp_path / "cache")
    assert len(cache.problems) == 0
    assert set(cache.manifest["split"]) == {"train", "val", "test"}
