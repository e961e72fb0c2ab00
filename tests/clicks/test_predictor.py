"""Predictors: one contract for all, then what each kind promises, on networks known by heart."""

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import label
from segment_anything import SamPredictor
from torch import Tensor, nn

from common.checkpoint import Card, save_checkpoint
from common.clicks.predictor import Predictor, PromptedPredictor, RegionPredictor, load_predictor
from common.clicks.sam import SamAdapter
from common.config import FITS, UserError
from common.data.geometry import fit_points
from common.inference import predict_mask
from common.models import MODELS, Spec
from common.models.encoders.recipes import CATS, DOGS
from common.models.point.click_maps import click_maps
from common.models.point.point_unet import PointUNet
from tests.clicks.test_sam import tiny_sam
from tests.devices import NothingDouble

S = 16  # edge of the square
SURE = math.log(8)  # logits (ln 8, 0, 0) are probabilities 0.8, 0.1, 0.1


class Echo(nn.Module):
    """Knows no clicks: red is background, green is cat, blue is dog."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(SURE))

    def forward(self, image: Tensor) -> Tensor:
        return self.scale * image


class Clicky(nn.Module):
    """Sees discs round the clicks, and nothing of the photo; each is a dog, it says."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(-3.0))
        self.encoded, self.calls = 0, []

    def encode_image(self, image: Tensor) -> Tensor:
        self.encoded += 1
        return image

    features = encode_image

    def classes(self, image: Tensor) -> Tensor:
        """Dogs of every kind, everywhere."""
        return 9.0 * (torch.arange(len(DOGS) + len(CATS)) < len(DOGS)).view(1, -1, 1, 1)

    def decode_clicks(self, features, points, labels, previous) -> dict[str, Tensor]:
        self.calls.append((points, labels, previous))
        grid = 2 * [features.shape[-1] // 2]
        maps = click_maps((points + 0.5) / 2 - 0.5, labels, grid, 4.0, "disk")
        mask = self.bias + 6 * maps[:, :1] - 6 * maps[:, 1:]
        return {
            "mask": mask if previous is None else mask + previous,
            "quality": torch.tensor([0.75]),
            "species": torch.tensor([[0.0, math.log(4)]]),
        }


def colours(classes: list[str]) -> np.ndarray:
    """Rows of letters (r, g, b) -> a photo of these colours, (H, W, 3) uint8."""
    codes = np.array([["rgb".index(letter) for letter in row] for row in classes])
    return (255 * np.eye(3, dtype=np.uint8))[codes]


def region_predictor() -> RegionPredictor:
    return RegionPredictor(Echo(), Card("echo", size=S))


def prompted_predictor(**kwargs) -> PromptedPredictor:
    return PromptedPredictor(Clicky(), Card("clicky", **{"size": S, **kwargs}))


KINDS = {
    "regions": region_predictor,
    "clicks": prompted_predictor,
    "sam": lambda: SamAdapter(SamPredictor(tiny_sam())),
}


@pytest.fixture(params=KINDS)
def predictor(request) -> Predictor:
    return KINDS[request.param]()


def photo(height: int = 20, width: int = 30) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


# What holds for all


@pytest.mark.parametrize("size", [(20, 30), (1, 1), (1, 200), (200, 1), (90, 41)])
def test_shapes_and_types(predictor: Predictor, size: tuple[int, int]):
    with NothingDouble():
        predictor.set_image(photo(*size))
        predictor.predict([[0, 0]], [1])
        assert predictor.refine().shape == size
    for coords, labels in ((None, None), ([], []), ([[0, 0]], [1]), ([[0, 0], [0, 0]], [1, 0])):
        masks, scores, coarse = predictor.predict(coords, labels)
        assert masks.shape == (1, *size) and masks.dtype == bool
        assert scores.shape == (1,) and scores.dtype == np.float32 and 0 <= scores[0] <= 1
        assert coarse.ndim == 3 and len(coarse) == 1 and coarse.dtype == np.float32
        logits, again, _ = predictor.predict(coords, labels, return_logits=True)
        assert logits.dtype == np.float32
        assert np.array_equal(logits > 0, masks) and np.array_equal(again, scores)
        passed_back, _, _ = predictor.predict(coords, labels, mask_input=coarse)
        assert passed_back.shape == masks.shape


def test_only_sam_has_several_answers(predictor: Predictor):
    predictor.set_image(photo())
    masks, scores, coarse = predictor.predict([[3, 4]], [1], multimask_output=True)
    count = 3 if isinstance(predictor, SamAdapter) else 1
    assert len(masks) == len(scores) == len(coarse) == count


def test_without_a_photo(predictor: Predictor):
    assert not predictor.is_image_set and predictor.species is None
    with pytest.raises(UserError, match="no photo is set; call set_image first"):
        predictor.predict([[3, 4]], [1])
    predictor.set_image(photo())
    assert predictor.is_image_set
    predictor.predict()
    predictor.reset_image()
    assert not predictor.is_image_set and predictor.species is None
    with pytest.raises(UserError, match="no photo is set"):
        predictor.predict()


@pytest.mark.parametrize(
    ("coords", "labels", "message"),
    [
        ([[30, 4]], [1], "point .30, 4. is not in the photo, which is 30 pixels wide and 20 high"),
        ([[3, 4], [-1, 4]], [1, 0], "point .-1, 4. is not in"),
        ([[3, 20]], [0], "point .3, 20. is not in"),
        ([[np.nan, 4]], [1], "point .nan, 4. is not in"),
        ([[np.inf, 4]], [1], "point .inf, 4. is not in"),
        ([[3, 4]], [7], "label 7"),
        ([[3, 4]], [-1], "label -1 is neither 1 .the pet. nor 0"),
        ([[3, 4]], [np.nan], "label nan"),
        ([[3, 4]], ["pet"], "labels 1 or 0"),
        ([["left", 4]], [1], "points must be numbers"),
        ([[3, 4]], [1, 0], "a label for each click"),
        ([[3, 4]], None, "belong together"),
        (None, [1], "belong together"),
        ([3, 4], [1], "shape"),
    ],
)
def test_bad_points_are_named_and_it_goes_on(predictor: Predictor, coords, labels, message: str):
    predictor.set_image(photo())
    with pytest.raises(UserError, match=message):
        predictor.predict(coords, labels)
    assert predictor.predict([[3, 4]], [1])[0].shape == (1, 20, 30)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((4, 4)),
        np.zeros((4, 4, 3)),
        np.zeros((4, 4, 4), "u1"),
        np.zeros((0, 4, 3), "u1"),
        "x",
    ],
)
def test_a_bad_photo_leaves_the_one_before(predictor: Predictor, bad):
    predictor.set_image(photo())
    with pytest.raises(UserError, match=r"a photo is \(H, W, 3\) uint8, not"):
        predictor.set_image(bad)
    with pytest.raises(UserError, match="image_format 'RGBA' is unknown"):
        predictor.set_image(photo(), "RGBA")
    assert predictor.predict()[0].shape == (1, 20, 30)


