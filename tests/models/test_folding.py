"""Folded networks: the same answers from fewer layers, and the model itself left as it was."""

import pytest
import torch
from torch import nn

from common.models import create_model
from common.models.folding import folded
from common.models.lite0 import Block

PHOTO = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
NETWORKS = {
    "unet": {"widths": (8, 16), "stem": 1},
    "imagenet_baseline": {"random": True},
    "lite0_query": {"random": True, "queries": 4, "width": 32},
    "point_unet": {"widths": (8,) * 5, "instances": True},
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_answers_are_the_same_and_the_model_is_as_before(name: str):
    torch.manual_seed(0)
    model = create_model(name, **NETWORKS[name]).train()
    model(PHOTO)  # the norms have seen something
    state = {n: value.clone() for n, value in model.eval().state_dict().items()}
    with torch.inference_mode():
        expected = model(PHOTO)
        fast = folded(model)
        torch.testing.assert_close(fast(PHOTO), expected, rtol=1e-3, atol=1e-4)
        assert torch.equal(model(PHOTO), expected)
    assert all(torch.equal(value, state[n]) for n, value in model.state_dict().items())
    norms = [sum(isinstance(m, nn.BatchNorm2d) for m in net.modules()) for net in (model, fast)]
    assert norms[1] < norms[0]


def test_of_lite0s_block_no_norm_is_left():
    block = Block(8, 8, 3, 1, 6).eval()
    kinds = [type(part).__name__ for part in folded(block)]
    assert kinds == ["Conv2d", "ReLU6", "Conv2d", "ReLU6", "Conv2d", "Identity"]


def test_only_what_runs_in_turn_is_folded():
    shared = nn.ReLU()
    for net in (
        nn.ModuleList([nn.Conv2d(3, 3, 1), nn.BatchNorm2d(3)]),
        nn.Sequential(nn.BatchNorm2d(3), nn.Conv2d(3, 3, 1)),
        nn.Sequential(shared, nn.Conv2d(3, 3, 1), shared, nn.BatchNorm2d(3)),
    ):
        assert folded(net) is net
