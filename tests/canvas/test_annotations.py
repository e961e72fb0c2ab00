"""A COCO file of one's own: its animals on their photos, corrected, saved to the pixel."""

import base64
import json

import numpy as np
import pytest
from pycocotools.coco import COCO

from common.canvas.answers import Photo
from common.canvas.exports import coco_file
from common.canvas.session import ClickSession
from common.clicks.objects import Segmented
from tests.canvas.colours import Colours, encoded
from tests.canvas.test_exports import shapes

NAMES = ("hole", "parts", "tail")


def photo(name: str) -> tuple[str, bytes]:
    return name, encoded(np.random.default_rng(0).integers(0, 255, (40, 70, 3), dtype=np.uint8))


def instances(overlapping: bool = True) -> dict:
    """Of two photos, one with three animals, two of which share pixels."""
    masks = shapes()
    if overlapping:
        masks["parts"][10:25, 10:20] = True
    animals = [
        Segmented(f"the {name}", (), np.where(masks[name], 3.0, -3.0), 0.5, ("dog", 1.0))
        for name in NAMES
    ]
    return coco_file([("a.png", animals), ("b.png", animals[:1])])


@pytest.fixture
def session() -> ClickSession:
    plain = np.full((40, 70, 3), 9, np.uint8)
    return ClickSession([Photo("Plain", plain)], {"m": Colours, "other": Colours})


def send(ask, name: str, content: bytes) -> dict:
    return ask("upload", name=name, part=0, parts=1, data=base64.b64encode(content).decode())


def saved(ask, tmp_path) -> COCO:
    url = ask("download", form="coco")["file"]["url"]
    (tmp_path / "again.json").write_bytes(base64.b64decode(url.split(",")[1]))
    return COCO(str(tmp_path / "again.json"))


@pytest.mark.parametrize("file_first", [True, False])
def test_it_comes_back_to_the_pixel_in_any_order(ask, tmp_path, file_first):
    before = instances()
    file = "instances.json", json.dumps(before).encode()
    for name, content in sorted(
        [file, photo("a.png"), photo("b.png")], key=lambda one: (one[0] == file[0]) != file_first
    ):
        assert send(ask, name, content)["kind"] == "info"
    reply = ask("photo", name="a.png")
    assert [one["name"] for one in reply["objects"]] == ["the hole", "the parts", "the tail"]
    assert reply["status"] == "the hole: a mask from a file." and not reply["can_refine"]
    after = saved(ask, tmp_path).dataset
    keys = ("name", "segmentation", "area", "bbox", "category_id", "score", "iscrowd")
    told = [
        [[one[key] for key in keys] for one in each["annotations"]] for each in (before, after)
    ]
    assert told[0] == told[1]
    assert [one["file_name"] for one in after["images"]] == ["a.png", "b.png"]


def test_clicks_brush_and_other_models_correct_one_and_leave_the_others(session, ask, tmp_path):
    before = instances(overlapping=False)
    send(ask, "a.png", photo("a.png")[1])
    send(ask, "instances.json", json.dumps(before).encode())
    ask("choose", number=2)
    reply = ask("paint", points=[[60, 30]], radius=4, positive=True)
    assert reply["status"] == "the parts: 1 stroke." and session.mask[30, 60]
    ask("click", x=5, y=5, positive=True)
    assert session.mask[5, 5] and session.mask[30, 60]
    ask("undo")
    assert (session.mask & ~shapes()["parts"]).sum() == pytest.approx(np.pi * 16, abs=12)
    ask("model", name="other")
    coco = saved(ask, tmp_path)
    masks = [coco.annToMask(one) > 0 for one in coco.imgToAnns[1]]
    assert (masks[0] == shapes()["hole"]).all() and (masks[2] == shapes()["tail"]).all()
    assert ask("undo")["kind"] == "info" and (session.mask == shapes()["parts"]).all()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"images": 3}, "not a COCO file"),
        ({"annotations": [{"id": 1, "image_id": 1, "segmentation": "?"}]}, "no outline"),
        ({"images": [{"id": 1, "file_name": "a.png", "height": 7, "width": 9}]}, "pixels"),
    ],
)
def test_what_does_not_fit_says_why_and_changes_nothing(ask, change, reason):
    send(ask, "a.png", photo("a.png")[1])
    content = instances()
    if "images" in change:
        content["annotations"] = [one for one in content["annotations"] if one["image_id"] == 1]
    reply = send(ask, "x.JSON", json.dumps({**content, **change}).encode())
    assert reply["kind"] == "error" and reason in reply["status"]
    assert ask("photo", name="a.png")["objects"][0]["mask"] is None
    assert send(ask, "b.png", photo("b.png")[1])["kind"] == "info"


def test_what_was_done_on_a_photo_is_not_replaced(ask):
    send(ask, "a.png", photo("a.png")[1])
    ask("click", x=1, y=1, positive=True)
    send(ask, "instances.json", json.dumps(instances()).encode())
    assert len(ask("photo", name="a.png")["objects"]) == 1
