"""What a network counts, and what of it is timed."""

import numpy as np
import pytest
import torch
from torch import nn

from common.checkpoint import Card, committed
from common.costs import measure, stopwatch
from common.costs import networks as costs
from common.models import create_model
from common.models.layers import SelfAttention


class Clock:
    """Every call takes as many seconds as it says."""

    def __init__(self) -> None:
        self.now, self.calls = 0.0, []

    def perf_counter(self) -> float:
        return self.now

    def call(self, name: str, seconds: float):
        def work() -> None:
            self.calls.append(name)
            self.now += seconds

        return work


@pytest.fixture
def clock(monkeypatch) -> Clock:
    found = Clock()
    monkeypatch.setattr(stopwatch, "perf_counter", found.perf_counter)
    return found


# Counting


def test_weights_are_trained_or_frozen():
    model = nn.Sequential(nn.Linear(3, 5), nn.Linear(5, 2))
    model[0].requires_grad_(False)
    assert costs.parameters(model) == (12, 20)


def test_multiply_adds_of_a_convolution_and_of_attention():
    conv = nn.Conv2d(3, 7, 3, padding=1)
    assert costs.multiply_adds(conv, 10) == 10 * 10 * 7 * 3 * 9
    attend = nn.Sequential(nn.Conv2d(3, 64, 1), SelfAttention(64))
    n = 8 * 8
    by_hand = n * 3 * 64 + n * 64 * 192 + 2 * n * n * 64 + n * 64 * 64
    assert costs.multiply_adds(attend.eval(), 8) == by_hand


def test_multiply_adds_count_no_gradient_and_need_none():
    """Layers of torch's transformer are fused, and then not counted, where gradients are off."""
    layer = nn.TransformerEncoderLayer(16, 2, 32, batch_first=True)

    class Tokens(nn.Module):
        def forward(self, image):
            return layer(image.flatten(2)[:, :1].expand(1, 16, -1).transpose(1, 2))

    n = 4 * 4
    by_hand = n * 16 * 48 + 2 * n * n * 16 + n * 16 * 16 + 2 * n * 16 * 32
    assert costs.multiply_adds(Tokens().eval(), 4) == by_hand


# What is timed


def test_the_batch_is_of_the_samples():
    batch = costs.sample_batch(32, 6)
    assert batch["image"].shape == (6, 3, 32, 32) and batch["mask"].shape == (6, 32, 32)
    assert torch.equal(batch["image"][0], batch["image"][4]), "four photos, then again"
    for mask, species in zip(batch["mask"], batch["species"], strict=True):
        assert set(mask.unique().tolist()) - {255} == {0, int(species) + 1}


def test_a_training_step_trains_a_copy():
    model = create_model("unet", widths=(8, 16), stem=1)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    costs.training_step(model, 32)()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_inference_gives_scores_of_the_batch():
    model = create_model("unet", widths=(8, 16), stem=1)
    assert costs.inference(model, 32)().shape == (16, 3, 32, 32)
    assert not model.training


def test_only_frozen_encoders_have_kept_features():
    assert costs.kept_step(create_model("unet", widths=(8, 16), stem=1), 32) is None
    model = create_model("lite0_linear", random=True)
    model.encoder.forward = lambda image: pytest.fail("the encoder ran") if timed else kept
    timed, kept = False, type(model.encoder).forward(model.encoder, torch.rand(16, 3, 64, 64))
    step = costs.kept_step(model, 64)
    timed = True
    step()


def test_models_take_turns_and_the_first_run_is_left_out(clock):
    calls = {
        ("a", "train_photos_per_second", 128): clock.call("a", 2.0),
        ("b", "ms_photo", 128): clock.call("b", 0.25),
    }
    table = measure.speeds(calls, runs=2)
    assert clock.calls == ["a", "b"] * 3
    assert table["run"].tolist() == [1, 1, 2, 2]
    assert table["value"].tolist() == [8.0, 250.0] * 2, "16 photos in 2 s; a quarter of a second"


def test_works_cover_both_sizes():
    model = create_model("unet", widths=(8, 16), stem=1).eval()
    measured = [("unet", model, Card("unet", size=32)), ("other", model, Card("unet", size=128))]
    calls = measure.works(measured, np.zeros((30, 40, 3), np.uint8))
    assert {key[2] for key in calls if key[0] == "unet"} == {32, 128}
    assert {key[2] for key in calls if key[0] == "other"} == {128}
    calls["unet", "ms_photo", 32]()


def test_committed_models_are_of_the_registry():
    names = committed()
    assert "unet" in names and "unet_l" not in names and "mae_pets" not in names
