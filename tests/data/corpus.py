"""About 200 odd but valid photos, made on the spot: kinds, colour models, sizes, headers, tags.

Each shows the same: white on the left half, black on the right, as it is to be seen.
"""

from __future__ import annotations

import io
import struct
from collections.abc import Iterator
from itertools import product

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from pillow_heif import register_heif_opener

register_heif_opener()
SIZES = ((64, 48), (33, 47), (2, 2))  # width, height
MODES = {
    "JPEG": ("RGB", "L", "CMYK"),
    "PNG": ("RGB", "L", "P", "1", "RGBA", "LA"),
    "WEBP": ("RGB", "RGBA"),
    "AVIF": ("RGB", "RGBA"),
    "GIF": ("RGB", "L", "P", "1"),
    "BMP": ("RGB", "L", "P", "1"),
    "TIFF": ("RGB", "L", "P", "1", "RGBA", "CMYK", "LA"),
    "HEIF": ("RGB", "L", "RGBA"),
}
WAYS: dict[str, tuple[dict, ...]] = {
    "JPEG": ({"progressive": True}, {"subsampling": 2}, {"restart_marker_blocks": 1}),
    "PNG": ({"compress_level": 0}, {"dpi": (1, 1)}),
    "WEBP": ({"lossless": True}, {"method": 0}),
    "TIFF": tuple(
        {"compression": kind} for kind in ("tiff_lzw", "tiff_adobe_deflate", "packbits")
    ),
}
BACK = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # transposition to how it is stored


def scene(width: int, height: int) -> Image.Image:
    """What a photo of the corpus shows."""
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[:, width // 2 :] = 0
    return Image.fromarray(pixels)


def corpus() -> Iterator[tuple[str, bytes, tuple[int, int]]]:
    """Name, content, and width and height as it is to be seen."""
    for (kind, modes), size in product(MODES.items(), SIZES):
        for mode in modes:
            yield f"{kind} {mode} {size}", packed(scene(*size).convert(mode), kind), size
        for way in WAYS.get(kind, ()):
            yield f"{kind} {way} {size}", packed(scene(*size), kind, **way), size
    size = SIZES[0]
    for kind, number, order in product(("JPEG", "PNG", "WEBP", "HEIF"), BACK, "<>"):
        stored = scene(*size) if BACK[number] is None else scene(*size).transpose(BACK[number])
        content = packed(stored, kind, exif=orientation(number, order))
        yield f"{kind} orientation {number} {order}", content, size
    jpeg = packed(scene(*size), "JPEG")
    for count in range(1, 17):  # segments of programs that nobody knows
        segment = (
            b"\xff" + bytes([0xE0 + count % 16]) + struct.pack(">H", 2 + count) + b"x" * count
        )
        yield f"JPEG segment {count}", jpeg[:2] + segment + jpeg[2:], size
        yield f"JPEG and {count} bytes", jpeg + b"\0" * count, size
    for count in range(12):
        notes = PngInfo()
        notes.add_text(f"key {count}", "é" * 10**count if count < 6 else "", zip=count % 2 == 0)
        yield f"PNG text {count}", packed(scene(*size), "PNG", pnginfo=notes), size


def orientation(number: int, order: str) -> bytes:
    """EXIF with an orientation and a resolution of 0/0, in one of two byte orders."""
    head = {"<": b"II*\0", ">": b"MM\0*"}[order] + struct.pack(f"{order}IH", 8, 2)
    turned = struct.pack(f"{order}HHIHH", 0x0112, 3, 1, number, 0)
    resolution = struct.pack(f"{order}HHII", 0x011A, 5, 1, 38)
    return b"Exif\0\0" + head + turned + resolution + bytes(12)


def packed(image: Image.Image, kind: str, **kwargs) -> bytes:
    """A picture as a file of some kind."""
    stream = io.BytesIO()
    image.save(stream, kind, **kwargs)
    return stream.getvalue()
