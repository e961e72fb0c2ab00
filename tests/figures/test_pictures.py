"""Masks, heat and hidden patches as pictures; colours that every eye tells apart."""

import itertools

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from skimage.color import deltaE_ciede2000, rgb2lab

from common import figures
from common.figures import pictures, pretraining, tokens
from common.figures.maps import ERRORS, errors, overlay, paint, species_iou
from common.figures.style import CLASS_COLOURS
from common.wording import MODEL_COLOURS
from tests.figures.cases import HEIGHT, KITTEN, SHARES, WIDTH


def test_overlay_tints_edges_and_stripes():
    image, mask = np.full((9, 9, 3), 100, np.uint8), np.zeros((9, 9), np.uint8)
    mask[2:7, 2:7] = 2
    mask[8] = 255
    out = overlay(image, mask, alpha=0.5)
    dog = np.multiply(255, to_rgb(CLASS_COLOURS["dog"])).round()
    assert (out[0, 0] == 100).all()  # background is left alone
    assert (out[2, 2] == dog).all()  # the edge has the full colour
    assert np.abs(out[4, 4] - (100 + dog) / 2).max() <= 0.5  # inside, half of it
    light = np.multiply(255, to_rgb(CLASS_COLOURS["border"])).round()
    striped = (out[8] == light).all(axis=1)
    assert striped.any() and not striped.all()
    assert out.dtype == np.uint8 and (image == 100).all()


def test_outline_alone_leaves_the_inside():
    out = overlay(KITTEN.image, KITTEN.mask, alpha=0)
    changed = (out != KITTEN.image).any(axis=2)
    assert 0 < changed.mean() < 0.2


def test_paint_and_errors_by_hand():
    truth = np.array([[0, 0, 1, 1, 1, 255]])
    guess = np.array([[0, 2, 1, 0, 2, 1]])
    kinds = [
        "white",
        ERRORS["extra"],
        ERRORS["right"],
        ERRORS["missed"],
        ERRORS["wrong species"],
        ERRORS["border, not judged"],
    ]
    expected = [np.multiply(255, to_rgb(kind)).round() for kind in kinds]
    assert (errors(truth, guess)[0] == expected).all()
    assert (paint(truth)[0, -1] == np.multiply(255, to_rgb(CLASS_COLOURS["border"])).round()).all()
    assert species_iou(truth, guess) == pytest.approx(1 / 3)
    assert species_iou(truth, truth) == 1
    assert species_iou(np.full((2, 2), 255), np.zeros((2, 2))) == 1, "nothing is judged"


def test_silhouettes_lose_the_letterbox_bars():
    truth, guess = np.full((2, 40, 40), 255, np.uint8)
    truth[10:30], guess[10:30] = 1, 1
    case = {"truth": truth, "predicted": guess, "title": "wide"}
    picture = pictures.silhouettes([case]).axes[0].images[0]
    assert picture.get_array().shape[:2] == (20, 40)
    assert picture.get_extent() == [0, 2, 0, 1]


def test_hidden_patches_are_grey_and_the_rest_is_the_photo():
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    hidden[:8, :8] = True
    shown = pretraining.hide(KITTEN.image, hidden)
    assert (shown[:8, :8] == pretraining.MASKED).all()
    assert (shown[~hidden] == KITTEN.image[~hidden]).all()


def test_heat_glows_where_the_attention_is():
    share = np.zeros((6, 8))
    share[0, 0] = 1
    lit = tokens.heat(np.full((60, 80, 3), 100, np.uint8), share).astype(int).sum(-1)
    assert lit[2, 2] > 2 * lit[-3, -3]
    assert (lit == lit.max()).sum() < 60 * 80 / 4


def test_a_mask_takes_the_colour_of_its_class():
    image, mask = np.full((4, 4, 3), 100, np.uint8), np.zeros((4, 4))
    mask[:, :2] = 1
    picture = tokens.tinted(image, mask, "dog").astype(int)
    assert picture[0, 0, 2] > picture[0, 0, 0] + 40, "a dog's blue"
    assert np.ptp(picture[0, 3]) == 0 and picture[0, 3, 0] > 190, "pale elsewhere"


def test_stages_grow_in_strength():
    colours = pretraining.stage_colours(SHARES)
    assert list(colours) == SHARES
    light = [sum(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in list(colours.values())[1:]]
    assert light == sorted(light, reverse=True)


def linear(colour: str) -> np.ndarray:
    """Red, green and blue as light, (3,) in [0, 1]."""
    rgb = np.array(to_rgb(colour))
    return np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)


def simulated(colour: str, matrix: np.ndarray) -> np.ndarray:
    """CIELAB of a colour as seen with a colour vision deficiency (Machado et al. 2009)."""
    seen = np.clip(matrix @ linear(colour), 0, 1)
    return rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))


VISION = {
    "normal": np.eye(3),
    "protan": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deutan": [[0.3673, 0.8606, -0.2279], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritan": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    ("colours", "least"), [(CLASS_COLOURS, 17), (ERRORS, 10), (MODEL_COLOURS, 6)]
)
def test_colours_stay_apart_for_every_eye(colours, least, vision):
    seen = {name: simulated(colour, np.array(VISION[vision])) for name, colour in colours.items()}
    for one, two in itertools.combinations(seen, 2):
        assert deltaE_ciede2000(seen[one], seen[two]) >= least, (one, two)


def test_models_are_seen_on_white():
    new = {name: figures.model_colour(name) for name in ("segformer", "new_model", "x", "y", "z")}
    for name, colour in (MODEL_COLOURS | new).items():
        assert 1.05 / (linear(colour) @ [0.2126, 0.7152, 0.0722] + 0.05) > 2, name


def test_a_new_model_gets_its_own_lasting_colour_and_label():
    assert figures.model_colour("unet") == MODEL_COLOURS["unet"]
    new = [figures.model_colour(f"new_model_{number}") for number in range(20)]
    assert new == [figures.model_colour(f"new_model_{number}") for number in range(20)]
    assert figures.model_colour("segformer") == "#68721d"
    for colour in new:
        gaps = [np.subtract(to_rgb(colour), to_rgb(c)) for c in MODEL_COLOURS.values()]
        assert np.linalg.norm(gaps, axis=1).min() > 0.25
    assert figures.label("mae_seg") == "MAE-Seg"
    assert figures.label("my_model") == "my model"
