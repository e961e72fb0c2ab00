"""Scenes: what is laid where, whose truth it is, and how often a scene is of which kind."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from common.data.augment import augmentation
from common.data.cache import PetCache
from common.data.composites import Composites, Scenes
from common.data.scene import ANIMALS, Mix, Scene, box_of, feathered, resized

NONE = Mix(single=0, alone=0, several=0, ground=0)
ONLY = {kind: replace(NONE, **{kind: 1}) for kind in ("single", "alone", "several", "ground")}


def items(cache: PetCache, mix: Mix, count: int = 8) -> list[dict[str, torch.Tensor]]:
    torch.manual_seed(0)
    rows = cache.rows("train")
    data = Composites(cache, rows, mix=mix)
    return [data[i % len(rows)] for i in range(count)]


def animals(item: dict[str, torch.Tensor]) -> set[int]:
    return set(item["mask"].unique().tolist()) - {0, 255}


@pytest.mark.parametrize("kind", ONLY)
def test_each_kind_of_scene(cache: PetCache, kind: str):
    size = cache.info["size"]
    for item in items(cache, ONLY[kind]):
        assert item["image"].shape == (3, size, size) and item["image"].dtype == torch.uint8
        assert item["mask"].shape == (size, size) and item["mask"].dtype == torch.uint8
        known = int((item["species"] >= 0).sum())
        assert item["species"].shape == (ANIMALS,) and known <= ANIMALS
        assert animals(item) <= set(range(1, known + 1))
        least, most = {"ground": (0, 0), "several": (2, 5)}.get(kind, (1, 1))
        assert least <= known <= most


def test_a_single_photo_is_as_it_is(cache: PetCache):
    row = cache.rows("train")[:1]
    item = Composites(cache, row, mix=replace(ONLY["single"], coarse=0.0))[0]
    assert np.array_equal(item["image"].permute(1, 2, 0), cache.images[row[0]])
    mask = cache.masks[row[0]]
    assert np.array_equal(item["mask"], np.where(mask == 255, 255, mask > 0))
    assert item["species"][0] == cache.manifest["species"][row[0]] - 1


def test_the_upper_animal_hides_the_lower(cache: PetCache):
    scene = Scene(cache, Mix(), np.random.default_rng(1))
    row = cache.rows("train")[0]
    scene.lay_photo(row)
    before = scene.mask.copy()
    for _ in range(4):
        scene.lay_animal(row, tile=False)
    changed = scene.mask != before
    assert changed.any() and set(scene.mask[changed]) <= {2, 3, 4, 5, 255}
    assert len(scene.species) == 5


def test_the_same_seed_draws_the_same_scene(cache: PetCache):
    first, again = items(cache, Mix()), items(cache, Mix())
    assert all(torch.equal(a[key], b[key]) for a, b in zip(first, again, strict=True) for key in a)


def test_scenes_are_varied_as_photos_are(cache: PetCache):
    data = Composites(cache, cache.rows("train"), augmentation("full"))
    assert data[0]["mask"].dtype == torch.uint8
    scenes = Scenes(Mix(twin=0.5))
    assert scenes.identity["twin"] == 0.5 and scenes.inputs == ()
    assert scenes(cache, cache.rows("train")).mix.twin == 0.5


def test_shares_sum_to_one():
    mix = Mix()
    assert mix.single + mix.alone + mix.several + mix.ground == pytest.approx(1)


def test_boxes_seams_and_mirrors():
    region = np.zeros((6, 9), bool)
    region[2:4, 5:8] = True
    assert box_of(region) == (5, 2, 8, 4)
    array = region.astype(np.uint8)
    assert resized(array, (5, 2, 8, 4), 3, 2, False, 0).all()
    assert np.array_equal(resized(array, (0, 0, 9, 6), 9, 6, True, 0), array[:, ::-1])
    seam = feathered(5, 7, 2)
    assert seam[0].max() == seam[:, 0].max() == 0.5 and seam[2, 3] == 1
