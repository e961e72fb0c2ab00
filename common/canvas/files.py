"""A photo's prediction as files: the mask, an overlay, and JSON with COCO's run lengths."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from common.canvas.asked import Asked
from common.canvas.exports import coco_file, cutout, labelme_file, segmentation, told_clicks
from common.canvas.own import refuse_strangers, save_json, save_png
from common.clicks.objects import Segmented, label_map, segment, segment_objects
from common.clicks.prompts import Click, Clicker
from common.clicks.protocol import Predictor
from common.config import UserError
from common.data.geometry import reduced
from common.data.photos import read_warning
from common.figures.maps import overlay
from common.wording import CLICK_COLOURS

WIDEST = 2048  # pixels of an overlay's longer side: it is for looking at


def draw_overlay(image: np.ndarray, classes: np.ndarray, clicks: Sequence[Click]) -> Image.Image:
    """The photo (H, W, 3) with the masks (H, W) of classes in their colours and a dot a click.

    Its longer side has at most `WIDEST` pixels.
    """
    scale = min(1, WIDEST / max(classes.shape))
    image = reduced(image, WIDEST)
    size = image.shape[1::-1]
    classes = np.asarray(Image.fromarray(classes).resize(size, Image.Resampling.NEAREST))
    picture = Image.fromarray(overlay(image, classes))
    draw = ImageDraw.Draw(picture)
    reach = max(2, max(picture.size) // 100)
    for click in clicks:
        x, y = scale * click.x, scale * click.y
        circle = [x - reach, y - reach, x + reach, y + reach]
        draw.ellipse(
            circle, fill=CLICK_COLOURS[click.positive], outline="white", width=max(1, reach // 3)
        )
    return picture


def predict_photo(
    predictor: Predictor,
    photo: Path,
    asked: Asked,
    out: Path,
    source: dict[str, Any],
    read: Callable[[], np.ndarray] | None = None,
) -> str:
    """Write a photo's mask, overlay and JSON into ``out``; returns a line on what was found.

    Several animals give a label map and a COCO file instead.

    Args:
        source: of `source_of`.
        read: gives its pixels, by default `read_warning`.

    Raises:
        UserError: the photo cannot be read, a click is not in it, or a file not be written.
    """
    image = read() if read else read_warning(photo)
    try:
        predictor.set_image(image)
        if asked.objects:
            animals = segment_objects(predictor, asked.objects)
        else:
            prompts = Clicker(asked.clicks, asked.box)
            animals = [segment(predictor, prompts, "pet", asked.clicks)]
    except UserError as error:
        raise UserError(f"{photo}: {error}") from None
    mask_file, overlay_file, json_file, *more = asked.outputs(photo, out)
    labels = label_map(animals)
    with ThreadPoolExecutor(1) as beside:
        drawn = beside.submit(_save_overlay, image, labels, animals, overlay_file)
        mask = labels if asked.objects else labels * np.uint8(255)
        save_png(Image.fromarray(mask), mask_file, compress_type=zlib.Z_RLE)  # it is runs
        if asked.objects:
            found = coco_file([(photo.name, animals)], asked.polygons)
        else:
            found = _described(photo.name, animals[0], asked.polygons)
        drawn.result()
    save_json(found, source, json_file)
    for file in more:
        if file.suffix == ".png":
            save_png(cutout(image, animals), file, compress_level=4)
        else:
            save_json(labelme_file(photo.name, animals), source, file)
    return f"{photo}: {_told(animals, bool(asked.objects))}{asked.loss(animals)}"


def _save_overlay(
    image: np.ndarray, labels: np.ndarray, animals: Sequence[Segmented], file: Path
) -> None:
    kinds = np.array([0, *(one.category or 1 for one in animals)], np.uint8)
    clicks = [click for one in animals for click in one.clicks]
    save_png(draw_overlay(image, kinds[labels], clicks), file, compress_level=1)  # quick


def _described(name: str, one: Segmented, polygons: bool) -> dict[str, Any]:
    """What the JSON of a photo with one animal holds."""
    mask, species = one.mask, one.species
    return {
        "photo": name,
        "height": mask.shape[0],
        "width": mask.shape[1],
        **told_clicks(one),
        "score": round(one.score, 4),
        "species": species and {"name": species[0], "probability": round(species[1], 4)},
        "area": int(mask.sum()),
        "segmentation": segmentation(mask, polygons),
    }


def _told(animals: Sequence[Segmented], several: bool) -> str:
    shares = [one.mask.mean() for one in animals]
    if several:
        kinds = (one.species[0] if one.species else "animal" for one in animals)
        each = zip(animals, kinds, shares, strict=True)
        return ", ".join(f"{one.name} ({kind}, {share:.1%})" for one, kind, share in each)
    (one,) = animals
    animal = f"{one.species[0]} ({one.species[1]:.0%})" if one.species else "pet"
    return f"{animal}, {shares[0]:.1%} of the photo, score {one.score:.2f}"


def check_outputs(photos: Sequence[Path], out: Path, asked: Asked, overwrite: bool) -> None:
    """`UserError` if what a photo gives would replace another photo, or what that one gives.

    Nor are files replaced that `common.predict` did not write, unless ``overwrite`` says so.
    """
    taken = {photo.resolve() for photo in photos}
    for photo in photos:
        for file in asked.outputs(photo, out):
            if file.resolve() in taken:
                raise UserError(f"{photo}: {file} is taken; rename a photo, or change --out")
            taken.add(file.resolve())
    for file in (file for photo in photos for file in asked.outputs(photo, out)):
        refuse_strangers(file, overwrite)
