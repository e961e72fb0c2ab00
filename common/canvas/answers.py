"""What models answer to clicks on a photo: loaded when first asked, each photo read only once.

Shapes: H W pixels of the photo, h w the masks' coarse grid.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from common.clicks.brush import SURE, middles, painted, standing
from common.clicks.prompts import Clicker, Pointed
from common.clicks.protocol import Predictor, Species
from common.clicks.robot import reply
from common.config import UserError, mask_iou

STEPS = 16  # of a logit: 8 is as sure as an int8 tells, or an eye
KEPT = 200  # coarse masks of 256 kB or so, for going back and forth


@dataclass(frozen=True, eq=False)
class Photo:
    """What can be clicked on.

    Attributes:
        name: unique, and shown.
        image: (H, W, 3) uint8 RGB.
        truth: (H, W) uint8: 1 the pet, 0 not, 255 border; None if unknown.
        credit: author and licence, shown with the photo.
    """

    name: str
    image: np.ndarray
    truth: np.ndarray | None = None
    credit: str = ""

    def __post_init__(self) -> None:
        shape = np.shape(self.image)
        if len(shape) != 3 or shape[2] != 3 or 0 in shape or self.image.dtype != np.uint8:
            raise UserError(f"photo {self.name!r} must be (H, W, 3) uint8, not {shape}")
        if self.truth is not None and self.truth.shape != shape[:2]:
            raise UserError(f"photo {self.name!r}: a truth of {self.truth.shape} does not fit it")


@dataclass(frozen=True, eq=False)
class Answer:
    """A mask and what to tell of it.

    Attributes:
        logits: (H, W) int8, above 0 in the mask, in steps of 1 / `STEPS`.
        score: how good the model thinks it is, in [0, 1].
        iou: how good it is, border ignored; None where the truth is unknown.
        species: "cat" or "dog" and its probability, where the model tells.
        ms: the model's time for the last click, in milliseconds.
        fine: whether the outline is refined.
    """

    logits: np.ndarray
    score: float | None = None
    species: Species | None = None
    ms: float | None = None
    fine: bool = False

    @property
    def mask(self) -> np.ndarray:
        """(H, W) bool."""
        return self.logits > 0


def packed(logits: np.ndarray) -> np.ndarray:
    """Logits (H, W) as int8, a quarter of the bytes; those above 0, and no others, stay so."""
    steps = (STEPS * logits).round().clip(-127, 127).astype(np.int8)
    return np.where(logits > 0, steps.clip(1), steps.clip(None, 0))


_Asked = tuple[str, Photo, Pointed]  # a model, and what it is asked about a photo


class Models:
    """Predictors by name.

    Args:
        loaders: by name, what returns a predictor that nobody else uses; called once.

    Raises:
        UserError: there is none.
    """

    def __init__(self, loaders: Mapping[str, Callable[[], Predictor]]) -> None:
        if not loaders:
            raise UserError("there is no model to click with; give at least one")
        self._loaders = dict(loaders)
        self._loaded: dict[str, Predictor] = {}
        self._read: dict[str, Photo] = {}  # by model, the photo it has read
        self._logits: dict[_Asked, tuple[np.ndarray, int | None]] = {}  # (1, h, w), `_base`

    @property
    def names(self) -> list[str]:
        """In the order they were given."""
        return list(self._loaders)

    def prepare(self, name: str, photo: Photo) -> Predictor:
        """Load a model and let it read a photo, unless it has."""
        if name not in self._loaded:
            self._loaded[name] = self._loaders[name]()
        predictor = self._loaded[name]
        if self._read.get(name) is not photo:
            self._read.pop(name, None)  # should it fail, the one before is gone as well
            predictor.set_image(photo.image)
            self._read[name] = photo
        return predictor

    def ask(self, name: str, photo: Photo, prompts: Pointed, fine: bool = False) -> Answer:
        """The mask in a box and under clicks, which refines what was said to fewer of them.

        What the model said is remembered: the same clicks always give the same mask. Several new
        ones are answered at once; where nothing was said to any, one after the other. What is
        painted by hand is laid over it, and a later click tells the model of it.

        Args:
            prompts: what points at the animal; a mask that another model found counts for nothing.
            fine: whether the outline is refined, which takes longer.
        """
        if prompts.given and prompts.given.model not in ("", name):
            prompts = replace(prompts, given=None)
        given, asked = prompts.given, _first(prompts, len(prompts.clicks))
        if given and prompts.stands and (given.fine or not fine):
            answer = Answer(given.logits, given.score, given.species, fine=given.fine)
        elif asked == Pointed():
            answer = Answer(np.zeros(photo.image.shape[:2], np.int8), fine=True)
        else:
            answer = self._ask(name, photo, asked, fine)
        logits = painted(answer.logits, prompts.strokes, prompts.clicks)
        return replace(answer, logits=logits)

    def _ask(self, name: str, photo: Photo, prompts: Pointed, fine: bool) -> Answer:
        predictor = self.prepare(name, photo)
        base, given = self._base(name, photo, prompts), prompts.given
        previous = None if base is None else self._logits[name, photo, _first(prompts, base)][0]
        whole = len(prompts.clicks)
        first = whole if base is not None else 0 if prompts.box else 1
        if given and base is None:
            first = min(whole, given.after + 1)
            if not prompts.stands:
                previous = predictor.mask_input(given.logits / np.float32(STEPS))
        anchors = given.anchors if given else ()
        for count in range(first, whole + 1):
            asked = _first(prompts, count)
            clicks = anchors if prompts.stands else (*anchors, *asked.clicks)
            if asked.strokes:
                fixed = standing(asked.strokes, asked.clicks, photo.image.shape[:2])
                clicks = (*middles(asked.strokes, fixed), *clicks)
                coarse = predictor.mask_input(fixed * np.float32(SURE / STEPS))
                if previous is not None and previous.shape == coarse.shape:
                    previous = np.where(abs(coarse) > SURE / STEPS / 2, coarse, previous)
            last = reply(predictor, Clicker(clicks, asked.box), previous)
            self._remember((name, photo, asked), (last.logits, base))
            base, previous = count, last.logits
        score = last.score if math.isfinite(last.score) else None
        logits = packed(predictor.refine() if fine else last.native)
        return Answer(logits, score, last.species, last.ms, fine)

    def _base(self, name: str, photo: Photo, prompts: Pointed) -> int | None:
        """How many of the clicks were answered before, or were when these were; None: none."""
        if prompts.stands:
            return None
        known = self._logits.get((name, photo, prompts))
        counts = [known[1]] if known else range(len(prompts.clicks) - 1, -1, -1)
        there = (n for n in counts if n is not None)
        return next((n for n in there if (name, photo, _first(prompts, n)) in self._logits), None)

    def _remember(self, asked: _Asked, answered: tuple[np.ndarray, int | None]) -> None:
        self._logits[asked] = answered
        if len(self._logits) > KEPT:
            del self._logits[next(iter(self._logits))]


def _first(prompts: Pointed, count: int) -> Pointed:
    """The same with the first of its clicks alone, and what was painted before the last."""
    before = tuple(stroke for stroke in prompts.strokes if stroke.after < count)
    return replace(prompts, clicks=prompts.clicks[:count], strokes=before)


def iou(mask: np.ndarray, truth: np.ndarray | None) -> float | None:
    """`mask_iou` of a mask (H, W) bool where the truth is known."""
    return None if truth is None else float(mask_iou(mask, truth))
