"""A photo from anywhere: bounded, of a known kind, upright, opaque, 8 bits RGB.

Uploads and the dataset's files are read here, and so are its trimaps. README has a table of what
is read how.
"""

import functools
import io
import logging
import struct
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from common.config import UserError

FORMATS = ("JPEG", "PNG", "WEBP", "AVIF", "GIF", "BMP", "TIFF", "HEIF")  # of Pillow's many
KNOWN = "JPEG, PNG, WebP, AVIF, GIF, BMP, TIFF, and HEIC where pillow-heif is installed"
MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000
AGAIN = "fetch it again, or save it anew as JPEG or PNG"
STRIP = 64  # rows of a photo that are brought to RGB at once
ORIENTATION = 0x0112  # EXIF's tag
UPRIGHT = (  # what is done to a picture of orientation 2 to 8
    Image.Transpose.FLIP_LEFT_RIGHT,
    Image.Transpose.ROTATE_180,
    Image.Transpose.FLIP_TOP_BOTTOM,
    Image.Transpose.TRANSPOSE,
    Image.Transpose.ROTATE_270,
    Image.Transpose.TRANSVERSE,
    Image.Transpose.ROTATE_90,
)
NOTES = (b"iCCP", b"tEXt", b"zTXt", b"iTXt")  # of a PNG; no pixel depends on them here


def read_photo(
    source: str | Path | bytes,
    *,
    upright: bool = True,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
    warn: Callable[[str], None] | None = None,
) -> np.ndarray:
    """Decode a photo of whatever kind, whatever its name ends in: (H, W, 3) uint8 RGB.

    What is transparent becomes white, 16 bits become 8, and of an animation the first picture
    counts.

    Args:
        source: a file, or the content of one.
        upright: turn it as the camera noted in EXIF (XMP's note is left alone, as in browsers);
            otherwise the pixels as they are stored.
        max_bytes, max_pixels: as in `opened`.
        warn: is told where the end of a JPEG is missing, which is then read as grey; without it
            such a photo is refused.

    Raises:
        UserError: it cannot be read, or is no photo; a file is named, an upload is "the photo".
    """
    try:
        return _pixels(source, upright, max_bytes, max_pixels)
    except _CutShort as error:
        if warn is None:
            raise
        content = source if isinstance(source, bytes) else _read(Path(source), max_bytes)
        try:
            photo = _pixels(content + b"\xff\xd9", upright, max_bytes + 2, max_pixels)
        except UserError:
            raise error from None
        if not np.ptp(photo, (0, 1)).any():  # nothing came before the cut
            raise
        name = "the photo" if isinstance(source, bytes) else source
        warn(f"{name}: its end is missing and read as grey; fetch it again")
        return photo


def read_warning(photo: Path) -> np.ndarray:
    """`read_photo` of a file, of which a part may be missing: that is said on stderr."""
    return read_photo(photo, warn=lambda line: print(f"warning: {line}", file=sys.stderr))


def _pixels(
    source: str | Path | bytes, upright: bool, max_bytes: int, max_pixels: int
) -> np.ndarray:
    with opened(source, "photo", max_bytes=max_bytes, max_pixels=max_pixels) as image:
        image.load()
        noted = _orientation(image) if upright else 1
        return _opaque(image if noted == 1 else image.transpose(UPRIGHT[noted - 2]))


class _CutShort(UserError):
    """A JPEG of which a part is there."""


