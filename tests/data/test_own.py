"""Anybody's COCO file to train on: numbered animals, borders, views that hold them whole."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from common.config import IGNORE, UserError
from common.data.coco import encode_rle, run_lengths
from common.data.own import EDGE, own_photos
from common.data.views import Views


def annotated(folder: Path, photos: int = 6) -> Path:
    """Photos of 120 × 80 with a red animal (a cat) and a blue one (of no category of ours)."""
    masks = np.zeros((2, 80, 120), bool)
    masks[0, 10:50, 10:50] = masks[1, 20:70, 60:110] = True
    picture = np.full((80, 120, 3), 90, np.uint8)
    picture[masks[0]], picture[masks[1]] = (200, 30, 30), (30, 30, 200)
    data: dict = {"images": [], "annotations": []}
    data["categories"] = [{"id": 1, "name": "cat"}, {"id": 7, "name": "ferret"}]
    for number in range(photos):
        name = f"{number}.png"
        Image.fromarray(picture).save(folder / name)
        data["images"].append({"id": number, "file_name": name, "height": 80, "width": 120})
        for kind, mask in zip((1, 7), masks, strict=True):
            about = {"id": len(data["annotations"]), "image_id": number, "category_id": kind}
            data["annotations"].append({**about, "segmentation": encode_rle(mask), "iscrowd": 0})
    file = folder / "instances.json"
    file.write_text(json.dumps(data))
    return file


def test_photos_lie_undistorted_and_their_animals_are_numbered(tmp_path):
    cache = own_photos(annotated(tmp_path), tmp_path)
    assert cache.images.shape == (6, EDGE, EDGE, 3)
    assert sorted(cache.manifest["split"]) == ["train"] * 4 + ["val"] * 2
    height, width = cache.manifest[["height", "width"]].iloc[0]
    assert (height, width) == (round(EDGE * 80 / 120), EDGE)
    mask, scale = cache.masks[0], EDGE / 120
    assert (mask[height:] == IGNORE).all()
    middle = [(30, 30), (45, 85), (75, 30)]  # row and column in the photo
    assert [mask[int(r * scale), int(c * scale)] for r, c in middle] == [1, 2, 0]
    assert mask[int(30 * scale), int(50 * scale)] == IGNORE, "an outline"
    assert cache.manifest["species"].iloc[0] == "0 -1"


def test_a_view_shows_the_photo_or_an_animal_whole(tmp_path):
    cache = own_photos(annotated(tmp_path), tmp_path)
    views = Views(64)(cache, cache.rows("train"))
    height, width = cache.manifest[["height", "width"]].iloc[0]
    whole = 0
    for seed in range(40):
        box = views.part(views.rows[0], np.random.default_rng(seed))
        whole += box == (0, 0, width, height)
        shown = cache.masks[views.rows[0]][box[1] : box[3], box[0] : box[2]]
        count = [(shown == n).sum() == (cache.masks[views.rows[0]] == n).sum() for n in (1, 2)]
        assert any(count), "one animal is there as a whole"
    assert 5 < whole < 30
    torch.manual_seed(0)
    item = views[0]
    assert item["image"].shape == (3, 64, 64) and item["species"].tolist()[:2] == [0, -1]
    assert set(item["mask"].unique().tolist()) <= {0, 1, 2, IGNORE}


def test_too_few_photos_are_refused(tmp_path):
    with pytest.raises(UserError, match="3 photos with an animal; annotate 5 at least"):
        own_photos(annotated(tmp_path, 3), tmp_path)


def test_a_strangers_file_with_holes_both_forms_and_a_missing_photo(tmp_path):
    """Compressed and listed run lengths, polygons, text for numbers, a crowd, a photo without."""
    file = annotated(tmp_path)
    data, ring = json.loads(file.read_text()), np.zeros((80, 120), bool)
    ring[10:70, 10:60], ring[30:50, 25:45] = True, False
    mine = data["annotations"][:2]
    mine[0]["segmentation"] = {"size": [80, 120], "counts": run_lengths(ring)}
    mine[1] |= {"segmentation": [[70, 10, 110, 10, 110, 60]], "category_id": "1"}
    data["annotations"][2]["iscrowd"] = 1
    data["images"].append({"id": 9, "file_name": "none.png", "height": 80, "width": 120})
    file.write_text(json.dumps(data))
    cache, scale = own_photos(file, tmp_path), EDGE / 120
    assert cache.manifest["species"].tolist()[:2] == ["0 0", "-1"], "a crowd is no animal"
    places = [(20, 20), (40, 35), (20, 100)]  # on the ring, in its hole, in the triangle
    assert [cache.masks[0][int(r * scale), int(c * scale)] for r, c in places] == [1, 0, 2]
    data["annotations"].append({**mine[0], "id": 99, "image_id": 9})
    file.write_text(json.dumps(data))
    with pytest.raises(UserError, match=r"none\.png"):
        own_photos(file, tmp_path)