@pytest.mark.parametrize(
    "bad", [np.zeros((8, 8)), np.zeros((2, 8, 8)), np.full((1, 8, 8), np.nan)]
)
def test_a_bad_mask_input_is_named(predictor: Predictor, bad: np.ndarray):
    predictor.set_image(photo())
    with pytest.raises(UserError, match="mask_input must be logits"):
        predictor.predict([[3, 4]], [1], mask_input=bad)


def test_bgr_is_rgb_read_backwards():
    image = photo(S, S)
    rgb, bgr = region_predictor(), region_predictor()
    rgb.set_image(image)
    bgr.set_image(image[..., ::-1], "BGR")
    assert np.array_equal(rgb.predict(return_logits=True)[0], bgr.predict(return_logits=True)[0])


# Regions of a model that knows no clicks

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


# Clicks of a model that was trained on them


@pytest.mark.parametrize("fit", FITS)
def test_a_photo_is_encoded_once_and_clicks_are_mapped(fit: str):
    predictor = prompted_predictor(size=32, fit=fit)
    predictor.set_image(photo(60, 100))
    clicks = np.array([[70.2, 20.9], [3, 50]])
    predictor.predict(clicks[:1], [1])
    predictor.predict(clicks, [1, 0])
    predictor.predict()
    model = predictor.model
    assert model.encoded == 1
    first, second, none = model.calls
    expected = fit_points(np.array([[70, 20], [3, 50]]), 60, 100, 32, fit)
    np.testing.assert_allclose(second[0][0], expected)
    assert first[0].shape == (1, 1, 2) and second[1].tolist() == [[1, 0]]
    assert none[0].shape == (1, 0, 2) and none[1].shape == (1, 0)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(60, 100), (100, 60), (500, 37), (1, 200), (1, 1)])
