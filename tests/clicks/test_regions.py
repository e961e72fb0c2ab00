"""Regions of a model that knows no clicks."""

import numpy as np
import pytest
from scipy.ndimage import label

from common.checkpoint import Card
from common.clicks.predictor import RegionPredictor
from common.inference import predict_mask
from tests.clicks.known import SURE, Echo, S, colours, photo, region_predictor

PETS = [  # 16 × 16: a cat that holds together at a corner, a dog that touches it, and another cat
    *3 * ["r" * 16],
    *3 * ["rrgggrrrrrrrrrrr"],
    *3 * ["rrrrrggbbbbrrrrr"],
    *4 * ["r" * 16],
    *3 * ["rrrrrrrrrrrrrrgg"],
]
FIRST, DOG, SECOND = 9 + 6, 12, 6  # pixels of each


def clicked(*clicks: tuple[int, int, int]) -> tuple[np.ndarray, float, RegionPredictor]:
    predictor = region_predictor()
    predictor.set_image(colours(PETS))
    points = np.array(clicks).reshape(-1, 3)
    masks, scores, _ = predictor.predict(points[:, :2], points[:, 2])
    return masks[0], float(scores[0]), predictor


@pytest.mark.parametrize(
    ("clicks", "pixels"),
    [
        ([], FIRST + DOG + SECOND),
        ([(3, 4, 1)], FIRST),
        ([(6, 7, 1)], FIRST),
        ([(8, 7, 1)], DOG),
        ([(3, 4, 1), (15, 15, 1)], FIRST + SECOND),
        ([(3, 4, 1), (6, 8, 1)], FIRST),
        ([(3, 4, 1), (6, 8, 0)], 0),
        ([(3, 4, 1), (8, 7, 1), (15, 14, 0)], FIRST + DOG),
        ([(8, 7, 0)], FIRST + SECOND),
        ([(0, 0, 0)], FIRST + DOG + SECOND),
        ([(0, 0, 1)], 0),
        ([(0, 0, 1), (8, 7, 1)], DOG),
    ],
)
def test_clicks_choose_regions(clicks: list, pixels: int):
    mask, score, predictor = clicked(*clicks)
    assert mask.sum() == pixels
    assert score == pytest.approx(0.8 if pixels else 0)
    assert (predictor.species is None) == (not pixels)
    for x, y, wanted in clicks:
        assert mask[y, x] == (wanted and colours(PETS)[y, x, 0] == 0) or pixels == 0


def test_without_a_click_it_is_what_the_model_predicts():
    image = photo(40, 50)
    predictor = region_predictor()
    predictor.set_image(image)
    expected = predict_mask(Echo(), Card("echo", size=S), image) > 0
    assert np.array_equal(predictor.predict()[0][0], expected)
    numbers = predictor._kept[1]
    for value in (1, 2):
        of_class, count = label(
            predict_mask(Echo(), Card("echo", size=S), image) == value, np.ones((3, 3))
        )
        pairs = set(zip(of_class[of_class > 0], numbers[of_class > 0], strict=True))
        assert len(pairs) == count == len({number for _, number in pairs})


def test_species_and_odds_of_regions():
    _, _, predictor = clicked((8, 7, 1))
    assert predictor.species == ("dog", pytest.approx(0.8 / 0.9))
    _, _, predictor = clicked((8, 7, 1), (3, 4, 1))
    cat, dog = 0.8 * FIRST + 0.1 * DOG, 0.1 * FIRST + 0.8 * DOG
    assert predictor.species == ("cat", pytest.approx(cat / (cat + dog)))
    logits, _, coarse = predictor.predict([[8, 7]], [1], return_logits=True)
    assert logits[0, 7, 8] == pytest.approx(SURE)  # ln (0.8 / 0.1)
    assert logits[0, 0, 0] == logits[0, 4, 3] == pytest.approx(-SURE)  # ground, and not chosen
    np.testing.assert_allclose(coarse, logits, rtol=1e-5)  # the photo is as large as the square
