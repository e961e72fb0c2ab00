"""Photos from anywhere: every kind that people upload, and what is said of what is no photo."""

import struct
import warnings
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from common.config import UserError
from common.data.photos import read_photo
from tests.data.corpus import packed

RED = (200, 30, 60)


def png(width: int, height: int, depth: int, colour: int, rows: bytes) -> bytes:
    """A PNG from its parts, for what Pillow cannot write."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    chunks = (header, b"IDAT" + zlib.compress(rows), b"IEND")
    framed = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


KINDS = ["JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF"]


@pytest.mark.parametrize("kind", KINDS)
def test_kinds_by_content_and_not_by_name(tmp_path: Path, kind: str):
    content = packed(Image.new("RGB", (7, 5), RED), kind)
    (tmp_path / "pet.jpg").write_bytes(content)
    for source in (content, tmp_path / "pet.jpg", str(tmp_path / "pet.jpg")):
        photo = read_photo(source)
        assert photo.shape == (5, 7, 3) and photo.dtype == np.uint8
        assert np.abs(photo.astype(int) - RED).max() <= 8


def test_a_single_pixel():
    assert read_photo(packed(Image.new("RGB", (1, 1), RED), "PNG")).tolist() == [[list(RED)]]


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "MPO"])
def test_the_first_picture_of_several_counts(kind: str):
    first, second = Image.new("RGB", (16, 16), "red"), Image.new("RGB", (16, 16), "blue")
    content = packed(first, kind, save_all=True, append_images=[second])
    photo = read_photo(content)
    assert photo.shape == (16, 16, 3)
    assert (photo[..., 0] > 200).all() and (photo[..., 2] < 60).all()


@pytest.mark.parametrize("mode", ["1", "L", "P", "CMYK", "YCbCr", "LA", "RGBA"])
def test_modes_become_rgb(mode: str):
    kind = "JPEG" if mode in ("CMYK", "YCbCr") else "PNG"
    photo = read_photo(packed(Image.new("RGB", (6, 4), "white").convert(mode), kind))
    assert photo.shape == (4, 6, 3) and (photo >= 250).all()


def test_cmyk_keeps_its_colours():
    photo = read_photo(packed(Image.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"))
    assert np.abs(photo.astype(int) - (255, 0, 0)).max() <= 12


def test_what_is_transparent_becomes_white():
    image = Image.new("RGBA", (3, 1), (*RED, 255))
    image.putpixel((1, 0), (*RED, 0))
    image.putpixel((2, 0), (0, 0, 0, 51))  # a fifth of black on white
    expected = [[list(RED), [255] * 3, [204] * 3]]
    for kind in ("PNG", "WEBP"):
        extra = {"lossless": True, "exact": True} if kind == "WEBP" else {}
        assert read_photo(packed(image, kind, **extra)).tolist() == expected


def test_transparent_colours_become_white():
    palette = Image.new("P", (2, 1))
    palette.putpalette([*RED, 10, 20, 30])
    palette.putpixel((1, 0), 1)
    for kind in ("PNG", "GIF"):
        photo = read_photo(packed(palette, kind, transparency=1))
        assert photo.tolist() == [[list(RED), [255] * 3]]
    rgb = Image.new("RGB", (2, 1), RED)
    rgb.putpixel((1, 0), (1, 2, 3))
    photo = read_photo(packed(rgb, "PNG", transparency=(1, 2, 3)))
    assert photo.tolist() == [[list(RED), [255] * 3]]


def test_sixteen_bits_are_scaled_not_clipped():
    values = np.array([[0, 256, 32768, 65535]], np.uint16)
    grey = packed(Image.fromarray(values), "PNG")
    assert read_photo(grey)[0].tolist() == [[0] * 3, [1] * 3, [128] * 3, [255] * 3]
    colours = struct.pack(">x6H", 65535, 32768, 0, 256, 0, 65535)
    assert read_photo(png(2, 1, 16, 2, colours))[0].tolist() == [[255, 128, 0], [1, 0, 255]]


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_turned_as_the_camera_noted(kind: str):
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it 90° clockwise to see it
    image = Image.new("RGB", (7, 5))
    image.putpixel((0, 0), (255, 255, 255))
    extra = {"lossless": True} if kind == "WEBP" else {}
    content = packed(image, kind, exif=exif, **extra)
    photo = read_photo(content)
    assert photo.shape == (7, 5, 3)
    assert photo[0, 4].tolist() == [255] * 3 and photo.sum() == 3 * 255
    assert np.array_equal(photo, np.rot90(read_photo(content, upright=False), -1))


def exif(*more: tuple[int, int, int, bytes]) -> bytes:
    """Orientation 6 and further tags: number, type, count and four bytes, or eight elsewhere."""
    tags = sorted([(0x0112, 3, 1, struct.pack("<I", 6)), *more])
    head, extra = b"II*\0" + struct.pack("<IH", 8, len(tags)), b""
    for number, kind, count, value in tags:
        if len(value) > 4:
            place, extra = 14 + 12 * len(tags) + len(extra), extra + value
            value = struct.pack("<I", place)
        head += struct.pack("<HHI", number, kind, count) + value
    return b"Exif\0\0" + head + bytes(4) + extra


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    "tag",
    [
        (0x011A, 10, 1, struct.pack("<ii", -1, 0)),  # XResolution, a signed rational
        (0x011A, 2, 8, b"72 dpi\0\0"),
        (0x0103, 9, 1, struct.pack("<i", -7)),  # Compression
    ],
)
def test_orientation_is_read_whatever_the_other_tags_hold(kind: str, tag: tuple):
    content = packed(Image.new("RGB", (7, 5), RED), kind, exif=exif(tag))
    assert read_photo(content).shape == (7, 5, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_an_orientation_in_xmp_alone_is_left_alone(kind: str):
    xmp = b'<x:xmpmeta><rdf:Description tiff:Orientation="6"/></x:xmpmeta>'
    image, notes = Image.new("RGB", (7, 5), RED), PngInfo()
    notes.add_itxt("XML:com.adobe.xmp", xmp.decode())
    content = packed(image, kind, **({"pnginfo": notes} if kind == "PNG" else {"xmp": xmp}))
    assert read_photo(content).shape == (5, 7, 3)


def bitmap(header: int, alpha: int) -> bytes:
    """A BMP of 4×3 pixels of 32 bits with masks for red, green, blue and alpha."""
    masks = struct.pack("<4I", 0xFF0000, 0xFF00, 0xFF, 0xFF000000)
    info = struct.pack("<IiiHHIIiiII", header, 4, 3, 1, 32, 3, 48, 0, 0, 0, 0) + masks
    start = b"BM" + struct.pack("<IHHI", 14 + header + 48, 0, 0, 14 + header)
    return start + info.ljust(header, b"\0") + bytes([RED[2], RED[1], RED[0], alpha]) * 12


@pytest.mark.parametrize("header", [56, 108, 124])  # versions 3, 4 and 5
def test_a_bitmap_whose_alpha_is_zero_everywhere_has_none(header: int):
    assert (read_photo(bitmap(header, 0)) == RED).all()
    assert (read_photo(bitmap(header, 255)) == RED).all()
    half = [RED[i] + (255 - RED[i]) * 127 / 255 for i in range(3)]
    assert np.abs(read_photo(bitmap(header, 128)) - half).max() <= 1


def test_large_notes_of_a_png_are_passed_over():
    notes = PngInfo()
    notes.add_text("Comment", "x" * 1_500_000, zip=True)
    profile = np.random.default_rng(0).bytes(1_800_000)
    content = packed(Image.new("RGB", (3, 2), RED), "PNG", pnginfo=notes, icc_profile=profile)
    assert (read_photo(content) == RED).all()


@pytest.mark.parametrize("progressive", [False, True])
def test_a_jpeg_that_was_cut_is_read_as_far_as_it_goes(tmp_path: Path, progressive: bool):
    blocks = np.random.default_rng(0).integers(0, 256, (20, 20, 3), np.uint8)
    photo = Image.fromarray(blocks.repeat(8, 0).repeat(8, 1))
    whole = packed(photo, "JPEG", progressive=progressive)
    for length in (len(whole) - 2, len(whole) * 19 // 20):
        (tmp_path / "cut.jpg").write_bytes(whole[:length])
        with pytest.raises(UserError, match=r"cut\.jpg: damaged .*; fetch it again, or save"):
            read_photo(tmp_path / "cut.jpg")
        told: list[str] = []
        pixels = read_photo(tmp_path / "cut.jpg", warn=told.append)
        assert np.abs(pixels.astype(int) - read_photo(whole))[:100].mean() < 6
        assert len(told) == 1 and "cut.jpg: its end is missing" in told[0]
    read_photo(whole, warn=pytest.fail)
    with pytest.raises(UserError, match="the photo: damaged"):
        read_photo(packed(photo, "JPEG")[:300], warn=pytest.fail)


NOISY = [
    lambda jpeg: jpeg[:2] + b"\xff\xe1\0\x10Exif\0\0II*\0\xff\0\0\0" + jpeg[2:],  # corrupt EXIF
    lambda jpeg: jpeg[:20] + jpeg[2:],  # two headers
    lambda jpeg: jpeg + b"trailing" * 50,
]


@pytest.mark.parametrize("spoil", NOISY)
def test_what_a_library_finds_odd_is_no_noise(spoil, capfd):
    content = spoil(packed(Image.new("RGB", (7, 5), RED), "JPEG"))
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        assert read_photo(content).shape == (5, 7, 3)
    assert not heard and not capfd.readouterr().err


def test_thirty_two_bits_a_channel_are_named():
    for mode in ("I", "F"):
        with pytest.raises(UserError, match=r"32 bits a channel.*as JPEG or PNG"):
            read_photo(packed(Image.new(mode, (4, 4), 70_000), "TIFF"))
