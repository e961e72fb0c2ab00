"""Click maps: discs counted by hand, Gaussians by formula, padding and no click at all."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.config import UserError
from common.models.point.click_maps import KINDS, click_maps


def test_a_disk_of_radius_one_is_a_plus():
    maps = click_maps(torch.tensor([[[2.0, 1.0]]]), torch.tensor([[1]]), (4, 6), 1, "disk")
    assert maps.shape == (1, 2, 4, 6) and maps.dtype == torch.float32
    plus = [[0, 0, 1, 0, 0, 0], [0, 1, 1, 1, 0, 0], [0, 0, 1, 0, 0, 0], [0] * 6]
    assert maps[0, 0].tolist() == plus
    assert not maps[0, 1].any()


@pytest.mark.parametrize(("radius", "pixels"), [(0.5, 1), (1, 5), (2, 13), (3, 29), (5, 81)])
def test_pixels_of_a_disk(radius: float, pixels: int):
    """How many whole points lie within a circle: known numbers (Gauss's circle problem)."""
    maps = click_maps(torch.tensor([[[7.0, 8.0]]]), torch.tensor([[0]]), (16, 15), radius, "disk")
    assert maps[0, 1].sum() == pixels
    assert not maps[0, 0].any()


def test_a_gaussian_falls_to_exp_of_minus_a_half_at_its_radius():
    maps = click_maps(torch.tensor([[[2.0, 3.0]]]), torch.tensor([[1]]), (8, 9), 3, "gaussian")
    assert maps[0, 0, 3, 2] == 1
    assert maps[0, 0, 3, 5] == maps[0, 0, 6, 2] == pytest.approx(math.exp(-0.5))


def test_no_click_no_map():
    none, padded = torch.zeros(3, 0, 2), torch.full((3, 2, 2), torch.nan)
    for kind in KINDS:
        maps = click_maps(none, torch.zeros(3, 0, dtype=torch.long), (4, 5), 2, kind)
        assert maps.shape == (3, 2, 4, 5) and not maps.any()
        maps = click_maps(padded, torch.full((3, 2), -1), (4, 5), 2, kind)
        assert maps.shape == (3, 2, 4, 5) and not maps.any()


@pytest.mark.parametrize(("radius", "kind"), [(0, "disk"), (-1, "gaussian"), (2, "square")])
def test_other_maps_are_refused(radius: float, kind: str):
    with pytest.raises(UserError, match="click"):
        click_maps(torch.zeros(1, 1, 2), torch.ones(1, 1), (4, 4), radius, kind)


@settings(max_examples=30, deadline=None)
@given(data=st.data(), kind=st.sampled_from(KINDS), radius=st.floats(0.3, 6))
def test_every_pixel_as_the_definition_says(data, kind: str, radius: float):
    clicks = st.tuples(
        st.floats(-3, 9, width=32), st.floats(-3, 9, width=32), st.sampled_from([1, 0, -1])
    )
    photos = data.draw(st.lists(st.lists(clicks, min_size=3, max_size=3), min_size=1, max_size=2))
    points = torch.tensor([[click[:2] for click in photo] for photo in photos])
    labels = torch.tensor([[click[2] for click in photo] for photo in photos])
    maps = click_maps(points, labels, (5, 7), radius, kind)
    for b, photo in enumerate(photos):
        for channel, wanted in enumerate((1, 0)):
            for row in range(5):
                for column in range(7):
                    far = [math.dist((column, row), c[:2]) for c in photo if c[2] == wanted]
                    d = min(far, default=math.inf)
                    seen = maps[b, channel, row, column].item()
                    if kind == "gaussian":
                        assert seen == pytest.approx(math.exp(-(d**2) / (2 * radius**2)), abs=1e-5)
                    elif abs(d - radius) > 1e-4:  # not decided by rounding
                        assert seen == (d < radius)
