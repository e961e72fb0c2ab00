"""A photo from anywhere: bounded, of a known kind, upright, opaque, 8 bits RGB.

Uploads and the dataset's files are read here, and so are its trimaps.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from common.config import UserError

FORMATS = ("JPEG", "PNG", "WEBP", "GIF", "BMP")  # of the many that Pillow would open
MAX_BYTES = 20_000_000
MAX_PIXELS = 50_000_000


def read_photo(
    source: str | Path | bytes,
    *,
    upright: bool = True,
    max_bytes: int = MAX_BYTES,
    max_pixels: int = MAX_PIXELS,
) -> np.ndarray:
    """Decode a photo of whatever kind, whatever its name ends in: (H, W, 3) uint8 RGB.

    What is transparent becomes white, 16 bits become 8, and of an animation the first picture
    counts.

    Args:
        source: a file, or the content of one.
        upright: turn it as the camera noted (EXIF); otherwise the pixels as they are stored.
        max_bytes, max_pixels: as in `opened`.

    Raises:
        UserError: it cannot be read, or is no photo; a file is named, an upload is "the photo".
    """
    with opened(source, "photo", max_bytes=max_bytes, max_pixels=max_pixels) as image:
        return _opaque(ImageOps.exif_transpose(image) if upright else image)


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
        with Image.open(io.BytesIO(content), formats=FORMATS) as image:
            if image.width * image.height > max_pixels:
                raise too_large
            yield image
    except UserError:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):  # Pillow's own limits
        raise too_large from None
    except UnidentifiedImageError:
        known = ", ".join(FORMATS)
        raise UserError(f"{name}: not a {kind} of a known kind ({known}); convert it") from None
    except Exception as error:  # Pillow's plug-ins raise a dozen kinds for damaged files
        lines = str(error).splitlines() or [type(error).__name__]
        raise UserError(f"{name}: damaged ({lines[0][:120]}); fetch it again") from None


def _read(path: Path, max_bytes: int) -> bytes:
    """Content of a file, but no more than one byte beyond the limit."""
    try:
        with path.open("rb") as file:
            return file.read(max_bytes + 1)
    except (OSError, ValueError) as error:  # a null byte in a path is a ValueError
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{path}: cannot be read ({reason}); check the path") from None


def _opaque(image: Image.Image) -> np.ndarray:
    """Pixels (H, W, 3) uint8 of a picture of any mode, laid on white paper."""
    if image.mode.startswith("I"):  # 16 bits a pixel, which `convert` would clip
        image = Image.fromarray((np.asarray(image) >> 8).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    return np.asarray(image.convert("RGB"))
