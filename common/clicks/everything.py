"""Every animal of a photo without a click: the network is asked at places that it takes for one.

The idea is that of segment_anything's automatic masks, with few places: without a click the
network says where animals are, and an answer covers what lies near its click; what is farther off
may be another animal that the answer took along. Each animal that is found so is then asked for
once more, at its own middle, and those that are not it are named.

Shapes: H W pixels of the photo.
"""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy.ndimage import distance_transform_edt

from common.clicks.objects import Segmented
from common.clicks.prompts import Click, Clicker
from common.clicks.protocol import Predictor

MAYBE = -2.0  # logit without a click from which on a place is asked
MOST = 24  # places that are asked in a photo
NEAR = 0.6  # of the radius of a disc as large as the answer: what its click speaks of
SMALLEST = 0.003  # of the photo: a smaller mask is no animal
SAME = 0.5  # of the smaller of two masks: they show one animal if they share more
LEAST, KNOWN = 0.05, 0.3  # scores of what is asked again, and of what the others are told of
LONGEST = 1024  # places of the photo's longer edge that are told apart, to choose where to ask
SURE = 0.4  # score of an animal, at least; as the others, chosen on validation and elsewhere


def find_all(predictor: Predictor, sure: float = SURE) -> list[Segmented]:
    """The animals of the photo that is set, the surest first, outlines refined; maybe none.

    Args:
        predictor: with a photo.
        sure: score of an animal, at least.
    """
    found = list[Segmented]()
    for found in search(predictor, sure, fine=True):  # noqa: B007 the last word counts
        pass
    return found


def search(
    predictor: Predictor, sure: float = SURE, fine: bool = False
) -> Iterator[list[Segmented]]:
    """`find_all` a place at a time: what is known so far after each.

    Args:
        predictor, sure: of `find_all`.
        fine: whether outlines are refined at last, which takes longer than all else.
    """
    unasked, _, _ = predictor.predict(return_logits=True)
    first, again = list[Segmented](), list[Segmented]()
    for answer in _ask_everywhere(predictor, unasked[0]):
        first.append(answer)
        yield _different(first, sure)
    first = _different(first, LEAST)
    middles = [_middle(one.mask) for one in first]
    for number, middle in enumerate(middles):
        known = zip(first, middles, strict=True)
        others = (m for one, m in known if m is not middle and one.score >= KNOWN)
        not_it = (Click(other.x, other.y, positive=False) for other in others)
        answer = _ask(predictor, (*not_it, middle), unasked[0])
        if fine and answer.score >= sure:
            answer = replace(answer, logits=predictor.refine())
        again.append(answer)
        yield _different([*again, *first[number + 1 :]], sure)


def _different(answers: list[Segmented], sure: float) -> list[Segmented]:
    """The surest of those that show one animal."""
    kept = list[Segmented]()
    for answer in sorted(answers, key=lambda one: -one.score):
        if answer.score < sure or answer.mask.mean() < SMALLEST:
            continue
        if not any(same(answer.mask, one.mask) for one in kept):
            kept.append(answer)
    return kept


def _ask_everywhere(predictor: Predictor, unasked: np.ndarray) -> Iterator[Segmented]:
    """An answer at the deepest place that is left, until none is."""
    step = -(-max(unasked.shape) // LONGEST)
    left = unasked[::step, ::step] > MAYBE
    for _ in range(MOST):
        row, column, depth = _deepest(left)
        if depth**2 < SMALLEST * left.size / np.pi:  # no disc of that size
            break
        answer = _ask(predictor, (Click(float(step * column), float(step * row)),), unasked)
        mask = answer.mask[::step, ::step]
        near = _disc(row, column, NEAR * np.sqrt(mask.sum() / np.pi), mask.shape)
        left &= ~(mask & near) & ~_disc(row, column, depth / 2, mask.shape)  # nothing twice
        yield answer


def _ask(predictor: Predictor, clicks: tuple[Click, ...], unasked: np.ndarray) -> Segmented:
    """The animal under the last click; sure where the mask is, with a click and without."""
    clicker = Clicker(clicks)
    logits, quality, _ = predictor.predict(clicker.coords(), clicker.labels(), return_logits=True)
    answer, mask = logits[0], logits[0] > 0
    inside, seen = (_mean(1 / (1 + np.exp(-np.clip(x, -20, 20))), mask) for x in (answer, unasked))
    steady = (answer > 1).sum() / max(1, (answer > -1).sum())  # Segment Anything's stability
    score = float(quality[0] * inside * np.sqrt(seen * steady))
    return Segmented("", clicks[-1:], answer, score, predictor.species)


def _middle(mask: np.ndarray) -> Click:
    """The place in a mask (H, W) that is farthest from its border."""
    step = -(-max(mask.shape) // LONGEST)
    row, column, _ = _deepest(mask[::step, ::step])
    return Click(float(step * column), float(step * row))


def _deepest(mask: np.ndarray) -> tuple[int, int, float]:
    """Row and column that are farthest from a mask's border, and how far."""
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    row, column = np.unravel_index(depth.argmax(), depth.shape)
    return int(row), int(column), float(depth[row, column])


def _mean(values: np.ndarray, mask: np.ndarray) -> float:
    return float(values[mask].mean()) if mask.any() else 0.0


def same(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two masks (H, W) show one animal."""
    return bool((one & other).sum() > SAME * min(one.sum(), other.sum()))


def _disc(row: int, column: int, radius: float, shape: tuple[int, ...]) -> np.ndarray:
    """(H, W) bool: the pixels round a place, itself at least."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= max(radius, 1) ** 2
