"""Where a network clicks by itself when nobody has."""

import numpy as np

from common.clicks.alone import only_animal

PHOTO = np.zeros((40, 80, 3), np.uint8)


def found(*boxes: tuple[slice, slice]) -> np.ndarray:
    logits = np.full((20, 20), -1.0)
    for box in boxes:
        logits[box] = 1
    return logits


def test_it_clicks_on_the_middle_of_the_animal_that_it_found():
    """Row 6 and column 12 of 20: the pixel's middle lies at (12.5 · 4, 6.5 · 2) of the photo."""
    point = only_animal(found((slice(4, 9), slice(10, 15))), PHOTO)
    assert point.tolist() == [[49.5, 12.5]]


def test_it_leaves_ground_and_several_animals_alone():
    assert only_animal(found(), PHOTO) is None
    one, other = (slice(2, 8), slice(2, 8)), (slice(12, 17), slice(12, 17))
    assert only_animal(found(one, other), PHOTO) is None
    assert only_animal(found(one, (slice(14, 18), slice(12, 17))), PHOTO) is not None
