"""Clicks on one animal among several: the counts by hand, the groups, the command."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.checkpoint import Card, save_checkpoint
from common.config import UserError
from common.data.coco import encode_rle
from common.evaluate_clicks import main
from common.models import MODELS, Spec
from common.scoring.instances import click_on_instances, instance_scores, truth_of
from tests.clicks.known import Clicky

EDGE = 64
SQUARES = [(4, 4, 24), (36, 36, 24), (0, 60, 2)]  # left, top, edge; the last one is too small


def square(left: int, top: int, edge: int) -> np.ndarray:
    mask = np.zeros((EDGE, EDGE), bool)
    mask[top : top + edge, left : left + edge] = True
    return mask


class Square:
    """Answers the square under the first click, without a click nothing; a cat, it says."""

    species = ("cat", 0.9)

    def set_image(self, image: np.ndarray) -> None:
        assert image.shape[2] == 3

    def predict(self, coords, labels, box=None, mask_input=None, **_):
        mask = np.zeros((EDGE, EDGE), bool)
        for one in (square(*s) for s in SQUARES):
            if len(coords) and one[int(coords[0][1]), int(coords[0][0])]:
                mask = one
        self.by_network = mask
        return mask[None], np.array([0.5]), np.zeros((1, 4, 4), np.float32)

    def refine(self):
        return self.by_network - 0.5


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Two photos: two squares and a speck; one square in run lengths."""
    for name in ("a.png", "b.png"):
        Image.new("RGB", (EDGE, EDGE)).save(tmp_path / name)
    sizes = {"height": EDGE, "width": EDGE}
    boxes = [[x, y, x + e, y, x + e, y + e, x, y + e] for x, y, e in SQUARES]
    found = [
        {"id": i, "image_id": 1, "category_id": 1, "segmentation": [box]}
        for i, box in enumerate(boxes, 1)
    ]
    rle = encode_rle(square(*SQUARES[0]))
    found.append({"id": 9, "image_id": 2, "category_id": 1, "segmentation": rle})
    data = {
        "images": [
            {"id": 1, "file_name": "a.png", **sizes},
            {"id": 2, "file_name": "b.png", **sizes},
        ],
        "annotations": found,
        "categories": [{"id": 1, "name": "cat"}],
    }
    (tmp_path / "instances.json").write_text(json.dumps(data))
    return tmp_path


def test_a_band_of_two_pixels_is_border():
    truth = truth_of(square(4, 4, 24))
    assert (truth == 1).sum() == 20 * 20
    assert (truth == 255).sum() == 28 * 28 - 20 * 20 - 4 * 3  # the corners are rounded
    assert truth_of(np.ones((3, 3), bool)).tolist() == [[1] * 3] * 3


def test_every_large_animal_is_clicked_on(photos: Path):
    table = click_on_instances(Square(), photos / "instances.json", photos, clicks=2)
    assert table["image"].unique().tolist() == ["a.png#1", "a.png#2", "b.png#9"]
    scores = instance_scores(table)
    assert (scores["n"], scores["n_single"], scores["n_several"], scores["n_small"]) == (
        3,
        1,
        2,
        0,
    )
    assert scores["iou_at_0"] == 0 and scores["iou_at_1"] == scores["iou_at_2_several"] == 1
    assert scores["noc95"] == 1 and scores["nof85"] == 0
    assert scores["obeyed"] == scores["obeyed_by_network"] == scores["species"] == 1
    assert scores["edge_median_iou"] == 1 and scores["edge_wrong"] == 0
    assert "spread_single" not in scores


def test_one_animal_a_photo_and_several_draws(photos: Path):
    how = {"per_photo": 1, "clicks": 1, "first": "random", "draws": 4}
    table = click_on_instances(Square(), photos / "instances.json", photos, **how)
    assert len(table) == 2 * 4 * 2
    scores = instance_scores(table)
    assert scores["n"] == 2 and scores["spread_single"] == scores["spread_several"] == 0


def test_what_cannot_be_scored_is_named(photos: Path):
    with pytest.raises(UserError, match="no annotation covers 0.9"):
        click_on_instances(Square(), photos / "instances.json", photos, min_area=0.9)
    Image.new("RGB", (EDGE, 9)).save(photos / "a.png")
    with pytest.raises(UserError, match="annotate the photos as they are"):
        click_on_instances(Square(), photos / "instances.json", photos)


def test_the_command_ends_with_a_json_line(photos: Path, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setitem(MODELS, "clicky", Spec(Clicky))
    save_checkpoint(tmp_path / "clicky", Clicky(), Card("clicky", size=32))
    where = ["--coco", str(photos / "instances.json"), "--images", str(photos)]
    assert main(["--model", str(tmp_path / "clicky.json"), *where, "--clicks", "2"]) == 0
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["model"] == "clicky" and line["n"] == 3 and line["iou_at_2_small"] is None
    assert set(line) >= {"nof85", "noc85", "obeyed", "obeyed_by_network", "edge_wrong"}
    assert main(["--model", str(tmp_path / "clicky.json"), *where[:2]]) == 2
    assert "belong together" in capsys.readouterr().err
