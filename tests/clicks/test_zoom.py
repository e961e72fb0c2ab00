"""The second look: where it falls, what is kept of it, and that clicks land where they should."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from common.checkpoint import Card, load_checkpoint, save_checkpoint
from common.clicks import zoom
from common.clicks.predictor import load_predictor
from common.clicks.rivals import MOST
from common.clicks.window import View
from common.clicks.zoom import ZoomPredictor, seen_in
from common.config import UserError
from common.models.point.point_unet import PointUNet
from tests.clicks.known import Clicky, photo
from tests.devices import NothingDouble

S = 128


def predictor() -> ZoomPredictor:
    return ZoomPredictor(Clicky(), Card("clicky", size=S))


class Everywhere(Clicky):
    """Takes the whole photo after a click; without one its logit is given. Other clicks agree."""

    def __init__(self, unasked: float) -> None:
        super().__init__()
        self.unasked = unasked

    def decode_clicks(self, features, points, labels, previous) -> dict[str, Tensor]:
        out = super().decode_clicks(features, points, labels, previous)
        logit = 2.0 if points.shape[1] and self.unasked > -9 else self.unasked
        return out | {"mask": torch.full_like(out["mask"], logit)}


def test_a_small_mask_is_looked_at_from_near():
    looking = predictor()
    looking.set_image(photo(300, 400))
    masks, scores, coarse = looking.predict([[100, 50]], [1])
    model = looking.model
    assert model.encoded == 2  # the photo, then from near
    assert len(model.calls) == 2 + 2 * MOST, "both are asked for other animals as well"
    assert all(previous is None for _, _, previous, *_ in model.calls)
    assert masks.shape == (1, 300, 400) and masks[0, 50, 100] and coarse.shape == (1, S, S)
    assert scores.tolist() == [0.75] and looking.species[0] == "dog"
    again, _, _ = looking.predict([[100, 50]], [1])
    assert model.encoded == 2 and np.array_equal(masks, again)  # the window's features are kept


def test_later_clicks_look_from_near_only():
    looking = predictor()
    looking.set_image(photo(300, 400))
    _, _, coarse = looking.predict([[100, 50]], [1])
    calls = len(looking.model.calls)
    masks, _, _ = looking.predict([[100, 50], [110, 60]], [1, 1], mask_input=coarse)
    assert len(looking.model.calls) == calls + 1
    assert looking.model.calls[-1][2].shape == (1, 1, S // 2, S // 2)
    assert masks[0, 50, 100] and masks[0, 60, 110]


def test_without_a_click_there_is_one_look():
    looking = predictor()
    looking.set_image(photo(300, 400))
    masks, _, _ = looking.predict()
    assert looking.model.encoded == 1 and not masks.any()


@pytest.mark.parametrize("unasked", [True, False])
def test_of_an_animal_alone_another_network_gives_the_second_opinion(unasked: bool):
    """It is alone if the answer to no click is the same; −10 of the other takes it away."""
    network, other = Everywhere(2.0 if unasked else -2.0), Everywhere(-10.0)
    looking = ZoomPredictor(network, Card("clicky", size=S), other)
    looking.set_image(photo(300, 400))
    masks, _, _ = looking.predict([[100, 50]], [1], return_logits=True)
    assert masks[0, 150, 200] == pytest.approx(-4 if unasked else 2)
    assert looking.predict()[0].any() is np.bool_(False)


@pytest.mark.parametrize("logit", [3.9, 4.1])
def test_what_nobody_clicked_on_and_is_nowhere_sure_is_ground(logit: float):
    looking = ZoomPredictor(Everywhere(logit), Card("clicky", size=S))
    looking.set_image(photo(300, 400))
    assert looking.predict()[0].all() == (logit > 4)
    assert looking.predict([[100, 50]], [1])[0].all(), "a click is obeyed, sure or not"


@pytest.mark.parametrize("size", [(60, 100), (100, 60), (500, 37), (1, 200), (1, 1)])
def test_the_mask_is_where_the_click_is(size: tuple[int, int]):
    looking = predictor()
    with NothingDouble():
        looking.set_image(photo(*size))
        looking.predict([[0, 0]], [1], mask_input=looking.predict([[0, 0]], [1])[2])
    height, width = size
    for x, y in ((0, 0), (width - 1, height - 1), (width // 2, height // 3)):
        masks, _, _ = looking.predict([[x, y]], [1])
        assert masks.shape == (1, *size) and masks[0, y, x]
        masks, _, _ = looking.predict([[x, y]], [0])
        assert not masks[0, y, x]


@pytest.mark.parametrize("finest", [1792, 90])
def test_a_refined_mask_has_the_photos_size_and_obeys(finest: int, monkeypatch):
    """Also where the photo is larger than the network can see in its tiles."""
    monkeypatch.setattr(zoom, "FINEST", finest)
    torch.manual_seed(0)
    network = PointUNet(encoder="residual", widths=(8, 8, 8, 8), instances=True)
    looking = ZoomPredictor(network, Card("point_unet", size=64))
    looking.set_image(photo(120, 170))
    with pytest.raises(UserError, match="call predict first"):
        looking.refine()
    looking.predict([[40, 60], [150, 20]], [1, 0])
    kept = dict(looking._kept.features)
    with NothingDouble():
        fine = looking.refine()
    assert fine.shape == (120, 170) and fine.dtype == np.float32
    assert fine[60, 40] > 0 > fine[20, 150]
    assert looking._kept.features.keys() == kept.keys(), "the next click finds its window"


def test_few_windows_are_remembered():
    looking = predictor()
    looking.set_image(photo(300, 400))
    for x in range(20, 400, 40):
        looking.predict([[x, 150]], [1])
    assert len(looking._kept.features) <= 5


def test_what_a_view_shows_of_the_whole():
    logits = torch.arange(16.0).view(1, 1, 4, 4)
    whole = View(0, 0, 40, 40)
    assert torch.equal(seen_in(logits, whole, whole, 4), logits)
    part = seen_in(logits, View(0, 0, 20, 20), whole, 2)
    assert torch.equal(part, logits[..., :2, :2])


def test_a_checkpoint_of_instances_looks_twice(tmp_path):
    kwargs = {
        "encoder": "residual",
        "widths": [8, 8, 8, 8],
        "instances": True,
        "proximity": [0.1, 0.5],
        "attending": 2,
    }
    torch.manual_seed(0)
    save_checkpoint(tmp_path / "mine", PointUNet(**kwargs), Card("point_unet", kwargs, size=S))
    looking = load_predictor(tmp_path / "mine.json")
    assert isinstance(looking, ZoomPredictor)
    assert load_checkpoint(tmp_path / "mine.json")[0].proximity == (0.1, 0.5)
    looking.set_image(photo(90, 120))
    points, labels = [[30, 40], [80, 20], [50, 50]], [1, 0, 1]
    masks, _, coarse = looking.predict(points, labels)
    assert [bool(masks[0, y, x]) for x, y in points] == [True, False, True]
    with pytest.raises(UserError, match="that this model returned"):
        looking.predict(points, labels, mask_input=coarse[:, :4, :4])
