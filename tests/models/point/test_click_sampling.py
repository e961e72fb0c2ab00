"""Training clicks: depth against SciPy's, and where a click may fall."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import binary_erosion, distance_transform_cdt

from common.models.point.click_sampling import (
    GROUND,
    NO_CLICK,
    PET,
    correcting_clicks,
    deep,
    depth,
    eroded,
    first_clicks,
    random_points,
)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 0.95))
def test_depth_is_the_chessboard_distance(seed: int, share: float):
    region = np.random.default_rng(seed).random((3, 9, 12)) < share
    expected = [
        distance_transform_cdt(np.pad(one, 1), metric="chessboard")[1:-1, 1:-1] for one in region
    ]
    assert np.array_equal(depth(torch.from_numpy(region)), np.stack(expected))


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.floats(0.3, 1), st.integers(1, 9), st.integers(1, 9))
def test_erosion_takes_a_pixel_all_round(seed: int, share: float, height: int, width: int):
    """Corners too, and along the frame: what lies beyond it is outside."""
    region = np.random.default_rng(seed).random((2, height, width)) <= share
    expected = [binary_erosion(one, np.ones((3, 3)), border_value=0) for one in region]
    given_back = eroded(torch.from_numpy(region))
    assert given_back.dtype == torch.bool
    assert np.array_equal(given_back, np.stack(expected))


def test_depth_of_all_and_of_nothing():
    whole = torch.ones(1, 3, 5, dtype=torch.bool)
    assert depth(whole)[0].tolist() == [[1] * 5, [1, 2, 2, 2, 1], [1] * 5]
    assert not depth(~whole).any()


def square(top: int, left: int, size: int, grid: int = 16) -> torch.Tensor:
    region = torch.zeros(1, grid, grid, dtype=torch.bool)
    region[:, top : top + size, left : left + size] = True
    return region


def test_only_the_inner_half_of_a_region_is_clicked():
    weight = deep(depth(square(2, 4, 7)))  # deepest 4: clicks where the depth exceeds 2
    assert torch.equal(weight[0].bool(), square(4, 6, 3)[0])


def test_points_are_x_y():
    weight = torch.zeros(2, 5, 8)
    weight[0, 1, 6] = weight[1, 4, 0] = 1
    assert random_points(weight).tolist() == [[6, 1], [0, 4]]


def test_every_weighted_pixel_is_drawn_sometime():
    torch.manual_seed(0)
    weight = torch.zeros(400, 2, 2)
    weight[:, 0, 1], weight[:, 1, 0] = 1, 3
    share = (random_points(weight) == torch.tensor([0.0, 1.0])).all(1).float().mean()
    assert share == pytest.approx(0.75, abs=0.08)


def test_the_first_click_is_on_the_pet_and_absent_without_one():
    pet = torch.cat([square(3, 3, 5), torch.zeros(1, 16, 16, dtype=torch.bool)])
    points, labels = first_clicks(pet)
    assert labels.tolist() == [[PET], [NO_CLICK]]
    x, y = points[0, 0].long().tolist()
    assert pet[0, y, x]


def test_a_correction_goes_to_the_deeper_mistake():
    truth = square(1, 1, 9).to(torch.uint8)
    missed = square(1, 1, 9) & ~square(1, 1, 2)
    added = square(1, 1, 9) | square(11, 11, 4)
    for predicted, label, inside in (
        (torch.zeros_like(missed), PET, square(1, 1, 9)),
        (missed, PET, square(1, 1, 2)),
        (added, GROUND, square(11, 11, 4)),
    ):
        points, labels = correcting_clicks(predicted, truth)
        x, y = points[0, 0].long().tolist()
        assert labels.item() == label and inside[0, y, x]


def test_nothing_wrong_and_mistakes_on_the_border_bring_no_click():
    truth = square(1, 1, 9).to(torch.uint8)
    assert correcting_clicks(truth == 1, truth)[1].item() == NO_CLICK
    truth[0, 10:12, 10:12] = 255
    predicted = (truth == 1) | (truth == 255)
    assert correcting_clicks(predicted, truth)[1].item() == NO_CLICK
