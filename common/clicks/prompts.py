"""Clicks, by a person or by the robot user, without any user interface.

Points are (x, y) in pixels of the native photo, x to the right and y down from its upper left
corner. A point lies in the pixel of column floor(x) and row floor(y); whole numbers name a pixel.
A box is (x0, y0, x1, y1), its upper left and its lower right corner, as `SamPredictor` takes it.

Shapes: H W pixels of the photo, M points.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

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


class Clicker:
    """A box and the clicks so far; each change can be taken back, and taken back again."""

    def __init__(self, clicks: Iterable[Click] = (), box: Box | None = None) -> None:
        self._states: list[tuple[Box | None, tuple[Click, ...]]] = [(box, tuple(clicks))]
        self._now = 0

    @property
    def box(self) -> Box | None:
        """Round the animal, where one was drawn."""
        return self._states[self._now][0]

    @property
    def clicks(self) -> tuple[Click, ...]:
        """In the order they were made."""
        return self._states[self._now][1]

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
        self._become(self.box, (*self.clicks, click))

    def draw(self, box: Box) -> None:
        """A box, in place of any before it; the clicks stay, as corrections of what it gives."""
        self._become(box, self.clicks)

    def move(self, index: int, click: Click) -> None:
        """Another click in the place of one."""
        self._become(self.box, (*self.clicks[:index], click, *self.clicks[index + 1 :]))

    def clear(self) -> None:
        """No box and no click any more; `undo` brings them back."""
        if self.box or self.clicks:
            self._become(None, ())

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

    def _become(self, box: Box | None, clicks: tuple[Click, ...]) -> None:
        self._states = [*self._states[: self._now + 1], (box, clicks)]
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
