"""What leaves the tool comes back to the pixel: with a hole, in two parts, with a thin tail."""

import base64
import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from common.canvas.answers import STEPS, Photo, packed
from common.canvas.exports import alpha, coco_file, cutout, labelme_file, lost, outlines
from common.canvas.forms import FORMS, file_of, stem_of
from common.clicks.objects import Segmented, apart, label_map
from common.clicks.prompts import Click
from common.config import UserError
from common.data.coco import polygons_mask, read_instances

H, W = 40, 70


def shapes() -> dict[str, np.ndarray]:
    """Masks (H, W) bool that tools are known to lose pixels of."""
    rows, columns = np.mgrid[:H, :W]
    ring = (rows - 20) ** 2 + (columns - 15) ** 2 < 140
    ring &= (rows - 20) ** 2 + (columns - 15) ** 2 > 30
    parts = np.zeros((H, W), bool)
    parts[2:9, 34:44], parts[30:36, 36:39] = True, True
    tail = np.zeros((H, W), bool)
    tail[10:20, 50:60] = True
    tail[range(20, 38), np.clip(range(59, 77), 0, W - 1)] = True  # a pixel wide, at its corners
    tail[0, 69] = True
    return {"hole": ring, "parts": parts, "tail": tail}


def animal(name: str, mask: np.ndarray, species=("dog", 0.9)) -> Segmented:
    logits = np.where(mask, 3.0, -3.0).astype(np.float32)
    return Segmented(name, (Click(1, 2),), logits, 0.875, species, (0.0, 0.0, 9.0, 9.0))


def animals() -> list[Segmented]:
    return [animal(name, mask) for name, mask in shapes().items()]


def labelme_mask(shape: dict) -> np.ndarray:
    """As labelme's ``shapes_to_label`` (6.3.1) fills it: its last row and column count."""
    (x0, y0), (x1, y1) = np.array(shape["points"]).astype(int)
    inside = np.asarray(Image.open(io.BytesIO(base64.b64decode(shape["mask"])))).astype(bool)
    mask = np.zeros((H, W), bool)
    mask[y0 : y1 + 1, x0 : x1 + 1] = inside
    return mask


def test_coco_comes_back_in_cocos_own_reader_and_in_ours(tmp_path: Path, capsys):
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(coco_file([("a.jpg", animals()), ("b.jpg", animals()[:1])])))
    coco, ours = COCO(str(file)), read_instances(file)
    assert [one["file_name"] for one in coco.loadImgs([1, 2])] == ["a.jpg", "b.jpg"]
    assert coco.getImgIds(catIds=coco.getCatIds(["dog"])) == [1, 2]
    for one, read, mask in zip(
        coco.imgToAnns[1], ours[0].instances, shapes().values(), strict=True
    ):
        assert np.array_equal(coco.annToMask(one), mask) and np.array_equal(read.mask(), mask)
        x, y, width, height = one["bbox"]
        assert mask[y : y + height, x : x + width].sum() == mask.sum() == one["area"]
        assert (one["iscrowd"], one["score"], read.category) == (0, 0.875, "dog")
        assert all(isinstance(side, int) for side in one["bbox"])


def test_labelme_comes_back():
    found = json.loads(json.dumps(labelme_file("a.jpg", animals())))
    assert (found["imagePath"], found["imageHeight"], found["imageWidth"]) == ("a.jpg", H, W)
    for one, (name, mask) in zip(found["shapes"], shapes().items(), strict=True):
        assert (one["label"], one["description"], one["shape_type"]) == ("dog", name, "mask")
        assert np.array_equal(labelme_mask(one), mask)


def test_labels_and_cutout_are_the_masks():
    labels, image = label_map(animals()), np.full((H, W, 3), 77, np.uint8)
    opaque = np.asarray(cutout(image, animals()))
    assert (opaque[..., :3] == 77).all()
    assert np.array_equal(opaque[..., 3] >= 128, labels > 0)
    for number, mask in enumerate(shapes().values(), 1):
        assert np.array_equal(labels == number, mask)


def test_a_cutouts_outline_is_soft_and_far_from_it_nothing_shines_through():
    logits = np.array([[-9, -3, -1, -1e-6, 0, 1e-6, 1, 3, 9]], np.float32)
    soft = alpha(logits)[0].tolist()
    assert soft == sorted(soft) and soft[:2] == [0, 0] and soft[-2:] == [255, 255]
    assert 40 < soft[2] < 127 == soft[3] == soft[4] and soft[5] == 128 < soft[6] < 220


@pytest.mark.parametrize("name", ["hole", "parts", "tail"])
def test_polygons_lose_holes_and_say_so(name: str):
    mask = shapes()[name]
    filled = polygons_mask(outlines(mask), H, W)
    hole = lost(mask)
    assert not (mask & ~filled).any() and (filled ^ mask).sum() == hole
    assert (hole > 0) == (name == "hole")
    assert len(outlines(mask)) == {"hole": 1, "parts": 2, "tail": 2}[name]


def test_no_pixel_is_given_twice_and_the_surer_one_gets_it():
    a, b = np.array([[2.0, 1, -1, 3]]), np.array([[1.0, 4, -2, 3]])
    one, two = apart([a, b])
    assert one.tolist() == [[2, -1, -1, 3]] and two.tolist() == [[-1, 4, -2, -3]]
    assert apart([a])[0] is a


def test_packed_logits_keep_every_side():
    logits = np.array([[-99, -0.01, 0, 1e-9, 0.01, 1, 99]], np.float32)
    assert packed(logits).tolist() == [[-127, 0, 0, 1, 1, STEPS, 127]]


def test_a_file_of_each_form():
    image = np.full((H, W, 3), 9, np.uint8)
    worked = [(Photo("Tom & Rex.jpg", image), animals()), (Photo("tom rex.png", image), animals())]
    contents = {form: file_of(form, worked[0][0], worked) for form in FORMS}
    assert {form: name for form, (name, _, _) in contents.items()} == {
        "mask": "mask_tom_rex.png",
        "labels": "labels_tom_rex.png",
        "cutout": "cutout_tom_rex.png",
        "labelme": "tom_rex.json",
        "coco": "instances.json",
        "zip": "masks.zip",
    }
    mask = np.asarray(Image.open(io.BytesIO(contents["mask"][2])))
    assert np.array_equal(mask, label_map(animals()) > 0)
    with zipfile.ZipFile(io.BytesIO(contents["zip"][2])) as bundle:
        names = bundle.namelist()
        assert len(names) == len(set(names)) == 1 + 2 * 4 and "labels_tom_rex_.png" in names
        assert len(json.loads(bundle.read("instances.json"))["annotations"]) == 6
    for form, given in (("gif", worked), ("mask", worked[1:]), ("coco", [])):
        with pytest.raises(UserError, match="no form is called|no mask yet"):
            file_of(form, worked[0][0], given)
    assert stem_of("IMG_1.final.JPG") == "img_1_final"
