"""Square and back: boxes worked by hand, masks by an independent rule, bars that never leak."""

import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.config import FITS, IGNORE
from common.data.geometry import (
    fit_mask,
    fit_photo,
    fit_points,
    inner_box,
    reduced,
    to_input,
    unfit,
)

edges = st.integers(1, 90)
sizes = st.sampled_from([8, 16, 33])
fits = st.sampled_from(FITS)


@pytest.mark.parametrize(
    ("height", "width", "size", "box"),
    [
        (256, 384, 128, (21, 0, 85, 128)),
        (384, 288, 128, (0, 16, 128, 96)),
        (50, 50, 128, (0, 0, 128, 128)),
        (1, 1000, 8, (3, 0, 1, 8)),
    ],
)
def test_letterbox_worked_by_hand(height: int, width: int, size: int, box: tuple):
    assert inner_box(height, width, size, "letterbox") == box
    assert inner_box(height, width, size, "stretch") == (0, 0, size, size)


@settings(max_examples=25, deadline=None)
@given(height=edges, width=edges, size=sizes, fit=fits, seed=st.integers(0, 99))
def test_masks_are_picked_never_mixed(height, width, size, fit, seed):
    mask = np.random.default_rng(seed).choice(np.array([0, 1, 2, 255], np.uint8), (height, width))
    top, left, h, w = inner_box(height, width, size, fit)
    fitted = fit_mask(mask, size, fit)
    agrees = np.zeros((h, w), bool)
    # the source pixel under the centre of each target pixel, on either side where two meet
    for dy, dx in itertools.product((-1e-6, 1e-6), repeat=2):
        rows = ((np.arange(h) + 0.5) * height / h + dy).astype(int)
        columns = ((np.arange(w) + 0.5) * width / w + dx).astype(int)
        agrees |= fitted[top : top + h, left : left + w] == mask[rows][:, columns]
    assert agrees.all()
    fitted[top : top + h, left : left + w] = IGNORE
    assert (fitted == IGNORE).all()


@pytest.mark.parametrize("fit", FITS)
def test_photo_and_mask_lie_on_each_other(fit: str):
    mask = np.zeros((60, 100), np.uint8)
    mask[10:40, 20:70] = 1
    photo = np.where(mask[..., None] == 1, np.uint8(240), np.uint8(10)).repeat(3, axis=2)
    image, fitted = fit_photo(photo, 32, fit), fit_mask(mask, 32, fit)
    window = np.lib.stride_tricks.sliding_window_view(fitted, (5, 5))
    inside = (window == window[:, :, 2:3, 2:3]).all((2, 3))  # where no filter reaches an outline
    seen = np.array([10, 240])[np.minimum(fitted, 1)]
    seen[fitted == IGNORE] = 128
    assert inside.mean() > 0.3
    assert np.array_equal(image[2:-2, 2:-2, 0][inside], seen[2:-2, 2:-2][inside])
    assert image.shape == (32, 32, 3)


def test_letterbox_bars():
    image = fit_photo(np.full((10, 20, 3), 7, np.uint8), 16, "letterbox")
    mask = fit_mask(np.ones((10, 20), np.uint8), 16, "letterbox")
    assert (image[:4] == 128).all() and (image[12:] == 128).all() and (image[4:12] == 7).all()
    assert (mask[:4] == IGNORE).all() and (mask[12:] == IGNORE).all() and (mask[4:12] == 1).all()


@settings(max_examples=25, deadline=None)
@given(height=edges, width=edges, size=sizes, fit=fits)
def test_unfit_puts_a_ramp_back(height, width, size, fit):
    """Column numbers, resized bilinearly, are known in closed form; bars (1e9) stay outside."""
    top, left, h, w = inner_box(height, width, size, fit)
    scores = torch.full((2, size, size), 1e9)
    scores[0, top : top + h, left : left + w] = torch.arange(w).float()
    scores[1, top : top + h, left : left + w] = torch.arange(h).float()[:, None]
    native = unfit(scores, height, width, fit)
    x = ((torch.arange(width) + 0.5) * w / width - 0.5).clamp(0, w - 1)
    y = ((torch.arange(height) + 0.5) * h / height - 0.5).clamp(0, h - 1)
    assert native.shape == (2, height, width)
    torch.testing.assert_close(native[0], x.expand(height, width), atol=1e-3, rtol=0)
    torch.testing.assert_close(native[1], y[:, None].expand(height, width), atol=1e-3, rtol=0)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize(("height", "width"), [(60, 90), (90, 60), (40, 40)])
