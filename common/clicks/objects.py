"""Several animals in one photo, each with its own clicks: one mask each, and no pixel in two.

Shapes: H W pixels of the photo, N objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from common.clicks.prompts import Box, Click, Clicker
from common.clicks.protocol import Predictor, Species
from common.config import CLASSES, UserError

MOST = 255  # objects of a photo: their numbers are a PNG's values


@dataclass(frozen=True)
class Prompted:
    """An animal that somebody clicked on or drew a box round, and what it is called."""

    name: str
    clicks: tuple[Click, ...]
    box: Box | None = None


@dataclass(frozen=True, eq=False)
class Segmented:
    """An animal and what a predictor says of it.

    Attributes:
        logits: (H, W) float32, above 0 on the animal; their sigmoid is its soft outline.
        score: the IoU that the model expects of it.
        species: where the model tells and there is a mask.
    """

    name: str
    clicks: tuple[Click, ...]
    logits: np.ndarray
    score: float
    species: Species | None
    box: Box | None = None

    @property
    def mask(self) -> np.ndarray:
        """(H, W) bool."""
        return self.logits > 0

    @property
    def category(self) -> int:
        """Its number among `CLASSES`; 0 where the model does not tell."""
        return CLASSES.index(self.species[0]) if self.species else 0


def segment_objects(predictor: Predictor, objects: Sequence[Prompted]) -> list[Segmented]:
    """The animals of the photo that is set, in the order given.

    A positive click on one animal says of all the others "not this one". A pixel that two masks
    claim goes to the one that is surer of it.

    Raises:
        UserError: there is no object or too many, one has neither box nor positive click, or a
            click is not in the photo.
    """
    if not 0 < len(objects) <= MOST:
        raise UserError(f"{len(objects)} animals: click on 1 to {MOST}")
    found = [_ask(predictor, one, objects) for one in objects]
    logits = apart([one.logits for one in found])
    return [replace(one, logits=mine) for one, mine in zip(found, logits, strict=True)]


def apart(logits: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Logits (H, W) of N animals such that none is above 0 where another one's are higher."""
    if len(logits) < 2:
        return list(logits)
    best, taken, kept = np.maximum.reduce(logits), np.zeros(logits[0].shape, bool), []
    for one in logits:
        mine = (one > 0) & (one == best) & ~taken
        taken |= mine
        kept.append(np.where(mine, one, -np.abs(one)))
    return kept


def _ask(predictor: Predictor, one: Prompted, objects: Sequence[Prompted]) -> Segmented:
    if one.box is None and not any(click.positive for click in one.clicks):
        raise UserError(f"animal {one.name!r} has no click on it; give at least one x,y")
    others = [click for other in objects if other is not one for click in other.clicks]
    not_this = (Click(click.x, click.y, positive=False) for click in others if click.positive)
    clicker = Clicker((*not_this, *one.clicks), one.box)  # the newest, which count most
    return segment(predictor, clicker, one.name, one.clicks)


def segment(
    predictor: Predictor, clicker: Clicker, name: str, clicks: tuple[Click, ...]
) -> Segmented:
    """The animal under a box and clicks on the photo that is set, its outline refined.

    Args:
        name, clicks: what it is called, and which of the clicks are told of it.
    """
    points = clicker.coords(), clicker.labels()
    _, scores, _ = predictor.predict(*points, clicker.box, return_logits=True)
    fine, box = predictor.refine(), clicker.box
    return Segmented(name, clicks, fine, float(scores[0]), predictor.species, box)


def label_map(objects: Sequence[Segmented]) -> np.ndarray:
    """(H, W) uint8: 0 none, else the number of the object, from 1."""
    numbers = np.zeros(objects[0].logits.shape, np.uint8)
    for number, one in enumerate(objects, 1):
        numbers[one.mask] = number
    return numbers
