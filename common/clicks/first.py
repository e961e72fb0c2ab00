"""The answer to the first clicks on a photo: two looks, and what they show is one animal.

The second look, from near, knows nothing of the first (Sofiiuk et al. 2021 look again as well);
where another animal has the better claim to a part, it goes (`rivals`). An animal alone that fills
the frame is what a network of single animals knows best: it gives the second opinion.

Shapes: S the model's square, s the edge of its mask's grid, M points, (x, y) in pixels of the
photo.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from common.clicks.looks import Answer, Looks, resized, seen_in
from common.clicks.rivals import less_rivals
from common.clicks.window import View, window
from common.config import mask_iou

FAR = 0.6  # weight of the first look where the second sees as well
SURE = 4.0, 3.6  # logits that an animal reaches somewhere, unasked: alone, in both's mean
DOUBT = 0.1  # below 0: of a place that might be an animal's, unless it is sure
ALONE = 0.8  # IoU of the answers to a click and to none, above which there is one animal


def first_answer(
    looks: Looks, points: np.ndarray, labels: np.ndarray
) -> tuple[dict[str, Any], Tensor, View]:
    """What the network said last, the logits (1, 1, s, s) of a view, and the view."""
    far = looks.answer(looks.whole, points, labels) if len(points) else looks.unasked
    found = resized(far[1], looks.size)[0, 0].numpy() > 0
    view = window(found, points, labels, looks.image.shape[:2]) or looks.whole
    out, logits = _from_near(looks, view, far, points, labels)
    mine = _less_rivals(looks, view, logits, points, labels)
    if mine is logits and view == looks.whole and _alone(looks, logits, points):
        mine = _second_opinion(looks, logits, points, labels)
    if not len(points) and (logits.max() < SURE[0] or mine.max() < SURE[1]):
        mine = mine.clamp(max=-DOUBT)
    return out, mine, view


def _from_near(
    looks: Looks, view: View, far: Answer, points: np.ndarray, labels: np.ndarray
) -> Answer:
    """The answer in a view, its logits' mean with those of ``far``, the whole photo's."""
    if view == looks.whole:
        return far
    out, near = looks.answer(view, points, labels)
    seen = seen_in(resized(far[1], looks.size), view, looks.whole, near.shape[-1])
    return out, near.lerp(seen, FAR)


def _less_rivals(
    looks: Looks, view: View, logits: Tensor, points: np.ndarray, labels: np.ndarray
) -> Tensor:
    """Logits (1, 1, s, s) of a view, the same where no other animal claims a part of them."""
    edge, one = logits.shape[-1], np.ones(1, int)

    def ask(place: np.ndarray) -> np.ndarray:
        click = view.in_photo(place, edge)
        far = looks.answer(looks.whole, click, one)
        return _from_near(looks, view, far, click, one)[1][0, 0].numpy()

    places = np.clip(view.on_square(points, edge)[0], 0, edge - 1)
    mine = less_rivals(before := logits[0, 0].numpy(), places, labels, ask)
    return logits if mine is before else torch.from_numpy(mine)[None, None]


def _alone(looks: Looks, logits: Tensor, points: np.ndarray) -> bool:
    """Whether the network finds unasked what it answered: there is one animal."""
    if not len(points):
        return bool((logits > 0).any())
    return bool(mask_iou(logits > 0, (looks.unasked[1] > 0).float()) > ALONE)


def _second_opinion(
    looks: Looks, logits: Tensor, points: np.ndarray, labels: np.ndarray
) -> Tensor:
    """The mean of logits (1, 1, s, s) of the whole photo and of the other network's, if any."""
    if looks.other is None:
        return logits
    return logits.lerp(looks.other.answer(looks.whole, points, labels)[1], 0.5)
