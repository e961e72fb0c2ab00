"""Features instead of pixels, and what a reader sees of either."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from common.checkpoint import trained_tensors
from common.config import UserError
from common.models.encoders.encoder import FrozenEncoder
from common.models.point.growth import begin_from
from common.models.pretraining.mae import MaskedAutoencoder
from tests.models.pretraining import test_mae
from tests.models.pretraining.test_mae import network, seeded

squares = test_mae.squares  # a fixture

# Features instead of pixels


@pytest.fixture(scope="module")
def taught() -> MaskedAutoencoder:
    return network(target="features", size=64)


def test_the_teacher_speaks_of_each_patchs_own_place(taught: MaskedAutoencoder):
    """Each layer's numbers have mean 0 and variance 1; classes as timm names them; no training."""
    image = torch.rand(2, 3, 64, 64, generator=seeded())
    assert not taught.train().teacher.training
    said = taught.eval().teacher(image)
    assert said.shape == (2, 64, 112 + 320 + 1000)
    for part in said.split([112, 320, 1000], -1):
        assert part.mean(-1).abs().max() < 1e-5
        torch.testing.assert_close(part.var(-1, correction=0), torch.ones(2, 64), rtol=0, atol=0.1)
    fine, _ = FrozenEncoder("lite0", taps=(3, 4))(image)  # a quarter as many places
    fine = F.interpolate(fine, (8, 8), mode="bilinear").flatten(2).transpose(1, 2)
    torch.testing.assert_close(said[..., :112], F.layer_norm(fine, (112,)), rtol=0, atol=1e-4)


def test_the_teacher_names_the_classes_that_timm_names(taught: MaskedAutoencoder):
    """Logits are linear in the features: their mean over the places is the pooled photo's."""
    net, image = taught.teacher.tower.net, torch.randn(2, 3, 64, 64, generator=seeded())
    *_, classes = taught.teacher.tower(image)
    torch.testing.assert_close(classes.mean((2, 3)), net(image), rtol=0, atol=1e-4)


def test_it_goes_on_from_a_network_that_painted_pixels_of_another_size(taught: MaskedAutoencoder):
    painter, pupil = network(size=96), network(target="features", size=64)
    begin_from(pupil, painter.state_dict())
    same = {n for n, w in painter.state_dict().items() if torch.equal(w, pupil.state_dict()[n])}
    others = set(painter.state_dict()) - same
    assert others == {"encoder.pos_embed", "decoder_pred.weight", "decoder_pred.bias"}


def test_features_are_asked_of_all_patches_and_guessing_costs_one(taught, monkeypatch):
    image, masking = torch.rand(2, 3, 64, 64, generator=seeded()), taught.random_masking(2)
    guess = torch.zeros(2, 64, 1432)
    monkeypatch.setattr(taught, "forward", lambda *_: guess)
    assert taught.forward_loss(image, *masking).item() == pytest.approx(1, abs=0.01)
    keep, _ = masking
    guess[0, keep[0, 0]] = taught.teacher(image)[0, keep[0, 0]]  # a visible one said rightly
    assert taught.forward_loss(image, *masking).item() == pytest.approx(127 / 128, abs=1e-3)
    with pytest.raises(UserError, match='target="pixels"'):
        taught.reconstruct(image)


def test_the_teacher_learns_nothing_and_stays_out_of_the_checkpoint(taught: MaskedAutoencoder):
    taught.train().loss({"image": torch.rand(2, 3, 64, 64)}).backward()
    still = {n for n, p in taught.named_parameters() if p.grad is None or not p.grad.any()}
    assert {name.partition(".")[0] for name in still} == {"teacher"}
    assert set(trained_tensors(taught)) == set(network().state_dict())


# Pictures


def test_reconstructions_keep_what_was_visible(squares: Tensor):
    model = network()
    pictures, hidden = model.reconstruct(squares, generator=seeded())
    assert hidden.float().mean() == 0.75
    shown = ~hidden[:, None].expand_as(squares)
    assert torch.equal(pictures[shown], squares[shown])
    assert pictures.min() >= 0 and pictures.max() <= 1
    again, same = model.reconstruct(squares, generator=seeded())
    assert torch.equal(again, pictures) and torch.equal(same, hidden)
    assert model.reconstruct(squares, 0.5)[1].float().mean() == 0.5


def test_a_hidden_patch_has_the_true_brightness(squares: Tensor, monkeypatch):
    model = network()
    monkeypatch.setattr(model, "forward", lambda *_: torch.zeros(3, 16, 192))
    pictures, _ = model.reconstruct(squares, 1.0)
    expected = model.patchify(squares).mean(-1)
    torch.testing.assert_close(model.patchify(pictures).mean(-1), expected)


def test_sizes_that_do_not_fit_are_named():
    with pytest.raises(UserError, match="size 30 is no multiple of the patch of 8 px"):
        network(size=30)
    with pytest.raises(UserError, match="target 'hog' is unknown; choose one of pixels, features"):
        network(target="hog")
    with pytest.raises(UserError, match=r"photos of \(32, 40\); this network takes 32"):
        network().loss({"image": torch.rand(1, 3, 32, 40)})
