"""Every animal of a photo without a click: each once, none on ground, the surest first."""

import numpy as np
from skimage.measure import label

from common.clicks.everything import find_all


class Blobs:
    """A predictor that takes each blob of a drawing for an animal; ``sure`` of them by number."""

    species = ("cat", 0.9)

    def __init__(self, drawing: np.ndarray, sure: dict[int, float]) -> None:
        self.numbers, self.sure, self.asked = label(drawing), sure, 0

    def predict(self, points=None, labels=None, mask_input=None, **_):
        under = 0
        if points is not None:
            (x, y), self.asked = map(int, points[-1]), self.asked + 1
            under = self.numbers[y, x]
        mask = self.numbers == under if under else self.numbers > 0
        self.last = np.where(mask, 6.0, -6.0)
        return self.last[None], np.array([self.sure.get(under, 0.9)]), mask[None]

    def refine(self):
        """The last answer, but for one pixel."""
        fine = self.last.copy()
        fine[0, 0] = 7.0
        return fine


def drawn(*boxes: tuple[slice, slice]) -> np.ndarray:
    drawing = np.zeros((60, 80), bool)
    for box in boxes:
        drawing[box] = True
    return drawing


ONE, OTHER = np.s_[5:25, 5:30], np.s_[30:55, 40:75]


def test_each_animal_is_found_once_and_the_surest_comes_first():
    predictor = Blobs(drawn(ONE, OTHER), {1: 0.95, 2: 0.8})
    first, second = find_all(predictor)
    corner = np.s_[:1, :1]  # what refining adds
    assert np.array_equal(first.mask, drawn(ONE, corner))
    assert np.array_equal(second.mask, drawn(OTHER, corner))
    assert first.score > second.score > 0.7 and first.species == ("cat", 0.9)
    assert predictor.asked < 15, "what is near a click is not asked again"
    (click,) = first.clicks
    assert first.mask[int(click.y), int(click.x)]


def test_ground_crumbs_and_what_is_unsure_are_no_animals():
    assert find_all(Blobs(drawn(), {})) == []
    assert find_all(Blobs(drawn(np.s_[5:7, 5:7]), {})) == []
    assert find_all(Blobs(drawn(ONE), {1: 0.1})) == []


class Touching(Blobs):
    """Of two that touch, an answer takes some of the other, unless that is clicked away."""

    def predict(self, points=None, labels=None, mask_input=None, **_):
        logits, *rest = super().predict()
        if points is not None:
            spills = 0 if len(points) > 1 else 8
            columns = np.arange(80)
            left = points[-1][0] < 40
            logits[..., columns >= 40 + spills if left else columns < 40 - spills] = -6
        return logits, *rest


def test_each_is_asked_again_and_told_of_the_others():
    found = find_all(Touching(drawn(np.s_[10:50, 5:75]), {}))
    assert [int(one.mask[1:].sum()) for one in found] == [40 * 35, 40 * 35]
    assert not (found[0].mask & found[1].mask)[1:].any()


class Overlapping(Blobs):
    """Says, wherever it is asked, that all is one animal, but for the column asked at."""

    def predict(self, points=None, labels=None, mask_input=None, **_):
        logits, *rest = super().predict()
        if points is not None:
            logits = np.where(self.numbers[None] > 0, 6.0, -6.0)
            logits[..., int(points[-1][0]) :] = -6
        return logits, *rest


def test_two_answers_that_show_one_animal_are_one():
    assert len(find_all(Overlapping(drawn(np.s_[5:50, 5:75]), {}))) == 1
