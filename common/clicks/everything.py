"""Every animal of a photo without a click: the network is asked at places that it takes for one.

The idea is that of segment_anything's automatic masks, with few places: without a click the
network says where animals are, and each answer covers what need not be asked again.

Shapes: H W pixels of the photo.
"""

from collections.abc import Iterator

import numpy as np
from scipy.ndimage import distance_transform_edt

from common.clicks.objects import Segmented
from common.clicks.prompts import Click
from common.clicks.protocol import Predictor

MAYBE = -2.0  # logit without a click from which on a place is asked
MOST = 24  # places that are asked in a photo
SMALLEST = 0.003  # of the photo: a smaller mask is no animal
SURE = 0.4  # score of an animal, at least; as SAME, chosen on validation and elsewhere
SAME = 0.5  # of the smaller of two masks: they show one animal if they share more
LONGEST = 1024  # places of the photo's longer edge that are told apart, to choose where to ask


def find_all(predictor: Predictor) -> list[Segmented]:
    """The animals of the photo that is set, the surest first; none where there is none."""
    found = list[Segmented]()
    for found in search(predictor):  # noqa: B007 the last word counts
        pass
    return found


def search(predictor: Predictor) -> Iterator[list[Segmented]]:
    """`find_all` a place at a time: what is known so far after each."""
    sure = list[Segmented]()
    for answer in _ask_everywhere(predictor):
        if answer.score >= SURE and answer.mask.mean() >= SMALLEST:
            sure.append(answer)
        yield _different(sure)


def _different(answers: list[Segmented]) -> list[Segmented]:
    """The surest of those that show one animal."""
    kept = list[Segmented]()
    for answer in sorted(answers, key=lambda one: -one.score):
        if not any(same(answer.mask, one.mask) for one in kept):
            kept.append(answer)
    return kept


def _ask_everywhere(predictor: Predictor) -> Iterator[Segmented]:
    """An answer at the deepest place that is left, until none is."""
    logits, _, _ = predictor.predict(return_logits=True)
    step = -(-max(logits[0].shape) // LONGEST)
    left = logits[0, ::step, ::step] > MAYBE
    for _ in range(MOST):
        depth = distance_transform_edt(np.pad(left, 1))[1:-1, 1:-1]
        row, column = np.unravel_index(depth.argmax(), depth.shape)
        if depth[row, column] ** 2 < SMALLEST * left.size / np.pi:  # no disc of that size
            break
        answer = _ask(predictor, Click(float(step * column), float(step * row)), logits[0])
        left &= ~answer.mask[::step, ::step]
        _clear(left, row, column, depth[row, column] / 2)  # nothing is asked twice
        yield answer


def _ask(predictor: Predictor, click: Click, unasked: np.ndarray) -> Segmented:
    """The animal under a click; sure where the click's mask and the unasked one agree."""
    point = np.array([[click.x, click.y]])
    logits, quality, _ = predictor.predict(point, np.ones(1), return_logits=True)
    mask = logits[0] > 0
    inside = _mean(1 / (1 + np.exp(-np.clip(logits[0], -20, 20))), mask)
    seen = _mean(1 / (1 + np.exp(-np.clip(unasked, -20, 20))), mask)
    score = float(quality[0] * inside * np.sqrt(seen))
    return Segmented("", (click,), logits[0], score, predictor.species)


def _mean(values: np.ndarray, mask: np.ndarray) -> float:
    return float(values[mask].mean()) if mask.any() else 0.0


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two masks (H, W) show one animal."""
    return bool((one & other).sum() > SAME * min(one.sum(), other.sum()))


def _clear(mask: np.ndarray, row: int, column: int, reach: float) -> None:
    """Take a disc out of a mask (H, W), in place."""
    rows, columns = np.ogrid[: mask.shape[0], : mask.shape[1]]
    mask[(rows - row) ** 2 + (columns - column) ** 2 <= max(reach, 1) ** 2] = False
