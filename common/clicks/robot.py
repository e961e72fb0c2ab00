"""The robot user at a photo: how it opens, and the loop of click, answer and next click.

The evaluation counts the answers, training validates with them, and a film strip shows them.
"""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from common.clicks import CLICKS, FIRST
from common.clicks.prompts import Box, Click, Clicker, next_click
from common.clicks.protocol import Predictor, Species
from common.config import UserError

VERSION = 1  # raise it when the robot would click elsewhere
JITTER = 0.05  # of the photo's diagonal


class HasMasks(Protocol):
    """An answer on B photos, of which `click_rounds` needs the masks alone."""

    @property
    def masks(self) -> np.ndarray:
        """(B, H, W) bool."""


Answer = TypeVar("Answer", bound=HasMasks)


class Reply(NamedTuple):
    """What a predictor says after some clicks on one photo.

    Attributes:
        clicks: made so far.
        mask: (H, W) bool.
        score: the IoU that the model expects of it.
        species: the animal and its probability, where the model tells.
        ms: of this answer, in milliseconds.
        logits: (1, h, w), for the next answer to refine.
        native: (H, W) float32, above 0 in the mask.
    """

    clicks: tuple[Click, ...]
    mask: np.ndarray
    score: float
    species: Species | None
    ms: float
    logits: np.ndarray
    native: np.ndarray

    @property
    def masks(self) -> np.ndarray:
        """(1, H, W) bool."""
        return self.mask[None]


def centre(truth: np.ndarray) -> Click:
    """The point deepest inside the pet: the robot's first click."""
    click = next_click(np.zeros(truth.shape, bool), truth)
    if click is None:
        raise UserError("there is no pet to click on: the true mask is empty")
    return click


def first_click(how: str, truth: np.ndarray, rng: np.random.Generator) -> Click:
    """The click that opens a photo.

    Args:
        how: "robot" the pet's centre; "random" anywhere on it; "jittered" the centre, missed by
            5 % of the diagonal; "wrong" on the ground, though labelled as pet.
        truth: (H, W) uint8: 1 pet, 0 not, 255 border.
        rng: for the last three.
    """
    if how not in FIRST:
        raise UserError(f"first click {how!r} is unknown; choose one of {', '.join(FIRST)}")
    if how in ("random", "wrong"):
        rows, columns = np.nonzero(truth == (how == "random"))
        chosen = rng.integers(len(rows))
        return Click(float(columns[chosen]), float(rows[chosen]))
    middle = centre(truth)
    if how == "robot":
        return middle
    x, y = rng.normal((middle.x, middle.y), JITTER * math.hypot(*truth.shape))
    height, width = truth.shape
    return Click(float(np.clip(x, 0, width - 1)), float(np.clip(y, 0, height - 1)))


def click_rounds(
    ask: Callable[[Sequence[Clicker], Answer | None], Answer],
    truths: Sequence[np.ndarray],
    clicks: int = CLICKS,
    first: Click | None = None,
    box: Box | None = None,
) -> Iterator[Answer]:
    """The answers on B photos: without a click, then after each of ``clicks``.

    The first click meets an empty mask, as in RITM (Sofiiuk et al. 2021), or what a box gives;
    each later one the mask before it. A photo with nothing wrong gets no more clicks; where none
    has, the last answer stays as it is.

    Args:
        ask: the users (B) and the answer to be refined (None: there is none yet) -> the next.
        truths: B of (H, W) uint8: 1 pet, 0 not, 255 border.
        clicks: on each photo, at most.
        first: opens every photo; by default each one's `centre`.
        box: round the animal in every photo, before any click.
    """
    clickers = [Clicker(box=box) for _ in truths]
    answer, before = ask(clickers, None), None
    masks = np.zeros_like(answer.masks)
    if box is not None:
        before, masks = answer, answer.masks
    yield answer
    for number in range(clicks):
        made = [
            first if first and number == 0 else next_click(mask, truth, clicker.clicks)
            for clicker, mask, truth in zip(clickers, masks, truths, strict=True)
        ]
        for clicker, click in zip(clickers, made, strict=True):
            if click:
                clicker.add(click)
        if any(made):
            answer = before = ask(clickers, before)
            masks = answer.masks
        yield answer


def replies(
    predictor: Predictor,
    truth: np.ndarray,
    first: Click | None = None,
    clicks: int = CLICKS,
    box: Box | None = None,
) -> Iterator[Reply]:
    """`click_rounds` on the one photo (H, W) that a predictor has been given."""

    def ask(clickers: Sequence[Clicker], before: Reply | None) -> Reply:
        return reply(predictor, clickers[0], before and before.logits)

    return click_rounds(ask, [truth], clicks, first, box)


def reply(predictor: Predictor, clicker: Clicker, previous: np.ndarray | None = None) -> Reply:
    """What a predictor says to some clicks, refining ``previous`` (1, h, w), and how soon."""
    start = time.perf_counter()
    (native,), scores, logits = predictor.predict(
        clicker.coords(), clicker.labels(), clicker.box, previous, return_logits=True
    )
    ms = 1000 * (time.perf_counter() - start)
    mask, species = native > 0, predictor.species
    return Reply(clicker.clicks, mask, float(scores[0]), species, ms, logits, native)
