"""How weights move, worked by hand; what no run can have is refused before it begins."""

import math

import pytest
import torch
from torch import nn

from common.config import UserError
from common.training.optim import (
    RANGES,
    TrainConfig,
    averaged,
    check_settings,
    decay_groups,
    learning_rate,
)


def test_every_number_has_its_range():
    numbers = {name for name, value in vars(TrainConfig()).items() if not isinstance(value, str)}
    assert numbers == set(RANGES)


def test_the_projects_own_settings_do():
    check_settings(TrainConfig())
    check_settings(TrainConfig(epochs=1, precision="no", coarse=0.5, workers=0))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs 0 does not do; choose 1 to 1e"),
        ({"lr": math.nan}, "lr nan does not do"),
        ({"fraction": 1.5}, "fraction 1.5 does not do; choose 1e-06 to 1"),
        ({"seed": -1}, "seed -1 does not do"),
        ({"precision": "fp64"}, "precision 'fp64' is unknown; choose one of bf16, no"),
    ],
)
def test_what_does_not_do(wrong: dict, message: str):
    with pytest.raises(UserError, match=message):
        check_settings(TrainConfig(**wrong))


def test_learning_rate_worked_by_hand():
    config = TrainConfig(epochs=12, warmup=2.0)
    for epoch, share in [(0, 0.0005), (1, 0.5005), (2, 1), (4.5, 0.853553), (7, 0.5), (12, 0)]:
        assert learning_rate(epoch, config) == pytest.approx(share, abs=1e-6)
    assert learning_rate(13, config) == 0
    assert learning_rate(0, TrainConfig(epochs=12, warmup=0)) == 1


def test_learning_rate_never_jumps():
    config = TrainConfig(epochs=10, warmup=1.5)
    rates = [learning_rate(step / 100, config) for step in range(1001)]
    assert max(abs(a - b) for a, b in zip(rates, rates[1:], strict=False)) < 0.01
    assert all(0 <= rate <= 1.001 for rate in rates)


def test_weight_decay_for_matrices_and_kernels_alone():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Linear(4, 5))
    model.scale = nn.Parameter(torch.tensor(1.0))
    model[2].bias.requires_grad_(False)
    decayed, spared = decay_groups(model, 0.05)
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.05, 0.0)
    assert {id(p) for p in decayed["params"]} == {id(model[0].weight), id(model[2].weight)}
    assert {id(p) for p in spared["params"]} == {
        id(p) for p in (model.scale, model[0].bias, model[1].weight, model[1].bias)
    }


def test_average_worked_by_hand():
    model = nn.Linear(1, 1, bias=False)
    mean, expected = averaged(model, 0.5), 0.0
    for step, value in enumerate([1.0, 3.0, -2.0, 5.0, 8.0, 0.0, 1.0, 4.0, 2.0]):
        nn.init.constant_(model.weight, value)
        mean.update_parameters(model)
        decay = min(0.5, (1 + step) / (10 + step)) if step else 0.0  # step 0 copies
        expected = decay * expected + (1 - decay) * value
        assert mean.module.weight.item() == pytest.approx(expected, rel=1e-5)
    assert decay == 0.5  # the warm-up was left behind


def test_average_carries_buffers():
    model = nn.BatchNorm2d(2)
    mean = averaged(model, 0.9)
    model.running_mean += 7
    mean.update_parameters(model)
    assert torch.equal(mean.module.running_mean, model.running_mean)
