"""Predictions have the photo's own size, whatever square the network takes."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from common.checkpoint import Card
from common.config import FITS
from common.inference import predict_mask, predict_probabilities

SIZES = [(33, 47), (90, 41), (64, 64), (1, 5), (200, 300)]


class Echo(nn.Module):
    """Class scores are the colours: red background, green cat, blue dog."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(20.0))
        self.seen: list[Tensor] = []

    def forward(self, image: Tensor) -> Tensor:
        self.seen.append(image)
        return self.scale * image


def photo(height: int, width: int, colours: list[int]) -> np.ndarray:
    """Equal vertical stripes of pure red (0), green (1) or blue (2)."""
    column = np.array(colours)[np.arange(width) * len(colours) // width]
    return np.repeat((np.eye(3, dtype=np.uint8) * 255)[column][None], height, axis=0)


@pytest.mark.parametrize("fit", FITS)
def test_probabilities_of_photos_of_any_size(fit: str):
    random = np.random.default_rng(0)
    photos = [random.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]
    model = Echo().eval()
    found = predict_probabilities(model, Card("echo", size=32, fit=fit), photos)
    assert [tuple(p.shape) for p in found] == [(3, *size) for size in SIZES]
    for probabilities in found:
        assert probabilities.dtype == torch.float32
        assert (probabilities >= 0).all()
        torch.testing.assert_close(probabilities.sum(0), torch.ones(probabilities.shape[1:]))
    (batch,) = model.seen
    assert batch.shape == (len(SIZES), 3, 32, 32)
    assert batch.min() >= 0 and batch.max() <= 1


@pytest.mark.parametrize("fit", FITS)
def test_a_batch_is_the_same_as_one_by_one(fit: str):
    random = np.random.default_rng(1)
    photos = [random.integers(0, 256, (*size, 3), dtype=np.uint8) for size in SIZES]
    model, card = Echo().eval(), Card("echo", size=24, fit=fit)
    for image, together in zip(photos, predict_probabilities(model, card, photos), strict=True):
        torch.testing.assert_close(predict_probabilities(model, card, [image])[0], together)


@pytest.mark.parametrize("fit", FITS)
@pytest.mark.parametrize("size", [(60, 90), (90, 60), (128, 128), (37, 300)])
def test_stripes_come_back_where_they_were(fit: str, size: tuple[int, int]):
    image = photo(*size, [0, 1, 2])
    mask = predict_mask(Echo().eval(), Card("echo", size=64, fit=fit), image)
    assert mask.shape == size
    assert mask.dtype == np.uint8
    true = image.argmax(-1)
    blur = max(size) / 64 * 1.5  # a pixel and a half of the square, in pixels of the photo
    edges = np.array([size[1] / 3, 2 * size[1] / 3])
    inside = np.abs(np.arange(size[1]) + 0.5 - edges[:, None]).min(0) > blur
    assert inside.any()
    assert (mask[:, inside] == true[:, inside]).all()


def test_the_bars_of_a_letterbox_are_cut_off():
    """A network that finds dogs in the grey bars alone finds none in the photo."""

    class Bars(Echo):
        def forward(self, image: Tensor) -> Tensor:
            bar = (image - 128 / 255).abs().amax(1, keepdim=True) < 1e-6
            return torch.cat([~bar, torch.zeros_like(bar), bar], 1).float() * self.scale

    image = photo(20, 80, [0, 1])
    card = Card("bars", size=32, fit="letterbox")
    assert not predict_mask(Bars().eval(), card, image).any()
    assert not predict_mask(Bars().eval(), Card("bars", size=32), image).any()


def test_scores_are_resized_before_the_softmax():
    """Between a sure and an unsure pixel, interpolated logits and probabilities differ."""

    class Two(Echo):
        def forward(self, image: Tensor) -> Tensor:
            scores = torch.zeros(1, 3, 2, 2)
            scores[0, 1, :, 0], scores[0, 2, :, 1] = 8.0, 2.0
            return scores

    image = np.zeros((2, 4, 3), np.uint8)
    (found,) = predict_probabilities(Two().eval(), Card("two", size=2), [image])
    logits = torch.tensor([[0.0, 0, 0, 0], [8, 6, 2, 0], [0, 0.5, 1.5, 2]])
    torch.testing.assert_close(found[:, 0], logits.softmax(0))


def test_a_network_in_half_precision_still_gives_probabilities():
    class Half(Echo):
        def forward(self, image: Tensor) -> Tensor:
            return super().forward(image).bfloat16()

    image = np.random.default_rng(0).integers(0, 256, (33, 47, 3), dtype=np.uint8)
    (found,) = predict_probabilities(Half().eval(), Card("half", size=16), [image])
    torch.testing.assert_close(found.sum(0), torch.ones(33, 47))
