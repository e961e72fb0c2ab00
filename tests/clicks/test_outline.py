"""Tiles along an outline: which there are, what they are told, how their answers are blended."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from common.clicks.outline import REACH, both_sides, followed, hat, tiles
from common.clicks.window import View, part

DISC = np.hypot(*(np.mgrid[:80, :120] - [[[40]], [[50]]])) < 25
WHOLE = View(0, 0, 120, 80)


def test_every_pixel_of_the_outline_lies_in_a_tile_and_far_ones_need_none():
    near = np.zeros_like(DISC)
    for view in tiles(DISC, WHOLE):
        part(near, view)[:] = True
    rim = DISC & ~(np.roll(DISC, 1, 0) & np.roll(DISC, 1, 1))
    assert near[rim].all()
    assert not list(tiles(np.ones_like(DISC), WHOLE)) + list(tiles(~np.ones_like(DISC), WHOLE))


@given(st.integers(0, 40), st.integers(0, 60), st.integers(4, 40), st.integers(4, 60))
def test_tiles_lie_in_their_window(top, left, height, width):
    window = View(left, top, left + width, top + height)
    for view in tiles(DISC, window):
        assert window.left <= view.left < view.right <= window.right
        assert window.top <= view.top < view.bottom <= window.bottom


def test_a_tile_is_told_where_the_mask_is_deepest_and_where_the_ground():
    points, labels = both_sides(DISC, View(40, 10, 120, 70))
    (x, y), (far_x, _) = points
    assert labels.tolist() == [1, 0] and DISC[int(y), int(x)]
    assert far_x > 75 and abs(y - 40) <= 1


def test_the_tiles_move_the_outline_and_nothing_far_from_it():
    """A disc a pixel larger is followed; tiles that see an animal everywhere move it by a few."""
    logits = np.where(DISC, 3.0, -3.0).astype(np.float32)
    from_centre = np.hypot(*(np.mgrid[:80, :120] - [[[40]], [[50]]]))
    larger = from_centre < 26
    fine = followed(logits, WHOLE, lambda view, points, labels: part(2.0 * larger - 1, view))
    assert ((fine > 0) == larger).all()
    wild = followed(logits, WHOLE, lambda view, points, labels: np.full(view.size, 9.0))
    assert from_centre[wild > 0].max() < 25 + 3 * REACH * 120
    assert (followed(logits - 9, WHOLE, None) == logits - 9).all()  # nothing there, nobody asked


def test_weights_fall_towards_the_rim():
    assert hat(4).tolist() == [0.25, 0.75, 0.75, 0.25] and (hat(7) > 0).all()