def test_the_mask_is_where_the_click_is(fit: str, size: tuple[int, int]):
    predictor = prompted_predictor(size=64, fit=fit)
    predictor.set_image(photo(*size))
    height, width = size
    for x, y in ((0, 0), (width - 1, height - 1), (width - 1, 0), (width // 2, height // 3)):
        masks, _, _ = predictor.predict([[x, y]], [1])
        assert masks[0, y, x]
        masks, _, _ = predictor.predict([[x, y], [x, y]], [1, 0])
        assert not masks.any()
    assert not predictor.predict()[0].any()


@pytest.mark.parametrize("size", [(20, 30), (90, 41)])
def test_a_network_that_looks_once_obeys_too(size: tuple[int, int]):
    """Also where it says the contrary everywhere; what it said itself is told apart."""
    torch.manual_seed(0)
    network = PointUNet(encoder="residual", widths=(8, 8, 8, 8))
    looking = PromptedPredictor(network, Card("point_unet", size=64))
    looking.set_image(photo(*size))
    rng = np.random.default_rng(0)
    for _ in range(20):
        points = rng.uniform(0, size[::-1], (rng.integers(1, 6), 2))
        labels = rng.integers(0, 2, len(points))
        (mask,), _, _ = looking.predict(points, labels)
        columns, rows = np.floor(points).astype(int).T
        assert (mask[rows, columns] == labels).all()
        assert looking.by_network.shape == size


def test_a_round_mask_has_its_centre_at_the_click():
    predictor = prompted_predictor(size=64)
    predictor.set_image(photo(128, 192))
    masks, _, _ = predictor.predict([[101, 58]], [1])
    rows, columns = np.nonzero(masks[0])
    # a grid of 32: its pixels are 6 wide and 4 high, and a disc is whole ones
    assert abs(columns.mean() - 101) < 3 and abs(rows.mean() - 58) < 2
    assert 0.8 < np.ptp(columns) / (8 * 6) < 1.25 and 0.8 < np.ptp(rows) / (8 * 4) < 1.25


def test_all_of_a_pixel_is_one_click():
    predictor = prompted_predictor()
    predictor.set_image(photo(5, 4))
    answers = [predictor.predict([point], [1])[2] for point in ([2, 3], [2.99, 3.5], [2.4, 3.99])]
    assert np.array_equal(answers[0], answers[1]) and np.array_equal(answers[0], answers[2])


def test_the_mask_before_counts_only_where_it_is_passed_back():
    predictor = prompted_predictor()
    predictor.set_image(photo())
    _, _, coarse = predictor.predict([[3, 4]], [1])
    predictor.predict([[3, 4]], [1])
    predictor.predict([[3, 4]], [1], mask_input=coarse)
    assert [call[2] is None for call in predictor.model.calls] == [True, True, False]
    given = predictor.model.calls[2][2]
    assert given.shape == (1, 1, S // 2, S // 2)
    assert np.array_equal(given[0], coarse)


def test_logits_of_another_model_are_refused_and_it_goes_on():
    torch.manual_seed(0)
    network = PointUNet(encoder="residual", widths=(8, 8, 8, 8))
    predictor = PromptedPredictor(network, Card("point_unet", size=32))
    predictor.set_image(photo())
    for size in (256, 15):
        with pytest.raises(UserError, match=rf"that this model returned, not \(1, {size}, 16\)"):
            predictor.predict([[3, 4]], [1], mask_input=np.zeros((1, size, 16)))
    _, _, coarse = predictor.predict([[3, 4]], [1])
    assert predictor.predict([[3, 4]], [1], mask_input=coarse)[0].shape == (1, 20, 30)


def test_quality_and_species_are_the_models():
    predictor = prompted_predictor()
    predictor.set_image(photo())
    _, scores, _ = predictor.predict([[3, 4]], [1])
    assert scores.tolist() == [0.75]
    assert predictor.species == ("dog", pytest.approx(0.8))
    predictor.set_image(photo())
    assert predictor.species is None


def test_a_grid_that_does_not_cover_the_square_is_refused():
    predictor = prompted_predictor(size=33)
    predictor.set_image(photo())
    with pytest.raises(UserError, match="a mask of 16×16 does not cover the model's square of 33"):
        predictor.predict()


@pytest.mark.parametrize(("model", "kind"), [(Echo, RegionPredictor), (Clicky, PromptedPredictor)])
def test_a_checkpoint_finds_its_predictor(model, kind, tmp_path, monkeypatch):
    monkeypatch.setitem(MODELS, "mine", Spec(model))
    save_checkpoint(tmp_path / "mine", model(), Card("mine", size=S))
    predictor = load_predictor(tmp_path / "mine.json")
    assert isinstance(predictor, kind)
    predictor.set_image(photo())
    assert predictor.predict([[3, 4]], [1])[0].shape == (1, 20, 30)
    with pytest.raises(UserError, match="no checkpoint"):
        load_predictor("never_trained")
