"""The masked autoencoder: who is hidden, what the encoder may see, and what is judged."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

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
