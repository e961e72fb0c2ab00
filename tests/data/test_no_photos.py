"""What is no photo, or too much of one, is refused in a line."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from common.config import UserError
from common.data import photos
from common.data.photos import read_photo
from tests.data.corpus import corpus, packed
from tests.data.test_photos import KINDS, RED, png


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("edge", [8_000, 10_000, 20_000, 60_000])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path: Path, edge: int):
    bomb = png(edge, edge, 8, 2, b"\0")
    (tmp_path / "huge.png").write_bytes(bomb)
    with pytest.raises(UserError, match=r"^the photo: more than 50 million pixels; reduce it$"):
        read_photo(bomb)
    with pytest.raises(UserError, match=r"huge\.png: more than 50 million pixels"):
        read_photo(tmp_path / "huge.png")


def test_limits_are_the_callers():
    content = packed(Image.new("RGB", (40, 30), RED), "PNG")
    assert read_photo(content, max_pixels=1200, max_bytes=len(content)).shape == (30, 40, 3)
    with pytest.raises(UserError, match=r"more than 0\.001199 million pixels"):
        read_photo(content, max_pixels=1199)
    with pytest.raises(UserError, match="the photo: more than .* MB; save it smaller"):
        read_photo(content, max_bytes=len(content) - 1)


def test_a_large_file_is_not_read(tmp_path: Path):
    with (tmp_path / "large.jpg").open("wb") as file:
        file.truncate(1 << 40)  # a hole of a terabyte, which no memory holds
    with pytest.raises(UserError, match=r"large\.jpg: more than 20 MB; save it smaller"):
        read_photo(tmp_path / "large.jpg")


@pytest.mark.parametrize("content", [b"", b"hello", b"\x89PNG\r\n\x1a\n", bytes(1000)])
def test_no_photo_at_all(tmp_path: Path, content: bytes):
    (tmp_path / "pet.jpg").write_bytes(content)
    with pytest.raises(UserError, match=r"pet\.jpg: (not a photo of a known kind|damaged)"):
        read_photo(tmp_path / "pet.jpg")
    with pytest.raises(UserError, match=r"^the photo: (not a photo of a known kind|damaged)"):
        read_photo(content)


def test_a_phones_photo_is_told_what_reads_it(monkeypatch):
    """HEIC without pillow-heif."""
    content = packed(Image.new("RGB", (64, 64), RED), "HEIF")
    monkeypatch.setattr(photos, "_formats", lambda: ["JPEG", "PNG"])
    with pytest.raises(UserError, match="HEIC where pillow-heif is installed.*; convert it"):
        read_photo(content)


@pytest.mark.parametrize("kind", ["PPM", "ICO", "PDF", "EPS"])
def test_kinds_that_nobody_uploads_stay_closed(kind: str):
    with pytest.raises(UserError, match="not a photo of a known kind .JPEG, PNG, WebP, AVIF, "):
        read_photo(packed(Image.new("RGB", (16, 16)), kind))


@pytest.mark.parametrize("kind", KINDS)
def test_half_a_photo(kind: str):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3), np.uint8)
    content = packed(Image.fromarray(noise), kind)
    with pytest.raises(UserError, match=r"^the photo: .*(as JPEG or PNG|convert it)$"):
        read_photo(content[: len(content) // 2])


def test_places_without_a_file(tmp_path: Path):
    with pytest.raises(UserError, match=r"none\.jpg: cannot be read \(No such file"):
        read_photo(tmp_path / "none.jpg")
    with pytest.raises(UserError, match="cannot be read"):
        read_photo(tmp_path)
    with pytest.raises(UserError, match="cannot be read"):
        read_photo("a\0b")


@settings(max_examples=60, deadline=None)
@given(data=st.data(), kind=st.sampled_from(KINDS))
def test_damaged_bytes_give_pixels_or_one_line(data, kind: str):
    noise = np.random.default_rng(1).integers(0, 256, (12, 9, 3), np.uint8)
    content = bytearray(packed(Image.fromarray(noise), kind))
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    try:
        photo = read_photo(bytes(content))
    except UserError as error:
        assert str(error).startswith("the photo: ") and "\n" not in str(error)
        assert "object at" not in str(error) and os.sep not in str(error)
    else:
        assert photo.ndim == 3 and photo.shape[2] == 3 and photo.dtype == np.uint8


def test_the_corpus_of_odd_but_valid_photos():
    pictures = list(corpus())
    assert len(pictures) >= 200
    for name, content, (width, height) in pictures:
        photo, middle = read_photo(content), width // 2
        assert photo.shape == (height, width, 3), name
        if width > 8:  # codecs blur the edge
            assert photo[:, : middle - 4].min() > 225 and photo[:, middle + 6 :].max() < 50, name
