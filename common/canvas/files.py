"""A photo's prediction as files: the mask, an overlay, and JSON with COCO's run lengths."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from common.clicks.objects import Prompted, coco_file, label_map, segment_objects
from common.clicks.prompts import Click, Clicker
from common.clicks.protocol import Predictor
from common.config import CLASSES, UserError, atomic_path
from common.data.coco import run_lengths
from common.data.photos import read_photo
from common.figures.maps import overlay

DOT = {True: "#2ca02c", False: "#d62728"}  # of a click on the pet, and of one that is not
ENDS = ("_mask.png", "_overlay.png", ".json")


def coco_rle(mask: np.ndarray) -> dict[str, list[int]]:
    """A mask (H, W) bool as COCO stores it, uncompressed: its ``size`` [H, W] and ``counts``."""
    return {"size": list(mask.shape), "counts": run_lengths(mask)}


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
    """The photo (H, W, 3) with the masks (H, W) of classes in their colours and a dot a click."""
    picture = Image.fromarray(overlay(image, classes))
    draw = ImageDraw.Draw(picture)
    reach = max(2, max(picture.size) // 100)
    for click in clicks:
        circle = [click.x - reach, click.y - reach, click.x + reach, click.y + reach]
        draw.ellipse(circle, fill=DOT[click.positive], outline="white", width=max(1, reach // 3))
    return picture


def predict_file(predictor: Predictor, photo: Path, clicks: Sequence[Click], out: Path) -> str:
    """Write mask, overlay and JSON of a photo into ``out``; returns a line on what was found.

    Raises:
        UserError: the photo cannot be read, a click is not in it, or a file not be written.
    """
    image = read_photo(photo)
    clicker = Clicker()
    for click in clicks:
        clicker.add(click)
    try:
        predictor.set_image(image)
        masks, scores, _ = predictor.predict(clicker.coords(), clicker.labels())
    except UserError as error:
        raise UserError(f"{photo}: {error}") from None
    species, score = predictor.species, round(float(scores[0]), 4)
    found = {
        "photo": photo.name,
        "height": image.shape[0],
        "width": image.shape[1],
        "clicks": [{"x": c.x, "y": c.y, "label": int(c.positive)} for c in clicks],
        "score": score,
        "species": species and {"name": species[0], "probability": round(species[1], 4)},
        "area": int(masks[0].sum()),
        "segmentation": coco_rle(masks[0]),
    }
    classes = (masks[0] * (CLASSES.index(species[0]) if species else 1)).astype(np.uint8)
    mask_file, overlay_file, json_file = outputs(photo, out)
    with atomic_path(mask_file) as path:
        Image.fromarray(masks[0].astype(np.uint8) * 255).save(path)
    with atomic_path(overlay_file) as path:
        draw_overlay(image, classes, clicks).save(path)
    with atomic_path(json_file) as path:
        path.write_text(json.dumps(found) + "\n", encoding="utf-8")
    animal = f"{species[0]} ({species[1]:.0%})" if species else "pet"
    return f"{photo}: {animal}, {masks[0].mean():.1%} of the photo, score {score:.2f}"


def predict_objects(
    predictor: Predictor, photo: Path, objects: Sequence[Prompted], out: Path
) -> str:
    """Write several animals' label map, overlay and COCO file; returns a line on each.

    Raises:
        UserError: as of `predict_file`.
    """
    image = read_photo(photo)
    try:
        predictor.set_image(image)
        found = segment_objects(predictor, objects)
    except UserError as error:
        raise UserError(f"{photo}: {error}") from None
    labels_file, overlay_file, json_file = outputs(photo, out, several=True)
    with atomic_path(labels_file) as path:
        Image.fromarray(label_map(found)).save(path)
    kinds = [CLASSES.index(one.species[0]) if one.species else 1 for one in found]
    classes = np.max([one.mask * kind for one, kind in zip(found, kinds, strict=True)], axis=0)
    clicks = [click for one in found for click in one.clicks]
    with atomic_path(overlay_file) as path:
        draw_overlay(image, classes.astype(np.uint8), clicks).save(path)
    with atomic_path(json_file) as path:
        path.write_text(json.dumps(coco_file(photo.name, found)) + "\n", encoding="utf-8")
    told = (
        f"{one.name} ({one.species[0] if one.species else 'animal'}, {one.mask.mean():.1%})"
        for one in found
    )
    return f"{photo}: {', '.join(told)}"


def outputs(photo: Path, out: Path, several: bool = False) -> tuple[Path, Path, Path]:
    """Files of a photo's mask (or label map), overlay and JSON (or COCO file)."""
    ends = ("_labels.png", "_overlay.png", "_coco.json") if several else ENDS
    mask, picture, described = (out / f"{photo.stem}{end}" for end in ends)
    return mask, picture, described


def check_outputs(photos: Sequence[Path], out: Path, several: bool = False) -> None:
    """`UserError` if what one photo gives would replace another photo, or what that one gives."""
    taken = {photo.resolve() for photo in photos}
    for photo in photos:
        for file in outputs(photo, out, several):
            if file.resolve() in taken:
                raise UserError(f"{photo}: {file} is taken; rename a photo, or change --out")
            taken.add(file.resolve())
