"""Clicks, undo and redo, checked points, the robot user and random clicks, without a browser."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from common.clicks.checks import check_points
from common.clicks.prompts import Click, Clicker, pet_truth, to_rows_columns
from common.config import UserError

masks = arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9)))


# The list of clicks


def test_undo_and_redo_by_hand():
    a, b = Click(1, 2), Click(3.5, 4, positive=False)
    clicker = Clicker()
    clicker.add(a)
    clicker.add(b)
    assert clicker.clicks == (a, b)
    clicker.undo()
    assert clicker.clicks == (a,) and clicker.can_undo and clicker.can_redo
    clicker.redo()
    clicker.clear()
    assert clicker.clicks == () and clicker.can_undo
    clicker.undo()
    assert clicker.clicks == (a, b)
    clicker.undo()
    clicker.add(b)
    assert clicker.clicks == (a, b) and not clicker.can_redo


def test_clicks_as_arrays():
    clicker = Clicker()
    assert clicker.coords().shape == (0, 2) and clicker.labels().shape == (0,)
    clicker.add(Click(7, 2))
    clicker.add(Click(0.5, 9, positive=False))
    assert clicker.coords().tolist() == [[7, 2], [0.5, 9]]
    assert clicker.labels().tolist() == [1, 0]
    assert (clicker.coords().dtype, clicker.labels().dtype) == (np.float32, np.int64)


@settings(max_examples=60, deadline=None)
@given(orders=st.lists(st.sampled_from(["add", "undo", "redo", "clear"]), max_size=30))
def test_any_orders_against_two_stacks(orders: list[str]):
    clicker, now, done, undone = Clicker(), [], [], []
    for number, order in enumerate(orders):
        if order == "add" or (order == "clear" and now):
            done, undone = [*done, now], []
            now = [*now, Click(number, 0)] if order == "add" else []
        elif order == "undo" and done:
            *done, before = done
            undone, now = [*undone, now], before
        elif order == "redo" and undone:
            *undone, after = undone
            done, now = [*done, now], after
        if order == "add":
            clicker.add(Click(number, 0))
        else:
            getattr(clicker, order)()
        assert clicker.clicks == tuple(now)
        assert (clicker.can_undo, clicker.can_redo) == (bool(done), bool(undone))


# Points


def test_points_inside_a_photo():
    points, labels = check_points([[0, 0], [99.5, 79.99]], [1, 0.0], (80, 100))
    assert points.tolist() == [[0, 0], [99.5, np.float32(79.99)]] and labels.tolist() == [1, 0]
    assert (points.dtype, labels.dtype) == (np.float32, np.int64)
    for none in ([], np.zeros((0, 2))):
        points, labels = check_points(none, [], (80, 100))
        assert points.shape == (0, 2) and labels.shape == (0,)


def test_single_precision_does_not_round_a_point_out_of_the_photo():
    points, _ = check_points([[100 - 1e-12, 80 - 1e-12]], [True], (80, 100))
    rows, columns = to_rows_columns(points)
    assert (rows[0], columns[0]) == (79, 99)


@pytest.mark.parametrize(
    ("coords", "labels", "message"),
    [
        ([[100, 0]], [1], r"\(100, 0\) is not in the photo, which is 100 pixels wide and 80 high"),
        ([[5, 5], [20, 90]], [1, 1], r"point \(20, 90\) is not in"),
        ([[-0.1, 5]], [1], r"point \(-0\.1, 5\) is not in"),
        ([[np.nan, 5]], [1], r"point \(nan, 5\) is not in"),
        ([[5, np.inf]], [1], r"point \(5, inf\) is not in"),
        ([[5, 5]], [2], "label 2 is neither 1"),
        ([[5, 5]], [-1], "label -1 is neither"),
        ([[5, 5]], [np.nan], "label nan is neither"),
        ([[5, 5]], [0.5], r"label 0\.5 is neither"),
        ([5, 5], [1], r"shape \(M, 2\)"),
        ([[5, 5, 5]], [1], r"not \(1, 3\)"),
        ([[5, 5]], [1, 1], r"\(M,\), not \(1, 2\) and \(2,\)"),
        ([[5, 5]], 1, "shape"),
        ([["here", 5]], [1], "must be numbers"),
        ([[5, 5], [5]], [1, 1], "must be numbers"),
        ([[None, {}]], [1], "must be numbers"),
    ],
)
def test_points_that_will_not_do(coords, labels, message: str):
    with pytest.raises(UserError, match=message) as caught:
        check_points(coords, labels, (80, 100))
    assert "\n" not in str(caught.value)


@settings(max_examples=60, deadline=None)
@given(
    coords=arrays(np.float64, (1, 2), elements=st.floats(allow_nan=True, allow_infinity=True)),
    height=st.integers(1, 5000),
    width=st.integers(1, 5000),
)
def test_what_passes_is_a_pixel(coords: np.ndarray, height: int, width: int):
    try:
        points, _ = check_points(coords, [1], (height, width))
    except UserError:
        (x, y), *_ = coords
        assert not (0 <= x < width and 0 <= y < height)
    else:
        rows, columns = to_rows_columns(points)
        np.zeros((height, width))[rows, columns]


def test_x_is_the_column_and_y_the_row():
    rows, columns = to_rows_columns(np.array([[3.9, 0.2], [7, 5]]))
    assert rows.tolist() == [0, 5] and columns.tolist() == [3, 7]
    picture = np.arange(60).reshape(6, 10)
    assert picture[to_rows_columns([[9, 1]])] == 19
    assert [len(part) for part in to_rows_columns(np.zeros((0, 2)))] == [0, 0]


def test_truth_of_the_pet():
    truth = pet_truth(np.array([[0, 1, 2, 255]], np.uint8))
    assert truth.tolist() == [[0, 1, 1, 255]] and truth.dtype == np.uint8
