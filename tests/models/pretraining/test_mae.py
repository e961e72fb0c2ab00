"""The masked autoencoder: who is hidden, what the encoder may see, and what is judged."""

import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from common.checkpoint import trained_tensors
from common.config import UserError
from common.models.encoders.encoder import FrozenEncoder
from common.models.point.growth import begin_from
from common.models.pretraining.mae import MaskedAutoencoder, normal_patches, sine_table, take

SMALL = {
    "size": 32,
    "patch": 8,
    "width": 32,
    "depth": 2,
    "heads": 2,
    "decoder_width": 32,
    "decoder_depth": 1,
}


def network(**kwargs) -> MaskedAutoencoder:
    torch.manual_seed(0)
    return MaskedAutoencoder(**{**SMALL, **kwargs}).eval()


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def squares() -> Tensor:
    return torch.rand(3, 3, 32, 32, generator=seeded())


def repaint(model: MaskedAutoencoder, image: Tensor, which: Tensor) -> Tensor:
    """Other pixels in the patches that ``which`` (B, N) marks."""
    patches = model.patchify(image)
    return model.unpatchify(torch.where(which[..., None], 1 - patches, patches))


# Who is hidden


def test_a_quarter_stays_visible():
    keep, restore = MaskedAutoencoder(**{**SMALL, "size": 96}).random_masking(5)
    assert keep.shape == (5, 36)
    assert restore.shape == (5, 144)
    assert (restore < 36).sum(1).tolist() == [36] * 5


@settings(max_examples=20, deadline=None)
@given(count=st.integers(1, 4), ratio=st.floats(0, 1), seed=st.integers(0, 99))
def test_the_shuffle_is_undone(count: int, ratio: float, seed: int):
    keep, restore = network().random_masking(count, ratio, seeded(seed))
    assert keep.shape == (count, 16 - round(16 * ratio))
    order = restore.argsort(1)
    assert torch.equal(order[:, : keep.shape[1]], keep)
    tokens = torch.rand(count, 16, 4)
    assert torch.equal(take(take(tokens, order), restore), tokens)


def test_photos_hide_their_own_patches_and_a_seed_repeats_them():
    model = network()
    (keep, _), (again, _), (other, _) = (
        model.random_masking(8, generator=seeded(s)) for s in (1, 1, 2)
    )
    assert torch.equal(keep, again)
    assert not torch.equal(keep, other)
    assert len({tuple(row.sort().values.tolist()) for row in keep}) > 4


# Patches and places


def test_patches_are_in_row_major_order(squares: Tensor):
    model = network()
    patches = model.patchify(squares)
    assert patches.shape == (3, 16, 192)
    second_row_third = squares[1, :, 8:16, 16:24].permute(1, 2, 0)
    assert torch.equal(patches[1, 6].view(8, 8, 3), second_row_third)
    assert torch.equal(model.unpatchify(patches), squares)


def test_places_are_the_papers_sines_and_nothing_trains_them():
    table = sine_table(4, 32)[0]
    assert not table[0].any()  # of the class token
    row, column, bands = 2, 3, 10000.0 ** -(torch.arange(8) / 8)
    parts = [wave(at * bands) for at in (row, column) for wave in (torch.sin, torch.cos)]
    expected = torch.cat(parts).sort().values
    torch.testing.assert_close(table[1 + 4 * row + column].sort().values, expected)
    model = network()
    assert torch.equal(model.state_dict()["encoder.pos_embed"][0], table)
    assert "encoder.pos_embed" not in dict(model.named_parameters())


def place_of(model: MaskedAutoencoder, restore: Tensor, keep: Tensor, number: int) -> list[int]:
    """Patches whose painting changes with visible token ``number``; without blocks, its own."""
    tokens = torch.rand(1, 1 + keep.shape[1], 32)
    other = tokens.clone()
    other[:, 1 + number] += 1
    change = (
        (model.forward_decoder(tokens, restore) - model.forward_decoder(other, restore))
        .abs()
        .sum(-1)[0]
    )
    return change.nonzero().flatten().tolist()


