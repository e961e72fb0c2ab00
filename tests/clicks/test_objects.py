"""Several animals: no pixel in two masks, clicks on one rule the others out, COCO's fields."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.canvas.exports import coco_file
from common.checkpoint import Card, save_checkpoint
from common.clicks.objects import MOST, Prompted, label_map, segment_objects
from common.clicks.prompts import Click
from common.config import UserError
from common.data.coco import decode_rle, read_instances
from common.models import MODELS, Spec
from common.predict import main
from tests.clicks.known import Clicky, photo, prompted_predictor

TOM, REX = (
    Prompted("Tom", (Click(20, 20),)),
    Prompted("Rex", (Click(70, 40), Click(90, 10, False))),
)


def segmented() -> list:
    predictor = prompted_predictor(size=64)
    predictor.set_image(photo(60, 100))
    return segment_objects(predictor, [TOM, REX])


def test_masks_are_apart_and_hold_their_clicks():
    tom, rex = segmented()
    assert not (tom.mask & rex.mask).any()
    assert tom.mask[20, 20] and rex.mask[40, 70] and not rex.mask[10, 90]
    assert (tom.name, rex.name, rex.clicks, tom.species[0]) == ("Tom", "Rex", REX.clicks, "dog")
    labels = label_map([tom, rex])
    assert labels.dtype == np.uint8 and labels[20, 20] == 1 and labels[40, 70] == 2
    assert not labels[10, 90]


def test_close_clicks_share_what_lies_between():
    predictor = prompted_predictor(size=64)
    predictor.set_image(photo(60, 100))
    close = [Prompted("a", (Click(40, 30),)), Prompted("b", (Click(46, 30),))]
    a, b = segment_objects(predictor, close)
    assert not (a.mask & b.mask).any() and (a.mask | b.mask).any()


def test_a_coco_file_of_objects():
    found = json.loads(json.dumps(coco_file([("pair.jpg", segmented())])))
    first, second = found["annotations"]
    assert (first["id"], second["id"], first["iscrowd"], second["name"]) == (1, 2, 0, "Rex")
    mask = decode_rle(first["segmentation"])
    assert isinstance(first["segmentation"]["counts"], str) and mask[20, 20]
    x, y, width, height = first["bbox"]
    assert all(isinstance(number, int) for number in first["bbox"])
    assert mask[y : y + height, x : x + width].sum() == mask.sum() == first["area"]
    assert found["categories"][first["category_id"]]["name"] == "dog"


@pytest.mark.parametrize(
    ("objects", "message"),
    [
        ([], "0 animals"),
        ([TOM] * (MOST + 1), "256 animals"),
        ([TOM, Prompted("Rex", (Click(3, 4, False),))], "'Rex' has no click on it"),
        ([Prompted("far", (Click(500, 4),))], "not in the photo"),
    ],
)
def test_what_cannot_be_asked_is_named(objects: list, message: str):
    predictor = prompted_predictor(size=64)
    predictor.set_image(photo(60, 100))
    with pytest.raises(UserError, match=message):
        segment_objects(predictor, objects)


def test_the_command_writes_labels_overlay_and_coco(tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setitem(MODELS, "clicky", Spec(Clicky))
    save_checkpoint(tmp_path / "clicky", Clicky(), Card("clicky", size=64))
    Image.fromarray(photo(60, 100)).save(tmp_path / "pair.png")
    where = ["--out", str(tmp_path / "out"), "--model", str(tmp_path / "clicky.json")]
    asked = ["--object", "Tom: 20,20", "--object", "70,40 90,10,0"]
    assert main([str(tmp_path / "pair.png"), *asked, *where]) == 0
    assert "Tom (dog, " in (told := capsys.readouterr().out) and "animal 2 (dog, " in told
    files = {file.name for file in (tmp_path / "out").iterdir()}
    assert files == {"pair_labels.png", "pair_overlay.png", "pair_coco.json"}
    labels = np.asarray(Image.open(tmp_path / "out" / "pair_labels.png"))
    read = read_instances(tmp_path / "out" / "pair_coco.json")[0]
    for number, one in enumerate(read.instances, 1):
        assert np.array_equal(one.mask(), labels == number)
    for bad in (["--object", "Tom: 1,2,0"], ["--object", ": 1,2"], [*asked, "--click", "1,2"]):
        assert main([str(tmp_path / "pair.png"), *bad, *where]) == 2
        assert "--object" in capsys.readouterr().err
