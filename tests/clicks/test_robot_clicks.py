"""The robot user clicks where the mask is most wrong."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from common.clicks.prompts import Click, depth, next_click
from common.config import UserError
from tests.clicks.test_prompts import masks


@settings(max_examples=40, deadline=None)
@given(region=masks)
def test_depth_against_all_pairs(region: np.ndarray):
    """Squared distance to the nearest pixel outside, the ring beyond the photo being outside."""
    outside = np.argwhere(~np.pad(region, 1)) - 1
    for row, column in np.ndindex(region.shape):
        nearest = ((outside - (row, column)) ** 2).sum(1).min()
        assert depth(region)[row, column] == pytest.approx(np.sqrt(nearest))


def square(*corner: int, size: int, shape=(20, 30)) -> np.ndarray:
    region = np.zeros(shape, bool)
    region[corner[0] : corner[0] + size, corner[1] : corner[1] + size] = True
    return region


def test_the_first_click_is_the_centre_of_the_pet():
    pet = square(4, 10, size=9)
    assert next_click(np.zeros_like(pet), pet.astype(np.uint8)) == Click(14, 8)


def test_the_photos_edge_bounds_a_region():
    pet = square(0, 0, size=9)  # in the corner: without padding its corner would be deepest
    assert next_click(np.zeros_like(pet), pet.astype(np.uint8)) == Click(4, 4)


def test_the_deeper_error_is_clicked():
    missed, added = square(2, 2, size=5), square(10, 15, size=7)
    assert next_click(added, missed.astype(np.uint8)) == Click(18, 13, positive=False)
    assert next_click(missed, added.astype(np.uint8)) == Click(18, 13)
    assert next_click(square(2, 2, size=7), added.astype(np.uint8)) == Click(5, 5, False)  # a tie
    long = np.zeros((20, 30), bool)
    long[12] = True  # thirty pixels, but shallow
    assert next_click(long, missed.astype(np.uint8)) == Click(4, 4)


def test_of_several_deepest_the_uppermost_then_the_leftmost():
    pet = square(9, 3, size=5) | square(2, 20, size=5) | square(2, 10, size=5)
    assert next_click(np.zeros_like(pet), pet.astype(np.uint8)) == Click(12, 4)
    assert next_click(np.zeros((4, 4), bool), np.ones((4, 4), np.uint8)) == Click(1, 1)


def test_border_pixels_belong_to_no_error():
    truth = square(4, 4, size=9).astype(np.uint8)
    truth[4:13, 7] = 255  # splits the pet: what is right of it is wider
    assert next_click(np.zeros(truth.shape, bool), truth) == Click(10, 6)
    truth[truth == 1] = 255
    assert next_click(np.zeros(truth.shape, bool), truth) is None
    assert next_click(truth == 255, truth) is None


def test_nothing_wrong_no_click():
    pet = square(4, 4, size=9)
    assert next_click(pet, pet.astype(np.uint8)) is None
    assert next_click(np.zeros((1, 1), bool), np.ones((1, 1), np.uint8)) == Click(0, 0)
    with pytest.raises(UserError, match="do not fit"):
        next_click(pet[:-1], pet.astype(np.uint8))


def test_no_pixel_is_clicked_twice():
    pet = square(4, 10, size=5).astype(np.uint8)
    empty = np.zeros(pet.shape, bool)
    taken = [Click(12.7, 6.2)]  # in the centre's pixel
    assert next_click(empty, pet, taken) == Click(11, 5)
    nine = [Click(12 + dx, 6 + dy) for dx in (-1, 0, 1) for dy in (-1, 0, 1)]
    assert next_click(empty, pet, nine) == Click(10, 4)
    assert next_click(np.ones((1, 2), bool), np.zeros((1, 2), np.uint8), [Click(0, 0)]).x == 1


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_a_stubborn_model_gets_every_wrong_pixel_once(data):
    shape = data.draw(st.tuples(st.integers(1, 5), st.integers(1, 5)))
    predicted = data.draw(arrays(bool, shape))
    truth = data.draw(arrays(np.uint8, shape, elements=st.sampled_from([0, 1, 255])))
    clicks: list[Click] = []
    while click := next_click(predicted, truth, clicks):
        row, column = int(click.y), int(click.x)
        assert truth[row, column] == click.positive != predicted[row, column]
        clicks.append(click)
    assert len({(click.x, click.y) for click in clicks}) == len(clicks)
    assert len(clicks) == ((truth != 255) & (truth != predicted)).sum()
