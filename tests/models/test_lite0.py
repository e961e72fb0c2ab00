"""Our EfficientNet-Lite0 beside timm's: the same weights, numbers and gradients, bit by bit."""

import timm
import torch

from common.models.lite0 import Lite0


def test_it_is_timms_network():
    nets = []
    for make in (lambda: timm.create_model("tf_efficientnet_lite0"), Lite0):
        torch.manual_seed(0)
        nets.append(make())
    theirs, ours = nets
    assert list(ours.state_dict()) == list(theirs.state_dict())
    assert all(
        torch.equal(ours.state_dict()[n], value) for n, value in theirs.state_dict().items()
    )
    fields = [{k: info[k] for k in ("num_chs", "reduction")} for info in theirs.feature_info]
    assert ours.feature_info == fields
    image = torch.rand(2, 3, 65, 96)  # an odd edge is padded otherwise than an even one
    for training in (True, False):
        scores = [net.train(training)(image) for net in nets]
        assert torch.equal(*scores)
        (one, some), (two, others) = (net.forward_intermediates(image, [1, 4]) for net in nets)
        assert torch.equal(one, two) and all(map(torch.equal, some, others))
        for net, score in zip(nets, scores, strict=True):
            net.zero_grad()
            score.square().sum().backward()
        for one, two in zip(theirs.parameters(), ours.parameters(), strict=True):
            assert torch.equal(one.grad, two.grad)


def test_what_no_map_needs_is_dropped():
    net = Lite0()
    net.prune_intermediate_layers([0, 2])
    kept = {name.partition(".")[0] for name in net.state_dict()}
    assert kept == {"conv_stem", "bn1", "blocks"} and len(net.blocks) == 3
    maps = net.forward_intermediates(torch.rand(1, 3, 32, 32), [0, 2], intermediates_only=True)
    assert [tuple(x.shape[1:]) for x in maps] == [(16, 16, 16), (40, 4, 4)]
