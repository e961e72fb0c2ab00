"""Several animals in one photo, each with its own clicks: one mask each, and no pixel in two.

Shapes: H W pixels of the photo, N objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from common.clicks.prompts import Click, Clicker
from common.clicks.protocol import Predictor, Species
from common.config import CLASSES, UserError
from common.data.coco import bounding_box, encode_rle

MOST = 255  # objects of a photo: their numbers are a PNG's values


@dataclass(frozen=True)
class Prompted:
    """An animal that somebody clicked on, and what it is called."""

    name: str
    clicks: tuple[Click, ...]


@dataclass(frozen=True, eq=False)
class Segmented:
    """An animal and what a predictor says of it.

    Attributes:
        mask: (H, W) bool.
        score: the IoU that the model expects of it.
        species: where the model tells and there is a mask.
    """

    name: str
    clicks: tuple[Click, ...]
    mask: np.ndarray
    score: float
    species: Species | None


def segment_objects(predictor: Predictor, objects: Sequence[Prompted]) -> list[Segmented]:
    """The animals of the photo that is set, in the order given.

    A positive click on one animal says of all the others "not this one". A pixel that two masks
    claim goes to the one that is surer of it.

    Raises:
        UserError: there is no object or too many, one has no positive click, or a click is not
            in the photo.
    """
    if not 0 < len(objects) <= MOST:
        raise UserError(f"{len(objects)} animals: click on 1 to {MOST}")
    answers = [_ask(predictor, one, objects) for one in objects]
    logits = np.stack([answer[0] for answer in answers])  # (N, H, W)
    owner = np.where((logits > 0).any(0), logits.argmax(0), -1)
    return [
        Segmented(one.name, one.clicks, owner == i, score, species)
        for i, (one, (_, score, species)) in enumerate(zip(objects, answers, strict=True))
    ]


def _ask(
    predictor: Predictor, one: Prompted, objects: Sequence[Prompted]
) -> tuple[np.ndarray, float, Species | None]:
    """Logits (H, W), score and species of an animal."""
    if not any(click.positive for click in one.clicks):
        raise UserError(f"animal {one.name!r} has no click on it; give at least one x,y")
    clicker = Clicker()
    for other in objects:
        for click in other.clicks if other is not one else ():
            if click.positive:
                clicker.add(Click(click.x, click.y, positive=False))
    for click in one.clicks:  # the newest, which count most
        clicker.add(click)
    _, scores, _ = predictor.predict(clicker.coords(), clicker.labels(), return_logits=True)
    return predictor.refine(), float(scores[0]), predictor.species


def label_map(objects: Sequence[Segmented]) -> np.ndarray:
    """(H, W) uint8: 0 none, else the number of the object, from 1."""
    numbers = np.zeros(objects[0].mask.shape, np.uint8)
    for number, one in enumerate(objects, 1):
        numbers[one.mask] = number
    return numbers


def coco_file(photo: str, objects: Sequence[Segmented]) -> dict[str, Any]:
    """What COCO's tools read of a photo and its animals: images, annotations, categories."""
    height, width = objects[0].mask.shape
    annotations = [
        {
            "id": number,
            "image_id": 1,
            "category_id": CLASSES.index(one.species[0]) if one.species else 0,
            "name": one.name,
            "segmentation": encode_rle(one.mask),
            "area": int(one.mask.sum()),
            "bbox": bounding_box(one.mask),
            "iscrowd": 0,
            "score": round(one.score, 4),
            "clicks": [{"x": c.x, "y": c.y, "label": int(c.positive)} for c in one.clicks],
        }
        for number, one in enumerate(objects, 1)
    ]
    return {
        "images": [{"id": 1, "file_name": photo, "height": height, "width": width}],
        "annotations": annotations,
        "categories": [
            {"id": number, "name": name if number else "animal"}
            for number, name in enumerate(CLASSES)
        ],
    }
