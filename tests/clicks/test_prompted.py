"""Clicks of a model that was trained on them."""

import numpy as np
import pytest
import torch

from common.checkpoint import Card, save_checkpoint
from common.clicks.predictor import PromptedPredictor, RegionPredictor, load_predictor
from common.config import FITS, UserError
from common.data.geometry import fit_points
from common.models import MODELS, Spec
from common.models.point.point_unet import PointUNet
from tests.clicks.known import Clicky, Echo, S, photo, prompted_predictor


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
