"""The curve of one's own photos: who is held out, and what a training gains on the same photos."""

import json

import numpy as np
import pandas as pd
import pytest

from common.config import UserError
from common.studies import own_curve
from tests.data.test_own import annotated

NAMES = [f"{number}.jpg" for number in range(140)]


def test_the_same_photos_are_held_out_and_more_hold_the_fewer():
    few, held = own_curve.split(NAMES, 10, 1)
    many, same = own_curve.split(reversed(NAMES), 50, 1)
    assert held == same and len(held) == own_curve.HELD
    assert few == many[:10] and not {*many} & {*held}
    assert own_curve.split(NAMES, 10, 2)[0] != few
    with pytest.raises(UserError, match="only 60 are not held out"):
        own_curve.split(NAMES, 61, 0)


def test_a_part_of_a_file_holds_its_photos_alone(tmp_path):
    part = own_curve.part_of(annotated(tmp_path), ["1.png", "4.png"], tmp_path / "part.json")
    data = json.loads(part.read_text())
    assert [image["file_name"] for image in data["images"]] == ["1.png", "4.png"]
    assert {one["image_id"] for one in data["annotations"]} == {1, 4}


def test_gains_are_differences_on_the_same_photos():
    about = {"draw": 0, "home": False}
    rows = [
        {**about, "photos": photos, "image": image, "iou_at_1": iou, "iou_at_3": 1.0}
        for photos, ious in ((0, (0.5, 0.7)), (10, (0.6, 0.8)))
        for image, iou in zip("ab", ious, strict=True)
    ]
    found = own_curve.gains(pd.DataFrame(rows)).set_index("photos")
    assert found["value"].tolist() == pytest.approx([0.6, 0.7])
    gap = found.loc[10, ["difference", "difference_low", "difference_high"]].astype(float)
    assert np.allclose(gap, 0.1) and found.at[0, "difference"] == 0