def test_each_token_is_painted_at_its_own_place():
    model = network(decoder_depth=0)
    keep, restore = model.random_masking(1, generator=seeded())
    for number, place in enumerate(keep[0].tolist()):
        assert place_of(model, restore, keep, number) == [place]


def test_without_hiding_the_encoder_is_timms_own(squares: Tensor):
    """Token by token in the photo's order, at mask ratio 0."""
    model = network()
    inorder = torch.arange(16).expand(3, -1)
    expected = model.encoder.forward_features(model.normalize(squares))
    torch.testing.assert_close(model.forward_encoder(squares, inorder), expected)
    keep, restore = model.random_masking(3, 0.0, seeded())
    tokens = model.forward_encoder(squares, keep)
    back = torch.cat([tokens[:, :1], take(tokens[:, 1:], restore)], 1)
    torch.testing.assert_close(back, expected, rtol=1e-4, atol=1e-5)


# What is seen, and what is judged


def test_the_encoder_sees_nothing_that_is_hidden(squares: Tensor):
    model = network()
    keep, restore = model.random_masking(3, generator=seeded())
    hidden = restore >= keep.shape[1]
    plain = model.forward_encoder(squares, keep)
    assert torch.equal(model.forward_encoder(repaint(model, squares, hidden), keep), plain)
    assert not torch.equal(model.forward_encoder(repaint(model, squares, ~hidden), keep), plain)


def test_only_hidden_patches_are_judged(squares: Tensor, monkeypatch):
    model = network()
    keep, restore = model.random_masking(3, generator=seeded())
    hidden = restore >= keep.shape[1]
    painted = torch.rand(3, 16, 192, generator=seeded(1))
    monkeypatch.setattr(model, "forward", lambda *_: painted)
    error = model.forward_loss(squares, keep, restore)
    assert torch.equal(model.forward_loss(repaint(model, squares, ~hidden), keep, restore), error)
    other = model.forward_loss(repaint(model, squares, hidden), keep, restore)
    assert not torch.isclose(other, error)
    target = normal_patches(model.patchify(squares))[0]
    by_hand = torch.stack([(painted - target)[b, n].square().mean() for b, n in hidden.nonzero()])
    torch.testing.assert_close(error, by_hand.mean())


def test_patches_are_normalised_one_by_one():
    patches = torch.tensor([[[0.0, 0.5, 1.0], [0.2, 0.2, 0.2]]])
    normal, mean, deviation = normal_patches(patches)
    assert mean.flatten().tolist() == pytest.approx([0.5, 0.2])
    assert deviation.flatten().tolist() == pytest.approx([math.sqrt(0.25 + 1e-6), 1e-3])
    torch.testing.assert_close(normal[0, 0], torch.tensor([-1.0, 0.0, 1.0]), rtol=0, atol=1e-5)
    assert normal[0, 1].abs().max() < 1e-3
    torch.testing.assert_close(normal * deviation + mean, patches)


def test_painting_the_mean_colour_costs_one(squares: Tensor, monkeypatch):
    """So that 1 − loss is the share of the variance that is explained."""
    model = network()
    monkeypatch.setattr(model, "forward", lambda *_: torch.zeros(3, 16, 192))
    assert model.forward_loss(squares, *model.random_masking(3)).item() == pytest.approx(
        191 / 192, abs=1e-3
    )
    assert model.loss({"image": squares}).item() == pytest.approx(191 / 192, abs=1e-3)


def test_it_learns_to_paint(squares: Tensor):
    model = network().train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    masking = model.random_masking(3, generator=seeded())
    smooth = torch.nn.functional.interpolate(squares[..., ::8, ::8], (32, 32), mode="bilinear")
    errors = []
    for _ in range(60):
        error = model.forward_loss(smooth, *masking)
        error.backward()
        optimizer.step()
        optimizer.zero_grad()
        errors.append(error.item())
    assert errors[-1] < 0.6 * errors[0]


def test_the_gradient_reaches_every_parameter(squares: Tensor):
    model = network().train()
    model.loss({"image": squares}).backward()
    assert not [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]


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
