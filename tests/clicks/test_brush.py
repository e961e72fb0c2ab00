"""Strokes by hand: their pixels, what stays of them, and which click takes them away."""

import numpy as np
import pytest
import torch

from common.checkpoint import Card
from common.clicks.brush import SURE, middles, painted, standing, strokes_mask
from common.clicks.predictor import PromptedPredictor
from common.clicks.prompts import Click, Clicker, Given, Pointed, Stroke
from common.data.geometry import unfit
from common.models.point.point_unet import PointUNet


def test_a_dot_is_a_disc_and_a_line_is_as_wide_as_its_brush():
    dot = strokes_mask([Stroke(((20.5, 15.5),), 6)], (30, 40))
    rows, columns = np.mgrid[:30, :40]
    far = np.hypot(columns - 20, rows - 15)
    assert dot[far < 5.4].all() and not dot[far > 6.6].any()
    line = strokes_mask([Stroke(((10.5, 15.5), (30.5, 15.5)), 4)], (30, 40))
    assert line[15, 6:35].all() and line[:, 20].sum() == pytest.approx(9, abs=1)
    assert not line[:, :5].any() and not line[:9].any()


def test_what_is_painted_stays_and_the_newest_stroke_counts():
    logits = np.full((30, 40), -50, np.int8)
    plus, minus = Stroke(((10.0, 10.0),), 5), Stroke(((13.0, 10.0),), 3, positive=False)
    found = painted(logits, [plus, minus], ())
    assert found[10, 7] == SURE and found[10, 13] == -SURE and found[25, 30] == -50
    assert painted(logits, [minus, plus], ())[10, 13] == SURE
    assert painted(logits, (), ()) is logits


def test_only_a_later_click_that_says_otherwise_takes_a_region_away():
    logits = np.full((30, 40), -50, np.int8)
    near, far = Stroke(((10.0, 10.0),), 4, after=1), Stroke(((30.0, 20.0),), 4, after=1)
    no = Click(10, 10, positive=False)
    assert painted(logits, [near, far], [no])[10, 10] == SURE, "it was made before"
    found = painted(logits, [near, far], [Click(1, 1), no])
    assert found[10, 10] == -50 and found[20, 30] == SURE
    assert painted(logits, [near, far], [Click(1, 1), Click(10, 10)])[10, 10] == SURE


def test_a_model_is_told_of_the_newest_strokes_that_stand():
    strokes = [Stroke(((10.0 * at, 20.0),), 2, at != 6) for at in range(1, 9)]
    fixed = standing(strokes, [Click(70, 20, positive=False)], (40, 100))
    told = middles(strokes, fixed)
    assert [(one.x, one.positive) for one in told] == [(x, x != 60) for x in (30, 40, 50, 60, 80)]


def test_strokes_are_undone_and_cleared_like_clicks():
    clicker = Clicker()
    clicker.add(Click(1, 1))
    clicker.paint(Stroke(((3.0, 3.0),), 2))
    (stroke,) = clicker.now.strokes
    assert stroke.after == 1
    clicker.undo()
    assert not clicker.now.strokes and clicker.clicks
    clicker.redo()
    clicker.clear()
    assert clicker.now == Pointed()


def test_a_given_mask_stands_until_a_model_is_asked():
    given = Given(np.zeros((2, 2), np.int8), (Click(0, 0),))
    clicker = Clicker(given=given)
    assert clicker.now.stands
    clicker.add(Click(1, 1))
    assert not clicker.now.stands
    taken = Clicker()
    taken.take(Click(1, 1), given)
    assert taken.now.stands and taken.now.given.after == 1
    taken.move(0, Click(0, 1))
    assert taken.now.given is None


@pytest.mark.parametrize("fit", ["stretch", "pad"])
def test_a_mask_from_elsewhere_comes_back_where_it_was(fit):
    """As a model takes it: on its grid, whatever the photo's shape."""
    net = PointUNet(encoder="residual", widths=(8, 8, 8, 8))
    predictor = PromptedPredictor(net, Card("point_unet", size=64, fit=fit))
    logits = np.full((50, 100), -4, np.float32)
    logits[10:40, 20:90] = 4
    (coarse,) = predictor.mask_input(logits)
    square = np.kron(coarse, np.ones((2, 2), np.float32))
    back = unfit(torch.from_numpy(square)[None], 50, 100, fit)[0].numpy() > 0
    assert coarse.shape == (32, 32) and (back != (logits > 0)).mean() < 0.05
