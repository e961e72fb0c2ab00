"""Another animal in a mask: where it is looked for, and what it takes with it."""

import numpy as np

from common.clicks.rivals import MOST, far_places, less_rivals

WIDE = np.zeros((20, 60), bool)
WIDE[5:15, 5:55] = True
AT = np.array([[10.0, 10.0]])


def logits(left: int, right: int) -> np.ndarray:
    """2 from one column of `WIDE` to another, -2 elsewhere."""
    columns = np.arange(60)
    return np.where(WIDE & (left <= columns) & (columns < right), 2.0, -2.0)


def test_it_asks_deep_in_the_mask_and_far_from_the_click():
    places = far_places(WIDE, AT)
    assert len(places) == MOST and all(WIDE[int(y), int(x)] for x, y in places)
    assert places[0, 0] > 30 and 6 < places[0, 1] < 13
    assert np.ptp(places[:, 0]) > 5, "nor twice at one place"
    assert not len(far_places(np.zeros((4, 4), bool), AT))


def test_an_animal_that_leaves_the_click_out_keeps_its_pixels():
    """Left of column 30 the other says −2 and loses; at the right both say 2, and it gets them."""
    both = logits(0, 60)
    mine = less_rivals(both, AT, np.ones(1), lambda place: logits(30, 60))
    assert np.array_equal(mine > 0, logits(0, 30) > 0)


def test_the_same_animal_is_no_rival():
    both = logits(0, 60)
    assert less_rivals(both, AT, np.ones(1), lambda place: both) is both
    others = np.array([[10.0, 10.0], [50.0, 10.0]])  # the user says that both are meant
    assert less_rivals(both, others, np.ones(2), lambda place: logits(30, 60)) is both
    assert less_rivals(both, AT, np.zeros(1), lambda place: logits(30, 60)) is both
