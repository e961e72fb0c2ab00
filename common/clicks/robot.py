"""The robot user at a photo: how it opens, and what a predictor answers to each of its clicks.

The evaluation counts these answers, and a film strip shows them.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from common.clicks.prompts import Click, Clicker, next_click
from common.clicks.protocol import Predictor, Species
from common.config import UserError

CLICKS = 20
FIRST = ("robot", "random", "jittered", "wrong")
JITTER = 0.05  # of the photo's diagonal


class Reply(NamedTuple):
    """What a predictor says after some clicks.

    Attributes:
        clicks: made so far.
        mask: (H, W) bool.
        score: the IoU that the model expects of it.
        species: the animal and its probability, where the model tells.
        ms: of this answer, in milliseconds.
    """

    clicks: tuple[Click, ...]
    mask: np.ndarray
    score: float
    species: Species | None
    ms: float


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
    centre = next_click(np.zeros(truth.shape, bool), truth)
    if how == "robot":
        return centre
    x, y = rng.normal((centre.x, centre.y), JITTER * math.hypot(*truth.shape))
    height, width = truth.shape
    return Click(float(np.clip(x, 0, width - 1)), float(np.clip(y, 0, height - 1)))


def replies(
    predictor: Predictor, truth: np.ndarray, first: Click, clicks: int = CLICKS
) -> Iterator[Reply]:
    """The answers on the photo that is set: without a click, then after each of ``clicks``.

    The first click meets an empty mask, as in RITM (Sofiiuk et al. 2021); each later one the mask
    before it. Where nothing is wrong any more, the last answer stays as it is.

    Args:
        predictor: has the photo.
        truth: (H, W) uint8: 1 pet, 0 not, 255 border.
        first: of `first_click`.
        clicks: in all.
    """
    clicker, previous = Clicker(), None
    reply, _ = _ask(predictor, clicker, None)
    yield reply
    click: Click | None = first
    for _ in range(clicks):
        if click is not None:
            clicker.add(click)
            reply, previous = _ask(predictor, clicker, previous)
            click = next_click(reply.mask, truth, clicker.clicks)
        yield reply


def _ask(
    predictor: Predictor, clicker: Clicker, previous: np.ndarray | None
) -> tuple[Reply, np.ndarray]:
    """The answer, and its low-resolution logits (1, h, w)."""
    start = time.perf_counter()
    masks, scores, logits = predictor.predict(
        clicker.coords(), clicker.labels(), mask_input=previous, multimask_output=False
    )
    ms = 1000 * (time.perf_counter() - start)
    return Reply(clicker.clicks, masks[0], float(scores[0]), predictor.species, ms), logits
