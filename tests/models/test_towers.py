"""Depthwise convolutions in float32: the same network, whatever the precision around it."""

import copy
import io

import pytest
import timm
import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn

from common.models.encoders.encoder import ImageEncoder
from common.models.encoders.recipes import ENCODERS
from common.models.towers import Float32Conv, depthwise_in_float32
from common.models.weights import weights_sha256


def plain() -> nn.Module:
    """A kernel of 5, one of 3 at stride 2 with TensorFlow's padding, and what stays as it is."""
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1),
        nn.Conv2d(8, 8, 5, padding=2, groups=8),
        Conv2dSame(8, 8, 3, stride=2, groups=8, bias=False),
        nn.Conv2d(8, 8, 3, padding=1, groups=8),
        nn.Conv2d(8, 4, 3, stride=2, groups=2),
        nn.Conv2d(4, 1, 5, groups=1),
    )


def changed() -> nn.Module:
    return depthwise_in_float32(plain())


def photo(edge: int = 32) -> Tensor:
    return torch.rand(2, 3, edge, edge, generator=torch.Generator().manual_seed(1))


def test_only_what_bfloat16_slows_down_is_changed():
    found = [isinstance(module, Float32Conv) for module in changed()]
    assert found == [False, True, True, False, False, False]
    assert isinstance(changed()[2], Conv2dSame)


def test_of_lite0_nine_kernels_are_changed():
    """Its depthwise kernels, by hand: 3 and 5 in turn, and stride 2 where a stage begins so."""
    blocks = [(1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1)]
    count = sum(
        kernel > 3 or (stride > 1 and first == 0)
        for repeats, kernel, stride in blocks
        for first in range(repeats)
    )
    net = depthwise_in_float32(timm.create_model("tf_efficientnet_lite0"))
    assert sum(isinstance(module, Float32Conv) for module in net.modules()) == count


def test_in_float32_every_number_is_the_same():
    image, other = photo().requires_grad_(), photo().requires_grad_()
    before, after = plain(), changed()
    expected, given = before(image), after(other)
    assert torch.equal(given, expected)
    expected.square().sum().backward()
    given.square().sum().backward()
    assert torch.equal(other.grad, image.grad)
    for one, two in zip(before.parameters(), after.parameters(), strict=True):
        assert torch.equal(one.grad, two.grad)


def test_the_packaged_encoder_says_the_same(monkeypatch):
    encoder = ImageEncoder("lite0").eval()
    monkeypatch.setattr("common.models.towers.depthwise_in_float32", lambda net: net)
    original = ImageEncoder("lite0").eval()
    assert not any(isinstance(module, Float32Conv) for module in original.modules())
    with torch.inference_mode():
        pairs = zip(encoder(photo(64)), original(photo(64)), strict=True)
        assert all(torch.equal(one, two) for one, two in pairs)
    assert encoder.sha256 == original.sha256 == ENCODERS["lite0"].sha256
    assert weights_sha256(encoder) == weights_sha256(original)
    assert encoder.state_dict().keys() == original.state_dict().keys()


def test_mixed_precision_is_left_and_taken_up_again():
    """The convolution itself is exact; what it gives and its gradient have the type around it."""
    conv = depthwise_in_float32(nn.Sequential(nn.Conv2d(8, 8, 5, groups=8)))
    image = torch.rand(1, 8, 16, 16, generator=torch.Generator().manual_seed(2)).bfloat16()
    image.requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):
        given = conv(image)
    assert given.dtype == torch.bfloat16
    exact = nn.functional.conv2d(image.detach().float(), conv[0].weight, conv[0].bias, groups=8)
    assert torch.equal(given, exact.bfloat16())
    given.float().sum().backward()
    assert image.grad.dtype == torch.bfloat16 and conv[0].weight.grad.dtype == torch.float32


def test_under_bfloat16_the_network_stays_close():
    exact = plain()(photo())
    with torch.autocast("cpu", torch.bfloat16):
        given = changed()(photo())
    torch.testing.assert_close(given.float(), exact, rtol=0.05, atol=0.02)


@pytest.mark.parametrize("same", [nn.Conv2d, Conv2dSame])
def test_a_copy_and_a_state_keep_class_and_weights(same: type):
    """The average of the weights is a deep copy; a run's progress is a state."""
    net = depthwise_in_float32(nn.Sequential(same(4, 4, 5, groups=4)))
    twin = copy.deepcopy(net)
    assert (
        type(twin[0]) is type(net[0])
        and isinstance(net[0], Float32Conv)
        and isinstance(net[0], same)
    )
    assert torch.equal(twin[0].weight, net[0].weight)
    stream = io.BytesIO()
    torch.save(net.state_dict(), stream)
    stream.seek(0)
    fresh = nn.Sequential(same(4, 4, 5, groups=4))
    fresh.load_state_dict(torch.load(stream, weights_only=True))
    image = torch.rand(1, 4, 9, 9)
    assert torch.equal(depthwise_in_float32(fresh)(image), net(image))
    assert net.state_dict().keys() == {"0.weight", "0.bias"}


def test_twice_is_once():
    net = changed()
    assert [type(m) for m in depthwise_in_float32(net)] == [type(m) for m in changed()]


def test_weights_may_come_later():
    """As `loaded_net` does: built without numbers, then filled."""
    with torch.device("meta"):
        net = changed()
    assert all(value.is_meta for value in net.parameters())
    net.load_state_dict(plain().state_dict(), assign=True)
    assert torch.equal(net(photo()), plain()(photo()))
