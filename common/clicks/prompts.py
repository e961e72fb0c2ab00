"""Clicks, by a person or by the robot user, without any user interface.

Points are (x, y) in pixels of the native photo, x to the right and y down from its upper left
corner. A point lies in the pixel of column floor(x) and row floor(y); whole numbers name a pixel.
A box is (x0, y0, x1, y1), its upper left and its lower right corner, as `SamPredictor` takes it.

Shapes: H W pixels of the photo, M points.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.ndimage import distance_transform_edt

from common.config import GROUND, IGNORE, PET, UserError

VERSION = 1  # raise it when another click would follow from the same masks

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Click:
    """A point in the photo, and whether it belongs to the pet."""

    x: float
    y: float
    positive: bool = True


@dataclass(frozen=True)
class Stroke:
    """A line painted by hand: its pixels are the pet's or, erased, are not, whatever a model says.

    Attributes:
        points: (x, y) along its middle.
        radius: half its width, in pixels.
        after: how many clicks were made before it: a later one that contradicts it wins.
    """

    points: tuple[tuple[float, float], ...]
    radius: float
    positive: bool = True
    after: int = 0


@dataclass(frozen=True, eq=False)
class Given:
    """A mask that was there before it was clicked on: found by a model, or read from a file.

    Attributes:
        logits: (H, W) int8, above 0 in the mask.
        anchors: positive clicks that stand for it where it is to be corrected.
        after: how many clicks chose it, and change nothing of it.
        model: that found it, and whose own it is; "" is anybody's.
        score, species: where they are known; species with its probability.
        fine: whether its outline is to stay as it is.
    """

    logits: np.ndarray
    anchors: tuple[Click, ...]
    after: int = 0
    model: str = ""
    score: float | None = None
    species: tuple[str, float] | None = None
    fine: bool = False


@dataclass(frozen=True)
class Pointed:
    """All that points at an animal: clicks, a box, strokes, and a mask to begin with."""

    clicks: tuple[Click, ...] = ()
    box: Box | None = None
    strokes: tuple[Stroke, ...] = ()
    given: Given | None = None

    @property
    def stands(self) -> bool:
        """Whether the given mask is the answer, as nothing was asked of a model since."""
        return self.given is not None and not self.box and len(self.clicks) <= self.given.after


class Clicker:
    """What points at an animal so far; each change can be taken back, and taken back again."""

    def __init__(
        self, clicks: Iterable[Click] = (), box: Box | None = None, given: Given | None = None
    ) -> None:
        self._states = [Pointed(tuple(clicks), box, given=given)]
        self._now = 0

    @property
    def now(self) -> Pointed:
        """All of it."""
        return self._states[self._now]

    @property
    def box(self) -> Box | None:
        """Round the animal, where one was drawn."""
        return self.now.box

    @property
    def clicks(self) -> tuple[Click, ...]:
        """In the order they were made."""
        return self.now.clicks

    @property
    def can_undo(self) -> bool:
        """Whether `undo` would change anything."""
        return self._now > 0

    @property
    def can_redo(self) -> bool:
        """Whether `redo` would change anything."""
        return self._now < len(self._states) - 1

    def add(self, click: Click) -> None:
        """One more click; what was undone is forgotten."""
        self._become(clicks=(*self.clicks, click))

    def draw(self, box: Box) -> None:
        """A box, in place of any before it; the clicks stay, as corrections of what it gives."""
        self._become(box=box)

    def paint(self, stroke: Stroke) -> None:
        """One more stroke of the brush."""
        stroke = replace(stroke, after=len(self.clicks))
        self._become(strokes=(*self.now.strokes, stroke))

    def take(self, click: Click, given: Given) -> None:
        """A mask that was found, by a click on it."""
        self._become(clicks=(click,), given=replace(given, after=1))

    def move(self, index: int, click: Click) -> None:
        """Another click in the place of one; a mask that it chose is not chosen any more."""
        given = self.now.given
        if given is not None and index < given.after:
            given = None
        self._become(clicks=(*self.clicks[:index], click, *self.clicks[index + 1 :]), given=given)

    def clear(self) -> None:
        """Nothing of it any more; `undo` brings it back."""
        if self.now != Pointed():
            self._become(clicks=(), box=None, strokes=(), given=None)

    def undo(self) -> None:
        """Take back the last change, if there is one."""
        self._now = max(0, self._now - 1)

    def redo(self) -> None:
        """Do again what was undone last, if anything was."""
        self._now = min(len(self._states) - 1, self._now + 1)

    def coords(self) -> np.ndarray:
        """Points (M, 2) float32, (x, y)."""
        points = [(click.x, click.y) for click in self.clicks]
        return np.array(points, np.float32).reshape(-1, 2)

    def labels(self) -> np.ndarray:
        """Labels (M,) int64: 1 the pet, 0 not the pet."""
        return np.array([click.positive for click in self.clicks], np.int64)

    def _become(self, **changes: Any) -> None:
        self._states = [*self._states[: self._now + 1], replace(self.now, **changes)]
        self._now += 1


def to_rows_columns(coords: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points (M, 2), (x, y) -> the rows (M,) and columns (M,) of their pixels, as integers."""
    columns, rows = np.floor(np.reshape(coords, (-1, 2))).astype(np.int64).T
    return rows, columns


def pet_truth(mask: np.ndarray) -> np.ndarray:
    """Classes (H, W) of 0, 1, 2, 255 -> (H, W) uint8: 1 the pet, 0 not, 255 border."""
    return np.where(mask == IGNORE, IGNORE, mask > 0).astype(np.uint8)


def depth(region: np.ndarray) -> np.ndarray:
    """Distance of each pixel to the nearest outside its region (H, W) bool: (H, W) float.

    It is 0 outside, where all that lies beyond the photo is too (the protocol's padding by 1).
    """
    return distance_transform_edt(np.pad(region, 1))[1:-1, 1:-1]


def next_click(
    predicted: np.ndarray, truth: np.ndarray, taken: Sequence[Click] = ()
) -> Click | None:
    """What the robot user clicks at, as in RITM (Sofiiuk et al. 2021), or None if all is right.

    The point deepest inside what was missed, or inside what was added if that is as deep or
    deeper; of several, the uppermost, and of those the leftmost. On an empty mask this is the
    centre of the pet.

    Args:
        predicted: (H, W) bool.
        truth: (H, W) uint8: 1 the pet, 0 not, 255 border, which is never wrong.
        taken: clicks made before; no pixel is clicked twice.
    """
    if predicted.shape != truth.shape:
        raise UserError(f"a mask of {predicted.shape} and a truth of {truth.shape} do not fit")
    free = np.ones(truth.shape, bool)
    free[to_rows_columns(np.array([(click.x, click.y) for click in taken]))] = False
    missed = depth((truth == PET) & ~predicted) * free
    added = depth((truth == GROUND) & predicted) * free
    positive = bool(missed.max() > added.max())
    depths = missed if positive else added
    if not depths.any():
        return None
    row, column = np.unravel_index(depths.argmax(), depths.shape)
    return Click(float(column), float(row), positive)
