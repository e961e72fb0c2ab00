"""COCO files: run lengths there and back, polygons by hand, what is read and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from common.config import UserError
from common.data.coco import (
    bounding_box,
    decode_rle,
    encode_rle,
    polygons_mask,
    read_instances,
    run_lengths,
)


@settings(max_examples=60, deadline=None)
@given(mask=arrays(bool, st.tuples(st.integers(1, 40), st.integers(1, 40))))
def test_run_lengths_are_the_mask_again(mask: np.ndarray):
    rle = json.loads(json.dumps(encode_rle(mask)))
    assert np.array_equal(decode_rle(rle), mask)
    assert np.array_equal(
        decode_rle({"size": list(mask.shape), "counts": run_lengths(mask)}), mask
    )


@pytest.mark.parametrize(
    ("counts", "text"),  # as pycocotools 2.0 writes them
    [
        ([6], "6"),
        ([0, 6], "06"),
        ([2, 3, 1], "231"),
        ([4, 1, 4], "414"),
        ([100, 50, 75], "T3b1[2"),
    ],
)
def test_compressed_as_cocos_own(counts: list[int], text: str):
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    assert encode_rle(flat[:, None])["counts"] == text


@pytest.mark.parametrize(
    "rle",
    [
        {"size": [2, 3], "counts": [5]},
        {"size": [2, 3], "counts": [7, -1]},
        {"size": [2], "counts": [2]},
        {"size": [0, 0], "counts": [0]},
        {"size": [10**5, 10**5], "counts": [10**10]},
        {"counts": "06"},
        {"size": [2, 3], "counts": "é"},
    ],
)
def test_damaged_run_lengths_are_refused(rle: dict):
    with pytest.raises(UserError, match="damaged run lengths"):
        decode_rle(rle)


def test_a_polygon_holds_the_centres_of_its_pixels():
    mask = polygons_mask([[1, 1, 3, 1, 3, 4, 1, 4], [4, 0, 5, 0, 5, 1, 4, 1]], 5, 6)
    expected = np.zeros((5, 6), bool)
    expected[1:4, 1:3] = expected[0, 4] = True
    assert np.array_equal(mask, expected)
    assert bounding_box(expected[1:]) == [1, 0, 2, 3]
    assert bounding_box(~expected & expected) == [0, 0, 0, 0]


def coco(**changes) -> dict:
    square = [[0, 0, 4, 0, 4, 4, 0, 4]]
    one = {"id": 7, "image_id": 1, "category_id": 3, "segmentation": square, "iscrowd": 0}
    photo = {"id": 1, "file_name": "a.png", "height": 8, "width": 8}
    crowd = {**one, "id": 8, "iscrowd": 1}
    return {
        "images": [photo, {**photo, "id": 2, "file_name": "b.png"}],
        "annotations": [one, crowd],
        "categories": [{"id": 3, "name": "cat"}],
        **changes,
    }


def test_a_file_is_read_without_its_crowds(tmp_path: Path):
    file = tmp_path / "instances.json"
    file.write_text(json.dumps(coco()))
    first, second = read_instances(file)
    assert (first.name, len(first.instances), second.instances) == ("a.png", 1, ())
    assert (first.instances[0].id, first.instances[0].category) == (7, "cat")
    assert first.instances[0].mask().sum() == 16
    with pytest.raises(UserError, match="cannot be read"):
        read_instances(tmp_path / "none.json")
