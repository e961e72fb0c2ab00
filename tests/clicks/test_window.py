"""Windows: round what was clicked, within the photo, the same for the same clicks."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.clicks.window import MARGIN, WIDEST, View, clicked_box, window

SHAPE = (300, 400)


def masked(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros((64, 64), bool)
    mask[top : top + height, left : left + width] = True
    return mask


def one(x: float, y: float) -> tuple[np.ndarray, np.ndarray]:
    return np.array([[x, y]]), np.array([1])


def test_a_window_holds_the_mask_with_a_margin():
    mask = masked(16, 16, 16, 16)  # 75 to 150 down, 100 to 200 across
    view = window(mask, *one(150, 110), SHAPE)
    assert view.left < 100 and view.right > 200 and view.top < 75 and view.bottom > 150
    assert MARGIN * 100 <= max(view.size) <= MARGIN * 100 * 2**0.25 + 1


def test_a_view_knows_where_its_square_lies_in_the_photo():
    view = View(100, 50, 300, 150)
    points = np.array([[100, 50], [299, 149], [180, 77]])
    places, _ = view.on_square(points, 400)
    assert np.array_equal(view.in_photo(places, 400), points)


def test_the_whole_photo_is_no_window():
    assert window(masked(0, 0, 60, 60), *one(150, 110), SHAPE) is None
    assert window(masked(16, 16, 16, 16), np.empty((0, 2)), np.empty(0, int), SHAPE) is None
    assert window(masked(16, 16, 16, 16), np.array([[150, 110]]), np.array([0]), SHAPE) is None


def test_a_window_stands_while_little_changes():
    mask = masked(16, 16, 16, 16)
    assert window(mask, *one(150, 110), SHAPE) == window(mask, *one(120, 140), SHAPE)


def test_regions_that_nobody_clicked_do_not_widen_it():
    mask = masked(16, 16, 16, 16) | masked(50, 50, 3, 3)
    wanted = np.array([[150.0, 110.0]])
    assert clicked_box(mask, wanted, SHAPE) == (100, 75, 200, 150)
    twin = masked(16, 16, 16, 16) | masked(40, 40, 16, 16)
    assert clicked_box(twin, wanted, SHAPE) == (100, 75, 350, 262.5)
    assert clicked_box(mask, np.array([[0.0, 0.0]]), SHAPE) is None


@settings(max_examples=100, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    height=st.integers(1, 500),
    width=st.integers(1, 500),
    count=st.integers(1, 6),
)
def test_windows_lie_in_the_photo_and_hold_every_positive_click(seed, height, width, count):
    rng = np.random.default_rng(seed)
    points = rng.uniform(0, 1, (count, 2)) * [width, height]
    labels = rng.integers(2, size=count)
    mask = rng.random((16, 16)) < rng.random()
    view = window(mask, points, labels, (height, width))
    if view is None:
        return
    assert 0 <= view.left < view.right <= width and 0 <= view.top < view.bottom <= height
    assert max(view.size) <= WIDEST * max(height, width) + 1
    _, inside = view.on_square(points, 32)
    assert inside[labels == 1].all()


@pytest.mark.parametrize("point", [(10, 20), (10.9, 20.9)])
def test_points_of_a_view(point):
    view = View(10, 20, 42, 36)
    places, inside = view.on_square(np.array([point, (9.9, 20), (42, 30)]), 64)
    assert inside.tolist() == [True, False, False]
    assert places[0].tolist() == [0.5, 1.5]
