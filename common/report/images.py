"""Pictures as they enter the report: embedded, photographs packed as JPEG, drawings as they are.

A notebook's PNG keeps every pixel of a sheet of photos; a reader of the report cannot tell it
from a JPEG of well under half the weight. Line art would blur and gains nothing, so it stays.
WebP is lighter still, but a browser that prints unpacks it, and the PDF weighs four times as much.
"""

import base64
import io
import re
from html import escape
from urllib.parse import quote

from PIL import Image

READ = " \n~!@$*()=:/,;?+'<>"  # characters that mean themselves in a data address
PHOTOGRAPHIC = 0.2  # bytes a pixel of the PNG: drawings need 0.05 to 0.14, photos 0.3 to 1.5
QUALITY = 86  # of the JPEG, its colours at full resolution: lettering on such sheets stays clean


def image_html(mime: str, data: bytes, alt: str) -> str:
    """``<img>`` with the picture inside; an SVG in an ``<img>`` can neither run nor load."""
    width, height = image_size(mime, data)
    mime, data = packed(mime, data)
    url = f"data:{mime};base64,{base64.b64encode(data).decode()}"
    if mime == "image/svg+xml" and b"'" not in data:  # as text it is a quarter lighter
        url = f"data:{mime}," + quote(data.decode().replace('"', "'"), safe=READ)
    shape = f' width="{width:.0f}" height="{height:.0f}"' if width and height else ""
    return f'<img src="{url}" alt="{escape(alt)}"{shape}>'


def image_size(mime: str, data: bytes) -> tuple[float, float]:
    """Width and height in CSS pixels (96 an inch); (0, 0) where the picture does not say."""
    if mime == "image/svg+xml":
        box = re.search(rb'viewBox="[\d.+-]+[ ,]+[\d.+-]+[ ,]+([\d.]+)[ ,]+([\d.]+)"', data[:4000])
        return (float(box[1]) * 4 / 3, float(box[2]) * 4 / 3) if box else (0, 0)
    try:
        with Image.open(io.BytesIO(data)) as image:
            scale = 96 / max(float(image.info.get("dpi", (96, 96))[0]), 72)
            return image.width * scale, image.height * scale
    except (OSError, ValueError):
        return 0, 0


def packed(mime: str, data: bytes) -> tuple[str, bytes]:
    """The lightest form that looks the same: a photographic PNG becomes a JPEG of equal size.

    Args:
        mime: type of the picture.
        data: its bytes; anything but a readable PNG passes through.

    Returns:
        Type and bytes of the picture to embed.
    """
    if mime != "image/png":
        return mime, data
    stream = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data)) as image:
            if len(data) < PHOTOGRAPHIC * image.width * image.height:
                return mime, data
            colours = image.convert("RGBA")
    except (OSError, ValueError):
        return mime, data
    flat = Image.alpha_composite(Image.new("RGBA", colours.size, "white"), colours).convert("RGB")
    flat.save(stream, "JPEG", quality=QUALITY, subsampling=0, optimize=True)
    smaller = stream.getvalue()
    return ("image/jpeg", smaller) if len(smaller) < len(data) else (mime, data)
