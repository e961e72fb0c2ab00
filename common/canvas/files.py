"""A photo's prediction as files: the mask, an overlay, and JSON with COCO's run lengths."""

from __future__ import annotations

import sys
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from common.canvas.own import is_ours, save_json, save_png
from common.clicks.objects import Prompted, coco_file, label_map, segment_objects
from common.clicks.prompts import Click, Clicker
from common.clicks.protocol import Predictor
from common.config import CLASSES, UserError
from common.data.coco import encode_rle
from common.data.photos import read_photo
from common.figures.maps import overlay

DOT = {True: "#2ca02c", False: "#d62728"}  # of a click on the pet, and of one that is not
WIDEST = 2048  # pixels of an overlay's longer side: it is for looking at
ENDS = ("_mask.png", "_overlay.png", ".json")


def parse_click(text: str) -> Click:
    """ "120,80" or "120,80,0" -> a click."""
    try:
        x, y, label = [float(part) for part in [*text.split(","), "1"][:3]]
    except ValueError:
        raise UserError(f"--click {text!r} is not x,y or x,y,label: as in 120,80") from None
    if label not in (0, 1) or text.count(",") > 2:
        raise UserError(f"--click {text!r}: the label is 1 (the pet) or 0 (not the pet)")
    return Click(x, y, bool(label))


def parse_object(text: str, number: int) -> Prompted:
    """ "Tom: 120,80 300,40,0" or "120,80 300,40,0" -> an animal and its clicks."""
    name, colon, clicks = text.rpartition(":")
    found = tuple(parse_click(click) for click in clicks.split())
    if not any(click.positive for click in found) or (colon and not name.strip()):
        raise UserError(
            f"--object {text!r} is not NAME: x,y x,y,0 with a click on the animal, as in "
            "'Tom: 120,80 300,40,0'"
        )
    return Prompted(name.strip() or f"animal {number}", found)


def draw_overlay(image: np.ndarray, classes: np.ndarray, clicks: Sequence[Click]) -> Image.Image:
    """The photo (H, W, 3) with the masks (H, W) of classes in their colours and a dot a click.

    Its longer side has at most `WIDEST` pixels.
    """
    scale = min(1, WIDEST / max(classes.shape))
    if scale < 1:
        size = [max(1, round(scale * edge)) for edge in reversed(classes.shape)]
        small = Image.fromarray(image).resize(size, Image.Resampling.BOX, reducing_gap=1.0)
        image = np.asarray(small)
        classes = np.asarray(Image.fromarray(classes).resize(size, Image.Resampling.NEAREST))
    picture = Image.fromarray(overlay(image, classes))
    draw = ImageDraw.Draw(picture)
    reach = max(2, max(picture.size) // 100)
    for click in clicks:
        x, y = scale * click.x, scale * click.y
        circle = [x - reach, y - reach, x + reach, y + reach]
        draw.ellipse(circle, fill=DOT[click.positive], outline="white", width=max(1, reach // 3))
    return picture


def predict_photo(
    predictor: Predictor,
    photo: Path,
    prompts: Sequence[Click] | Sequence[Prompted],
    out: Path,
    source: dict[str, Any],
) -> str:
    """Write a photo's mask, overlay and JSON into ``out``; returns a line on what was found.

    Several animals give a label map and a COCO file instead.

    Args:
        prompts: clicks on the one animal, or an animal each.
        source: of `source_of`.

    Raises:
        UserError: the photo cannot be read, a click is not in it, or a file not be written.
    """
    image = read_photo(photo, warn=lambda line: print(f"warning: {line}", file=sys.stderr))
    objects = [one for one in prompts if isinstance(one, Prompted)]
    clicks = [one for one in prompts if isinstance(one, Click)]
    clicks += [click for one in objects for click in one.clicks]
    try:
        predictor.set_image(image)
        name = photo.name
        answer = (
            _animals(predictor, objects, name) if objects else _animal(predictor, clicks, name)
        )
    except UserError as error:
        raise UserError(f"{photo}: {error}") from None
    mask, classes, found, told = answer
    mask_file, overlay_file, json_file = outputs(photo, out, bool(objects))
    save_png(Image.fromarray(mask), mask_file, compress_type=zlib.Z_RLE)  # it is runs
    save_png(draw_overlay(image, classes, clicks), overlay_file, compress_level=1)  # quick
    save_json(found, source, json_file)
    return f"{photo}: {told}"


Written = tuple[np.ndarray, np.ndarray, dict[str, Any], str]
"""Mask or labels (H, W) uint8, classes (H, W) uint8, the JSON's content, a line."""


def _animal(predictor: Predictor, clicks: Sequence[Click], name: str) -> Written:
    clicker = Clicker()
    for click in clicks:
        clicker.add(click)
    _, scores, _ = predictor.predict(clicker.coords(), clicker.labels(), return_logits=True)
    mask, species, score = predictor.refine() > 0, predictor.species, round(float(scores[0]), 4)
    found = {
        "photo": name,
        "height": mask.shape[0],
        "width": mask.shape[1],
        "clicks": [{"x": c.x, "y": c.y, "label": int(c.positive)} for c in clicks],
        "score": score,
        "species": species and {"name": species[0], "probability": round(species[1], 4)},
        "area": int(mask.sum()),
        "segmentation": encode_rle(mask),
    }
    kind = np.uint8(CLASSES.index(species[0]) if species else 1)
    animal = f"{species[0]} ({species[1]:.0%})" if species else "pet"
    told = f"{animal}, {mask.mean():.1%} of the photo, score {score:.2f}"
    return mask * np.uint8(255), mask * kind, found, told


def _animals(predictor: Predictor, objects: Sequence[Prompted], name: str) -> Written:
    found = segment_objects(predictor, objects)
    kinds = [np.uint8(CLASSES.index(one.species[0]) if one.species else 1) for one in found]
    classes = np.max([one.mask * kind for one, kind in zip(found, kinds, strict=True)], axis=0)
    told = ", ".join(
        f"{one.name} ({one.species[0] if one.species else 'animal'}, {one.mask.mean():.1%})"
        for one in found
    )
    return label_map(found), classes, coco_file(name, found), told


def outputs(photo: Path, out: Path, several: bool = False) -> tuple[Path, Path, Path]:
    """Files of a photo's mask (or label map), overlay and JSON (or COCO file)."""
    ends = ("_labels.png", "_overlay.png", "_coco.json") if several else ENDS
    mask, picture, described = (out / f"{photo.stem}{end}" for end in ends)
    return mask, picture, described


def check_outputs(
    photos: Sequence[Path], out: Path, several: bool = False, overwrite: bool = False
) -> None:
    """`UserError` if what a photo gives would replace another photo, or what that one gives.

    Nor are files replaced that `common.predict` did not write, unless ``overwrite`` says so.
    """
    taken = {photo.resolve() for photo in photos}
    for photo in photos:
        for file in outputs(photo, out, several):
            if file.resolve() in taken:
                raise UserError(f"{photo}: {file} is taken; rename a photo, or change --out")
            taken.add(file.resolve())
    for file in (file for photo in photos for file in outputs(photo, out, several)):
        try:
            there = file.exists()
        except OSError as error:  # a name that is too long
            raise UserError(f"{out}: no such folder can be ({error.strerror})") from None
        if there and not (overwrite or is_ours(file)):
            raise UserError(
                f"{file} is there, and common.predict did not write it; change --out, or give "
                "--overwrite to replace it"
            )