@contextmanager
def opened(
    source: str | Path | bytes,
    kind: str,
    *,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
) -> Iterator[Image.Image]:
    """A picture, whatever its name ends in; what Pillow finds wrong with it is a `UserError`.

    Args:
        source: a file, or the content of one.
        kind: what it should be, for the messages.
        max_bytes: a larger file is refused before it is read,
        max_pixels: and a larger picture before it is decoded: a small file may unpack to
            gigabytes.
    """
    name = f"the {kind}" if isinstance(source, bytes) else str(source)
    content = source if isinstance(source, bytes) else _read(Path(source), max_bytes)
    if len(content) > max_bytes:
        raise UserError(f"{name}: more than {max_bytes / 1e6:g} MB; save it smaller")
    too_large = UserError(f"{name}: more than {max_pixels / 1e6:g} million pixels; reduce it")
    try:
        with _quiet(), _identified(content) as image:
            if image.width * image.height > max_pixels:
                raise too_large
            yield image
    except UserError:
        raise
    except Image.DecompressionBombError:  # Pillow's own limit
        raise too_large from None
    except UnidentifiedImageError:
        raise UserError(f"{name}: not a {kind} of a known kind ({KNOWN}); convert it") from None
    except Exception as error:  # Pillow's plug-ins raise a dozen kinds for damaged files
        lines = str(error).splitlines() or [type(error).__name__]
        cut = isinstance(error, OSError) and content.startswith(b"\xff\xd8")
        kind_of_error = _CutShort if cut else UserError
        raise kind_of_error(f"{name}: damaged ({lines[0][:120]}); {AGAIN}") from None


@contextmanager
def _quiet() -> Iterator[None]:
    """A block that says nothing on stderr of damaged tags."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _identified(content: bytes) -> Image.Image:
    """A picture that is not decoded yet, without a PNG's notes, which may be of any size."""
    content = _bare_png(content) if content.startswith(b"\x89PNG\r\n\x1a\n") else content
    return Image.open(io.BytesIO(content), formats=_formats())


@functools.cache
def _formats() -> list[str]:
    """Those of `FORMATS` that this Pillow reads, which from here on logs nothing on stderr."""
    logging.getLogger("PIL").addHandler(logging.NullHandler())
    with suppress(ImportError):
        import_module("pillow_heif").register_heif_opener()
    Image.init()
    return [kind for kind in FORMATS if kind in Image.OPEN]


def _bare_png(content: bytes) -> bytes:
    """A PNG without its texts and its colour profile."""
    at, parts = 8, [content[:8]]
    while at + 8 <= len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        if kind not in NOTES:
            parts.append(content[at : at + size + 12])
        at += size + 12
    return b"".join(parts)


def _orientation(image: Image.Image) -> int:
    """EXIF's orientation of a decoded picture, 1 to 8, whatever its other tags hold."""
    exif = Image.Exif()
    with suppress(Exception):  # damaged tags are none
        exif.load(image.info["exif"])
        if exif.get(ORIENTATION) in range(1, 9):
            return exif[ORIENTATION]
    return 1


def _read(path: Path, max_bytes: int) -> bytes:
    """Content of a file, but no more than one byte beyond the limit."""
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # a null byte in a path is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: cannot be read ({reason}); check the path") from None


def _opaque(image: Image.Image) -> np.ndarray:
    """Pixels (H, W, 3) uint8 of a decoded picture of any mode, laid on white paper.

    A strip at a time: what lies between would be as large as the photo, and slower for it.
    """
    if image.mode in ("I", "F"):
        raise ValueError("32 bits a channel")
    clear = image.has_transparency_data and not _unused_alpha(image)
    photo = np.empty((image.height, image.width, 3), np.uint8)
    for top in range(0, image.height, STRIP):
        strip = image.crop((0, top, image.width, min(top + STRIP, image.height)))
        if image.mode.startswith("I"):  # 16 bits a pixel, which `convert` would clip
            strip = Image.fromarray((np.asarray(strip) >> 8).astype(np.uint8))
        if clear:
            paper = Image.new("RGBA", strip.size, "white")
            strip = Image.alpha_composite(paper, strip.convert("RGBA"))
        photo[top : top + STRIP] = np.asarray(strip.convert("RGB"))
    return photo


def _unused_alpha(image: Image.Image) -> bool:
    """Whether a BMP's alpha is 0 everywhere, as programs that know none leave it."""
    return image.format == "BMP" and image.mode == "RGBA" and image.getextrema()[-1] == (0, 0)
