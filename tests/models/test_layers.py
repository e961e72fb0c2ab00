"""Building blocks: shapes, an attention written out, and no leak between the photos of a batch."""

import math
from functools import partial

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.config import UserError
from common.models.layers import (
    NORMS,
    Downsample,
    Normalize,
    ResidualBlock,
    SelfAttention,
    Upsample,
    norm,
)

BLOCKS = {
    "residual": partial(ResidualBlock, 16, 32),
    "plain": partial(ResidualBlock, 16, 16, residual=False),
    "attention": partial(SelfAttention, 16, head_width=8),
    "down": partial(Downsample, 16, 32, attention=True),
    "up": partial(Upsample, 16, 8, attention=True),
}


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def count(module: nn.Module) -> int:
    return sum(value.numel() for value in module.parameters())


@pytest.mark.parametrize(
    ("module", "shape"),
    [
        (ResidualBlock(16, 32), (32, 6, 10)),
        (ResidualBlock(16, 16, residual=False), (16, 6, 10)),
        (SelfAttention(16), (16, 6, 10)),
        (Downsample(16, 32, attention=True), (32, 3, 5)),
        (Downsample(16, 32, residual=False), (32, 3, 5)),
        (Upsample(16, 8, attention=True), (8, 12, 20)),
        (Upsample(16, 8, residual=False), (8, 12, 20)),
    ],
)
def test_shapes(module: nn.Module, shape: tuple[int, ...]):
    assert module(torch.randn(2, 16, 6, 10)).shape == (2, *shape)


@pytest.mark.parametrize("name", BLOCKS)
@pytest.mark.parametrize("kind", NORMS)
def test_who_else_is_in_the_batch(name: str, kind: str):
    """Group normalisation looks at one photo; batch normalisation at all, but in training only."""
    block, x = BLOCKS[name](kind=kind), torch.randn(3, 16, 6, 10)
    for module in block.modules():
        if isinstance(module, nn.Dropout2d):
            module.p = 0.0
    for training in (True, False):
        block.train(training)
        alike = torch.allclose(block(x)[1:2], block(x[1:2]), rtol=1e-4, atol=1e-5)
        assert alike is (kind == "group" or not training)


def attend_by_hand(layer: SelfAttention, x: Tensor) -> Tensor:
    """Softmax attention in plain einsum, channels of q, k, v and heads in that order."""
    b, c, h, w = x.shape
    weight = layer.to_qkv.weight.view(3, layer.heads, c // layer.heads, c)
    q, k, v = torch.einsum("smdc,bcn->sbmnd", weight, layer.norm(x).flatten(2))
    share = (torch.einsum("bmid,bmjd->bmij", q, k) / math.sqrt(c // layer.heads)).softmax(-1)
    seen = torch.einsum("bmij,bmjd->bmdi", share, v).reshape(b, c, h * w)
    mixed = torch.einsum("dc,bcn->bdn", layer.out.weight[:, :, 0, 0], seen)
    return x + (mixed + layer.out.bias[:, None]).view(b, c, h, w)


@pytest.mark.parametrize(
    ("channels", "head_width", "heads"), [(32, 8, 4), (32, 32, 1), (16, 64, 1)]
)
def test_attention_is_the_textbook_one(channels: int, head_width: int, heads: int):
    layer, x = SelfAttention(channels, head_width=head_width), torch.randn(2, channels, 3, 5)
    assert layer.heads == heads
    torch.testing.assert_close(layer(x), attend_by_hand(layer, x), rtol=1e-4, atol=1e-5)


def test_a_block_whose_body_is_silent_is_its_shortcut():
    x = torch.randn(2, 16, 4, 4)
    for block in (ResidualBlock(16, 16), ResidualBlock(16, 16, residual=False)):
        nn.init.zeros_(block.body[-1].weight)
        nn.init.zeros_(block.body[-1].bias)
        expected = x if block.residual else torch.zeros_like(x)
        assert torch.equal(block.eval()(x), expected)


def test_shortcuts_cost_a_convolution_only_where_the_width_changes():
    assert count(ResidualBlock(16, 16)) == count(ResidualBlock(16, 16, residual=False))
    extra = count(ResidualBlock(16, 32)) - count(ResidualBlock(16, 32, residual=False))
    assert extra == 16 * 32
    for block in (Downsample, Upsample):
        assert count(block(16, 32)) - count(block(16, 32, residual=False)) == 16 * 32


def test_the_upsampling_shortcut_commutes_with_interpolation():
    """The shortcut is computed on the small grid; on the large one it would be the same."""
    layer, x = Upsample(16, 8), torch.randn(1, 16, 4, 5)
    nn.init.zeros_(layer.body[-1].weight)
    nn.init.zeros_(layer.body[-1].bias)
    large = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
    torch.testing.assert_close(layer(x), layer.shortcut(large), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("channels", "groups"), [(8, 1), (16, 1), (32, 2), (192, 12)])
def test_group_norm_has_sixteen_channels_a_group(channels: int, groups: int):
    assert norm(channels, "group").num_groups == groups


def test_norms_are_named():
    assert isinstance(norm(16, "batch"), nn.BatchNorm2d)
    with pytest.raises(UserError, match="norm 'layer' is unknown; choose one of batch, group"):
        norm(16, "layer")


def test_dropout_drops_whole_channels_in_training_only():
    block = ResidualBlock(16, 16, dropout=0.5)
    block.body = block.body[5:6]  # the dropout alone
    kept = block(torch.ones(4, 16, 3, 3)) - 1
    per_channel = kept.flatten(2)
    assert torch.equal(per_channel.amin(-1), per_channel.amax(-1))
    assert set(kept.unique().tolist()) == {0.0, 2.0}
    assert torch.equal(block.eval()(torch.ones(1, 16, 3, 3)), torch.full((1, 16, 3, 3), 2.0))


def test_normalize_is_subtract_and_divide_and_not_stored():
    layer = Normalize((0.5, 0.4, 0.3), (0.25, 0.2, 0.1))
    image = torch.tensor([1.0, 0.0, 0.35]).view(1, 3, 1, 1)
    expected = torch.tensor([2.0, -2.0, 0.5]).view(1, 3, 1, 1)
    torch.testing.assert_close(layer(image), expected)
    assert not layer.state_dict()
