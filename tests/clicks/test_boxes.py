"""A box as a prompt: what it stands for, nothing kept beyond it, and clicks that mend it."""

import numpy as np
import pytest

from common.clicks.boxes import (
    BESIDE,
    WITHIN,
    box_clicks,
    grown,
    leaves,
    only_inside,
    unless_denied,
)
from common.clicks.checks import check_box
from common.clicks.predictor import Predictor
from common.clicks.robot import replies
from common.config import UserError
from tests.clicks.known import photo, prompted_predictor
from tests.clicks.test_predictor import KINDS

BOX = (20.0, 10.0, 60.0, 50.0)


@pytest.mark.parametrize(
    ("box", "message"),
    [
        ((1, 2, 3), "four numbers"),
        ("abcd", "four numbers"),
        ((1, 2, np.nan, 4), "four numbers"),
        ((9, 9, 5, 20), "holds no pixel"),
        ((200, 0, 300, 9), "which is 100 pixels wide and 60 high"),
    ],
)
def test_what_is_no_box_is_named(box, message: str):
    with pytest.raises(UserError, match=message):
        check_box(box, (60, 100))


def test_a_box_is_cut_to_the_photo_and_grows_a_little():
    assert check_box(np.array([-5, 10, 40, 900]), (60, 100)) == (0, 10, 40, 60)
    assert grown((10, 10, 60, 30), (60, 100), 0.1) == (5, 8, 65, 32)
    assert grown((0, 0, 100, 60), (60, 100)) == (0, 0, 100, 60)


def test_a_box_stands_for_clicks_inside_and_at_its_corners():
    points, labels = box_clicks(BOX, (60, 100))
    assert labels.tolist() == [0] * len(BESIDE) + [1] * len(WITHIN)
    inside = ((points >= BOX[:2]) & (points < BOX[2:])).all(1)
    assert (inside == (labels == 1)).all() and points[4].tolist() == [40, 30]
    assert box_clicks((0, 0, 100, 60), (60, 100))[1].tolist() == [1] * len(WITHIN)


def test_a_click_that_says_otherwise_takes_the_boxs_own_away():
    hints = box_clicks(BOX, (60, 100))
    points, labels = unless_denied(BOX, hints, (np.array([[41.0, 30]]), np.array([0])))
    assert len(points) == 9 and not ((points == [40, 30]).all(1) & (labels == 1)).any()
    assert points[-1].tolist() == [41, 30] and labels[-1] == 0
    assert len(unless_denied(BOX, hints, (np.array([[41.0, 30]]), np.array([1])))[0]) == 10
    assert leaves(BOX, np.array([[80, 30]]), np.array([1]), (60, 100))
    assert not leaves(BOX, np.array([[80, 30]]), np.array([0]), (60, 100))


def test_nothing_is_kept_beyond_a_box():
    kept = only_inside(np.ones((60, 100), np.float32), BOX) > 0
    view = grown(BOX, (60, 100))
    assert kept.sum() == np.prod(view.size) and kept[view.top, view.left]


@pytest.mark.parametrize("kind", KINDS)
def test_every_predictor_takes_a_box_and_obeys_the_clicks_after_it(kind: str):
    predictor: Predictor = KINDS[kind]()
    predictor.set_image(photo(60, 100))
    area = np.zeros((60, 100), bool)
    view = grown(BOX, area.shape)
    area[view.top : view.bottom, view.left : view.right] = True
    masks, scores, coarse = predictor.predict(box=np.array(BOX))
    assert masks.shape == (1, 60, 100) and scores.shape == (1,) and not masks[0][~area].any()
    assert not (predictor.refine() > 0)[~area].any()
    for label in (0, 1):
        masks, *_ = predictor.predict([[30, 40]], [label], BOX, coarse)
        assert masks[0][40, 30] == bool(label) and not masks[0][~area].any()


def test_a_click_beyond_a_box_says_that_it_was_drawn_too_small():
    predictor = prompted_predictor(size=64)
    predictor.set_image(photo(60, 100))
    masks, *_ = predictor.predict([[90, 30]], [1], BOX)
    assert masks[0][30, 90] and masks[0][30, 40], "and what the box gave stays"


def test_the_robot_mends_what_a_box_gives():
    predictor = prompted_predictor(size=64)
    predictor.set_image(photo(60, 100))
    truth = np.zeros((60, 100), np.uint8)
    truth[10:50, 20:60] = 1
    first, second = list(replies(predictor, truth, clicks=1, box=BOX))
    assert first.clicks == () and first.mask[30, 40], "the box alone"
    assert len(second.clicks) == 1 and second.mask[30, 40]