def test_round_trip_returns_the_mask(fit: str, height: int, width: int):
    y, x = np.mgrid[:height, :width]
    mask = ((y - height / 2) ** 2 + (x - width / 2) ** 2 < 15**2).astype(np.uint8)
    fitted = torch.from_numpy(fit_mask(mask, 64, fit)).long()
    scores = torch.nn.functional.one_hot(fitted.clamp(max=1), 2).permute(2, 0, 1)
    back = unfit(scores, height, width, fit).argmax(0).numpy()
    assert (back == mask).mean() > 0.98
    assert back[height // 2, width // 2] == 1


def test_to_input_is_the_fitted_photo_in_unit_range():
    photo = np.random.default_rng(0).integers(0, 256, (30, 50, 3), np.uint8)
    image = to_input(photo, 16, "letterbox")
    assert image.shape == (3, 16, 16) and image.dtype == torch.float32
    expected = fit_photo(photo, 16, "letterbox").transpose(2, 0, 1) / 255
    torch.testing.assert_close(image, torch.from_numpy(expected).float())


def test_points_worked_by_hand():
    corners = np.array([[0, 0], [383, 255], [191.5, 127.5]])
    stretched = fit_points(corners, 256, 384, 128)
    assert stretched.dtype == np.float32
    # a pixel is 1/3 of the square's across and 1/2 down: its centre 0.5 becomes 0.1667 and 0.25
    expected = np.array([[-1 / 3, -0.25], [127 + 1 / 3, 127.25], [63.5, 63.5]])
    np.testing.assert_allclose(stretched, expected, atol=1e-5)
    boxed = fit_points(corners, 256, 384, 128, "letterbox")  # 85 rows, from row 21 on
    np.testing.assert_allclose(boxed[:, 0], expected[:, 0], atol=1e-5)
    np.testing.assert_allclose(
        boxed[:, 1], 20.5 + 85 * np.array([0.5, 255.5, 128]) / 256, atol=1e-5
    )
    assert fit_points(np.zeros((0, 2)), 256, 384, 128).shape == (0, 2)


@settings(max_examples=40, deadline=None)
@given(height=edges, width=edges, size=sizes, fit=fits, data=st.data())
def test_points_go_where_unfit_brings_pixels_from(height, width, size, fit, data):
    """The place of the square that bilinear resizing reads for a pixel is where its click goes."""
    x, y = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    top, left, h, w = inner_box(height, width, size, fit)
    places = torch.stack(torch.meshgrid(*2 * [torch.arange(size).float()], indexing="xy"))
    read = unfit(places, height, width, fit)[:, y, x].numpy()
    (point,) = fit_points(np.array([[x, y]]), height, width, size, fit)
    inside = point.clip([left, top], [left + w - 1, top + h - 1])  # resizing stops at the rim
    np.testing.assert_allclose(inside, read, atol=2e-3)


@pytest.mark.parametrize("fit", FITS)
def test_a_click_lands_on_what_was_clicked(fit: str):
    photo = np.zeros((50, 90, 3), np.uint8)
    photo[30:40, 70:80] = 255
    (point,) = fit_points(np.array([[74.5, 34.5]]), 50, 90, 64, fit)
    bright = np.argwhere(fit_photo(photo, 64, fit)[..., 0] > 190)  # brighter than bars
    np.testing.assert_allclose(bright.mean(0)[::-1], point, atol=0.5)


def test_a_reduced_photo_is_a_mean_of_the_large_one():
    photo = np.zeros((40, 80, 3), np.uint8)
    photo[:, 40:] = 200
    photo.flags.writeable = False
    small = reduced(photo, 20)
    assert small.shape == (10, 20, 3) and small.dtype == np.uint8
    assert (small[:, :8] == 0).all() and (small[:, 12:] == 200).all()
    assert reduced(photo, 80) is photo and reduced(photo[:1], 8).shape == (1, 8, 3)
