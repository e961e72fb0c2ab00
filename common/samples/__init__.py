"""Four free photos that ship with the project, each with a mask drawn from its polygons."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageOps

from common.config import CLASSES, IGNORE, SAMPLES, UserError

TO_CLICK = ("kitten", "german_shepherd", "chelsea", "cat_with_yarn")  # as a user finds them


@dataclass(frozen=True, eq=False)
class Sample:
    """A photo with its true mask.

    Attributes:
        name: file name without extension.
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) uint8; 0 background, 1 cat, 2 dog, 255 border band (never scored).
        species: "cat" or "dog".
        title: short caption.
        credit: author and licence, to be shown wherever the photo or a derivative appears.
    """

    name: str
    image: np.ndarray
    mask: np.ndarray
    species: str
    title: str
    credit: str


def list_samples() -> list[str]:
    """Names of the photos, always in the same order."""
    return list(_records())


def load_sample(name: str) -> Sample:
    """Load one photo and draw its mask.

    Raises:
        UserError: there is no such photo; the message names the choices.
    """
    records = _records()
    if name not in records:
        raise UserError(f"no sample photo named {name!r}; choose one of: {', '.join(records)}")
    record = records[name]
    with Image.open(SAMPLES / record["file"]) as photo:
        image = np.asarray(ImageOps.exif_transpose(photo).convert("RGB"))
    mask = _draw_mask(record)
    texts = {key: record[key] for key in ("species", "title", "credit")}
    return Sample(name=name, image=image, mask=mask, **texts)


def load_samples() -> list[Sample]:
    """All photos, in the order of `list_samples`."""
    return [load_sample(name) for name in list_samples()]


def samples_to_click() -> list[Sample]:
    """The same in another order: from what one click takes to what yarn cuts in two."""
    return sorted(load_samples(), key=lambda sample: TO_CLICK.index(sample.name))


def _records() -> dict[str, dict[str, Any]]:
    """Entries of ``polygons.json`` by name."""
    text = (SAMPLES / "polygons.json").read_text(encoding="utf-8")
    return {Path(record["file"]).stem: record for record in json.loads(text)["photos"]}


def _draw_mask(record: dict[str, Any]) -> np.ndarray:
    """Fill outlines with the species, holes with background, then lay the border over both."""
    canvas = Image.new("L", tuple(record["size"]), 0)
    draw = ImageDraw.Draw(canvas)
    for value, key in ((CLASSES.index(record["species"]), "outline"), (0, "holes")):
        for polygon in record[key]:
            draw.polygon([tuple(point) for point in polygon], fill=value)
    for polygon in record["outline"] + record["holes"]:
        _draw_border(draw, polygon, canvas.size, record["border_width"])
    return np.array(canvas)


def _draw_border(
    draw: ImageDraw.ImageDraw, polygon: list[list[int]], size: tuple[int, int], width: int
) -> None:
    """Draw the closed polygon as a band of ``width`` pixels, but not where the photo cuts it."""
    reach = (width - 1) / 2
    for (x0, y0), (x1, y1) in zip(polygon, polygon[1:] + polygon[:1], strict=True):
        if x0 == x1 in (0, size[0] - 1) or y0 == y1 in (0, size[1] - 1):
            continue
        draw.line([(x0, y0), (x1, y1)], fill=IGNORE, width=width)
        for x, y in ((x0, y0), (x1, y1)):  # a round joint: thick lines leave gaps at corners
            draw.ellipse([x - reach, y - reach, x + reach, y + reach], fill=IGNORE)
