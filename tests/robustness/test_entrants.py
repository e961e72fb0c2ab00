"""Models on the same perturbed photo: shared work changes no count, a click is the predictor's."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from common.checkpoint import Card, save_checkpoint
from common.clicks.predictor import PromptedPredictor
from common.clicks.prompts import pet_truth
from common.clicks.robot import centre
from common.inference import predict_mask
from common.models import create_model
from common.robustness.entrants import Remembering, count_versions, enter, likeliest

RNG = np.random.default_rng(0)
PHOTO = RNG.integers(0, 256, (70, 90, 3), np.uint8)
TRUTH = np.zeros((70, 90), np.uint8)
TRUTH[20:60, 30:70] = 2
TRUTH[18:20, 30:70] = 255
KWARGS = {"point_unet_s": {"widths": [16] * 4}}


@pytest.fixture(scope="module")
def checkpoints(tmp_path_factory) -> Path:
    """Two models on the same frozen encoder, one that takes clicks, and one alone."""
    folder = tmp_path_factory.mktemp("checkpoints")
    for name in ("lite0_linear", "lite0_query", "point_unet_s", "unet"):
        torch.manual_seed(0)
        kwargs = KWARGS.get(name, {})
        model = create_model(name, **kwargs).eval()
        save_checkpoint(folder / name, model, Card(name, kwargs, size=64), dtype=torch.float32)
    return folder


def versions() -> list[np.ndarray]:
    return [PHOTO, 255 - PHOTO, PHOTO // 2]


def test_counts_are_those_of_each_model_alone(checkpoints):
    """Sharing an encoder and a batch, and comparing planes, gives what `predict_mask` gives."""
    names = ["lite0_linear", "lite0_query", "point_unet_s", "unet"]
    found = list(count_versions(enter(names, checkpoints), versions(), TRUTH))
    assert len(found) == 3 * (len(names) + 1), "a second turn for the one that takes clicks"
    alone = {entrant.name: entrant for entrant in enter(names, checkpoints)}
    for name, clicks, number, counts in found:
        assert sum(counts.values()) == (TRUTH != 255).sum()
        if clicks == 0:
            mask = predict_mask(alone[name].model, alone[name].card, versions()[number])
            wrong = ((mask != TRUTH) & (TRUTH != 255)).sum()
            off = sum(n for key, n in counts.items() if key[1] != key[2])
            assert abs(int(wrong) - off) <= 3, f"{name}: a pixel may be a tie"


def test_models_on_the_same_encoder_run_it_once(checkpoints):
    linear, query = enter(["lite0_linear", "lite0_query"], checkpoints)
    assert linear.model.encoder is query.model.encoder
    tower, calls = linear.model.encoder.encoder.tower, []
    tower.register_forward_hook(lambda *_: calls.append(1))
    list(count_versions([linear, query], versions(), TRUTH))
    assert len(calls) == 1
    list(count_versions([query, linear], versions()[::-1], TRUTH))
    assert len(calls) == 2, "other photos are looked at anew"


def test_an_encoder_remembers_its_last_photos_only():
    class Counting(nn.Module):
        channels, strides, calls = (3,), (1,), 0

        def forward(self, image):
            self.calls += 1
            return [image + 1]

    encoder = Counting()
    remembering = Remembering(encoder)
    a, b = torch.zeros(2, 3, 4, 4), torch.ones(2, 3, 4, 4)
    for image in (a, a.clone(), b, a, a[:1]):
        assert torch.equal(remembering(image)[0], image + 1)
    assert encoder.calls == 4
    assert (remembering.channels, remembering.strides) == ((3,), (1,))


def test_a_click_is_the_robots_and_the_predictors(checkpoints):
    """Where the species is no question, the mask is `PromptedPredictor`'s before its last step."""
    (entrant,) = enter(["point_unet_s"], checkpoints)
    entrant.model.species.bias.data = torch.tensor([0.0, 50.0])  # a dog, beyond doubt
    counts = [c for _, clicks, _, c in count_versions([entrant], [PHOTO], TRUTH) if clicks]
    predictor = PromptedPredictor(entrant.model, entrant.card, obeying=False)
    predictor.set_image(PHOTO)
    click = centre(pet_truth(TRUTH))
    masks, *_ = predictor.predict(np.array([[click.x, click.y]]), np.ones(1))
    assert counts[0]["c22"] == pytest.approx((masks[0] & (TRUTH == 2)).sum(), abs=3)
    assert counts[0]["c02"] == pytest.approx((masks[0] & (TRUTH == 0)).sum(), abs=3)


@settings(deadline=None)
@given(st.integers(0, 2**16))
def test_the_likeliest_class_is_the_arg_max(seed: int):
    scores = torch.randint(0, 4, (3, 5, 7), generator=torch.Generator().manual_seed(seed)).float()
    assert (likeliest(scores) == scores.numpy().argmax(0)).all(), "the first of equals"
