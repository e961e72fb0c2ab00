"""Photos and masks as text, for a page: some notebooks lose binary buffers on the way.

Shapes: H W pixels of the photo.
"""

import base64
import io
from collections.abc import Iterable
from typing import Any

import numpy as np
from PIL import Image

from common.canvas.answers import Photo
from common.data.geometry import reduced

SHOWN, THUMB = 1600, 256  # longest side, in pixels, of what a page gets to see


def photo_url(image: np.ndarray, longest: int = SHOWN) -> str:
    """A photo (H, W, 3) uint8 as the address of a JPEG, reduced if it is larger."""
    return _url(Image.fromarray(reduced(image, longest)), "jpeg", quality=90)


def mask_url(mask: np.ndarray, longest: int = SHOWN) -> str:
    """A mask (H, W) bool as the address of a PNG, white on black."""
    image = Image.fromarray(mask.astype(np.uint8) * 255)
    image.thumbnail((longest, longest), Image.Resampling.BOX)
    one_bit = image.convert("1", dither=Image.Dither.NONE)  # white from the half on
    return _url(one_bit, "png", compress_level=4)


def shown(photo: Photo) -> dict[str, Any]:
    """What a page needs to draw a photo; width and height are those of the native one."""
    height, width = photo.image.shape[:2]
    texts = {"name": photo.name, "credit": photo.credit, "url": photo_url(photo.image)}
    return {**texts, "width": width, "height": height}


def gallery(photos: Iterable[Photo]) -> list[dict[str, str]]:
    """All photos, small."""
    return [{"name": photo.name, "url": photo_url(photo.image, THUMB)} for photo in photos]


def _url(image: Image.Image, kind: str, **options: int) -> str:
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return data_url(stream.getvalue(), f"image/{kind}")


def data_url(content: bytes, kind: str) -> str:
    """A file of some media type as an address."""
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"
