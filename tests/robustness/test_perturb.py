"""The eight perturbations: by hand, against scikit-image and SciPy, and what all of them keep."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import convolve

from common.config import UserError
from common.robustness.perturb import LEVELS, PERTURBATIONS, perturb, photo_seed

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (67, 90, 3), np.uint8)
NAMES = list(PERTURBATIONS)
TABLE = {  # the protocol's, typed again
    "gaussian_noise": (0, 2, 4, 6, 8, 10, 12, 14, 16, 18),
    "gaussian_blur": (0, 1, 2, 3, 4, 5, 6, 7, 8, 9),
    "contrast_up": (1, 1.01, 1.02, 1.03, 1.04, 1.05, 1.1, 1.15, 1.2, 1.25),
    "contrast_down": (1, 0.95, 0.9, 0.85, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1),
    "brightness_up": (0, 5, 10, 15, 20, 25, 30, 35, 40, 45),
    "brightness_down": (0, -5, -10, -15, -20, -25, -30, -35, -40, -45),
    "black_square": (0, 5, 10, 15, 20, 25, 30, 35, 40, 45),
    "salt_and_pepper": (0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.12, 0.14, 0.16, 0.18),
}
kinds, levels, seeds = st.sampled_from(NAMES), st.integers(0, LEVELS - 1), st.integers(0, 2**32)
photos = st.tuples(st.integers(1, 60), st.integers(1, 60), seeds).map(
    lambda shape: np.random.default_rng(shape[2]).integers(0, 256, (*shape[:2], 3), np.uint8)
)


def grey(value: int, edge: int = 50) -> np.ndarray:
    return np.full((edge, edge, 3), value, np.uint8)


def damage(photo: np.ndarray, name: str, level: int, seed: int = 0) -> float:
    """Mean absolute change of the values."""
    return np.abs(perturb(photo, name, level, seed).astype(float) - photo).mean()


def test_the_levels_are_those_of_the_protocol():
    assert {name: amounts for name, (_, amounts) in PERTURBATIONS.items()} == TABLE
    assert all(len(amounts) == LEVELS for amounts in TABLE.values())


@settings(max_examples=60, deadline=None)
@given(photos, kinds, levels, seeds)
def test_any_photo_keeps_its_shape_and_is_damaged_alike_twice(photo, name, level, seed):
    before = photo.copy()
    once, twice = perturb(photo, name, level, seed), perturb(photo, name, level, seed)
    assert once.shape == photo.shape and once.dtype == np.uint8
    assert (once == twice).all() and (photo == before).all()
    assert once is not photo


@settings(deadline=None)
@given(photos, kinds, seeds)
def test_level_0_is_the_photo(photo, name, seed):
    assert (perturb(photo, name, 0, seed) == photo).all()


@pytest.mark.parametrize("name", NAMES)
def test_damage_grows_with_the_level(name):
    found = [damage(PHOTO, name, level) for level in range(LEVELS)]
    assert found[0] == 0
    assert (np.diff(found) > 0).all()


# By hand


@pytest.mark.parametrize(
    ("name", "level", "value", "expected"),
    [
        ("contrast_up", 9, 100, 125),
        ("contrast_up", 9, 220, 255),
        ("contrast_up", 1, 150, 152),
        ("contrast_down", 9, 100, 10),
        ("contrast_down", 5, 101, 61),
        ("contrast_down", 9, 4, 0),
        ("brightness_up", 9, 100, 145),
        ("brightness_up", 9, 250, 255),
        ("brightness_down", 9, 100, 55),
        ("brightness_down", 2, 7, 0),
        ("gaussian_blur", 9, 77, 77),
    ],
)
def test_one_value_worked_by_hand(name, level, value, expected):
    """152 of 151.5: halves go to the even neighbour."""
    assert (perturb(grey(value), name, level) == expected).all()


def test_one_white_pixel_spreads_as_the_kernel_says():
    photo = grey(0, 5)
    photo[2, 2] = 160
    spread = perturb(photo, "gaussian_blur", 1)[..., 0]
    assert spread[1:4, 1:4].tolist() == [[10, 20, 10], [20, 40, 20], [10, 20, 10]]
    assert spread.sum() == 160


@pytest.mark.parametrize("times", [1, 4, 9])
def test_blur_is_the_protocols_kernel_applied_again_and_again(times):
    kernel = np.outer([1, 2, 1], [1, 2, 1])[..., None] / 16
    expected = PHOTO.astype(float)
    for _ in range(times):
        expected = convolve(expected, kernel, mode="reflect")
    found = perturb(PHOTO, "gaussian_blur", times).astype(float)
    assert np.abs(found - expected).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("level", [1, 5, 9])
def test_noise_has_the_stated_strength(level):
    change = perturb(grey(128, 200), "gaussian_noise", level).astype(float) - 128
    sigma = TABLE["gaussian_noise"][level]
    expected = np.hypot(sigma, 12**-0.5)  # rounding adds the variance of a uniform step
    assert change.std() == pytest.approx(expected, rel=0.02)
    assert abs(change.mean()) < 5 * sigma / np.sqrt(change.size)
    assert not np.allclose(change[..., 0], change[..., 1]), "each channel has its own noise"


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 9), seeds)
def test_salt_and_pepper_hits_the_stated_share(level, seed):
    photo = grey(128, 120)
    hit = perturb(photo, "salt_and_pepper", level, seed)
    amount, count = TABLE["salt_and_pepper"][level], photo.size
    assert set(np.unique(hit)) <= {0, 128, 255}
    deviation = np.sqrt(count * amount * (1 - amount))
    assert abs((hit != 128).sum() - amount * count) < 6 * deviation
    assert abs((hit == 255).sum() - amount * count / 2) < 6 * deviation


def test_a_value_that_was_hit_stays_hit_at_higher_levels():
    hits = [perturb(grey(128), "salt_and_pepper", level) != 128 for level in range(LEVELS)]
    assert all((low <= high).all() for low, high in zip(hits, hits[1:], strict=False))


@settings(deadline=None)
@given(st.integers(1, 9), st.integers(1, 70), st.integers(1, 70), seeds)
def test_the_square_is_whole_and_in_the_photo(level, height, width, seed):
    photo = np.full((height, width, 3), 200, np.uint8)
    black = (perturb(photo, "black_square", level, seed) == 0).all(2)
    edge = TABLE["black_square"][level]
    rows, columns = np.nonzero(black)
    h, w = min(edge, height), min(edge, width)
    assert black.sum() == h * w, "edge² pixels where it fits"
    assert (np.ptp(rows) + 1, np.ptp(columns) + 1) == (h, w)


def test_squares_of_many_seeds_reach_every_corner():
    corners = np.zeros((2, 2), bool)
    photo = np.full((20, 20, 3), 200, np.uint8)
    for seed in range(200):
        black = perturb(photo, "black_square", 3, seed)[..., 0] == 0
        corners |= black[np.ix_([0, -1], [0, -1])]
    assert corners.all()


# Seeds and errors


def test_each_photo_has_its_own_seed_and_keeps_it():
    assert photo_seed("beagle_1") == photo_seed("beagle_1") != photo_seed("beagle_2")
    a, b = (perturb(PHOTO, "gaussian_noise", 5, photo_seed(name)) for name in ("a", "b"))
    assert (a != b).any()


@pytest.mark.parametrize(
    ("photo", "name", "level", "message"),
    [
        (PHOTO, "fog", 1, "'fog' is unknown; choose one of gaussian_noise"),
        (PHOTO, "black_square", 10, "level 10 is unknown; choose one from 0 to 9"),
        (PHOTO.astype(float), "black_square", 1, "not .* float64"),
        (PHOTO[..., 0], "black_square", 1, "uint8, not"),
    ],
)
def test_what_cannot_be_done_is_said(photo, name, level, message):
    with pytest.raises(UserError, match=message):
        perturb(photo, name, level)
