"""Predictors: one contract for all kinds, on networks known by heart."""

import numpy as np
import pytest
from segment_anything import SamPredictor

from common.clicks.predictor import Predictor
from common.clicks.sam import SamAdapter
from common.config import UserError
from tests.clicks.known import S, photo, prompted_predictor, region_predictor
from tests.clicks.test_sam import tiny_sam
from tests.devices import NothingDouble

KINDS = {
    "regions": region_predictor,
    "clicks": prompted_predictor,
    "sam": lambda: SamAdapter(SamPredictor(tiny_sam())),
}


@pytest.fixture(params=KINDS)
def predictor(request) -> Predictor:
    return KINDS[request.param]()


@pytest.mark.parametrize("size", [(20, 30), (1, 1), (1, 200), (200, 1), (90, 41)])
def test_shapes_and_types(predictor: Predictor, size: tuple[int, int]):
    with NothingDouble():
        predictor.set_image(photo(*size))
        predictor.predict([[0, 0]], [1])
        assert predictor.refine().shape == size
    for coords, labels in ((None, None), ([], []), ([[0, 0]], [1]), ([[0, 0], [0, 0]], [1, 0])):
        masks, scores, coarse = predictor.predict(coords, labels)
        assert masks.shape == (1, *size) and masks.dtype == bool
        assert scores.shape == (1,) and scores.dtype == np.float32 and 0 <= scores[0] <= 1
        assert coarse.ndim == 3 and len(coarse) == 1 and coarse.dtype == np.float32
        logits, again, _ = predictor.predict(coords, labels, return_logits=True)
        assert logits.dtype == np.float32
        assert np.array_equal(logits > 0, masks) and np.array_equal(again, scores)
        passed_back, _, _ = predictor.predict(coords, labels, mask_input=coarse)
        assert passed_back.shape == masks.shape


def test_only_sam_has_several_answers(predictor: Predictor):
    predictor.set_image(photo())
    masks, scores, coarse = predictor.predict([[3, 4]], [1], multimask_output=True)
    count = 3 if isinstance(predictor, SamAdapter) else 1
    assert len(masks) == len(scores) == len(coarse) == count


def test_without_a_photo(predictor: Predictor):
    assert not predictor.is_image_set and predictor.species is None
    with pytest.raises(UserError, match="no photo is set; call set_image first"):
        predictor.predict([[3, 4]], [1])
    predictor.set_image(photo())
    assert predictor.is_image_set
    predictor.predict()
    predictor.reset_image()
    assert not predictor.is_image_set and predictor.species is None
    with pytest.raises(UserError, match="no photo is set"):
        predictor.predict()


@pytest.mark.parametrize(
    ("coords", "labels", "message"),
    [
        ([[30, 4]], [1], "point .30, 4. is not in the photo, which is 30 pixels wide and 20 high"),
        ([[3, 4], [-1, 4]], [1, 0], "point .-1, 4. is not in"),
        ([[3, 20]], [0], "point .3, 20. is not in"),
        ([[np.nan, 4]], [1], "point .nan, 4. is not in"),
        ([[np.inf, 4]], [1], "point .inf, 4. is not in"),
        ([[3, 4]], [7], "label 7"),
        ([[3, 4]], [-1], "label -1 is neither 1 .the pet. nor 0"),
        ([[3, 4]], [np.nan], "label nan"),
        ([[3, 4]], ["pet"], "labels 1 or 0"),
        ([["left", 4]], [1], "points must be numbers"),
        ([[3, 4]], [1, 0], "a label for each click"),
        ([[3, 4]], None, "belong together"),
        (None, [1], "belong together"),
        ([3, 4], [1], "shape"),
    ],
)
def test_bad_points_are_named_and_it_goes_on(predictor: Predictor, coords, labels, message: str):
    predictor.set_image(photo())
    with pytest.raises(UserError, match=message):
        predictor.predict(coords, labels)
    assert predictor.predict([[3, 4]], [1])[0].shape == (1, 20, 30)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((4, 4)),
        np.zeros((4, 4, 3)),
        np.zeros((4, 4, 4), "u1"),
        np.zeros((0, 4, 3), "u1"),
        "x",
    ],
)
def test_a_bad_photo_leaves_the_one_before(predictor: Predictor, bad):
    predictor.set_image(photo())
    with pytest.raises(UserError, match=r"a photo is \(H, W, 3\) uint8, not"):
        predictor.set_image(bad)
    with pytest.raises(UserError, match="image_format 'RGBA' is unknown"):
        predictor.set_image(photo(), "RGBA")
    assert predictor.predict()[0].shape == (1, 20, 30)


@pytest.mark.parametrize(
    "bad", [np.zeros((8, 8)), np.zeros((2, 8, 8)), np.full((1, 8, 8), np.nan)]
)
def test_a_bad_mask_input_is_named(predictor: Predictor, bad: np.ndarray):
    predictor.set_image(photo())
    with pytest.raises(UserError, match="mask_input must be logits"):
        predictor.predict([[3, 4]], [1], mask_input=bad)


def test_bgr_is_rgb_read_backwards():
    image = photo(S, S)
    rgb, bgr = region_predictor(), region_predictor()
    rgb.set_image(image)
    bgr.set_image(image[..., ::-1], "BGR")
    assert np.array_equal(rgb.predict(return_logits=True)[0], bgr.predict(return_logits=True)[0])
