"""Networks known by heart, their predictors, and photos for them."""

import math

import numpy as np
import torch
from torch import Tensor, nn

from common.checkpoint import Card
from common.clicks.predictor import PromptedPredictor, RegionPredictor
from common.models.encoders.recipes import CATS, DOGS
from common.models.point.click_maps import click_maps

S = 16  # edge of the square
SURE = math.log(8)  # logits (ln 8, 0, 0) are probabilities 0.8, 0.1, 0.1


class Echo(nn.Module):
    """Knows no clicks: red is background, green is cat, blue is dog."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(SURE))

    def forward(self, image: Tensor) -> Tensor:
        return self.scale * image


class Clicky(nn.Module):
    """Sees discs round the clicks, and nothing of the photo; each is a dog, it says."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(-3.0))
        self.encoded, self.calls = 0, []

    def encode_image(self, image: Tensor) -> Tensor:
        self.encoded += 1
        return image

    features = encode_image

    def classes(self, image: Tensor) -> Tensor:
        """Dogs of every kind, everywhere."""
        return 9.0 * (torch.arange(len(DOGS) + len(CATS)) < len(DOGS)).view(1, -1, 1, 1)

    def decode_clicks(self, features, points, labels, previous) -> dict[str, Tensor]:
        self.calls.append((points, labels, previous))
        grid = 2 * [features.shape[-1] // 2]
        maps = click_maps((points + 0.5) / 2 - 0.5, labels, grid, 4.0, "disk")
        mask = self.bias + 6 * maps[:, :1] - 6 * maps[:, 1:]
        return {
            "mask": mask if previous is None else mask + previous,
            "quality": torch.tensor([0.75]),
            "species": torch.tensor([[0.0, math.log(4)]]),
        }


def colours(classes: list[str]) -> np.ndarray:
    """Rows of letters (r, g, b) -> a photo of these colours, (H, W, 3) uint8."""
    codes = np.array([["rgb".index(letter) for letter in row] for row in classes])
    return (255 * np.eye(3, dtype=np.uint8))[codes]


def region_predictor() -> RegionPredictor:
    return RegionPredictor(Echo(), Card("echo", size=S))


def prompted_predictor(**kwargs) -> PromptedPredictor:
    return PromptedPredictor(Clicky(), Card("clicky", **{"size": S, **kwargs}))


def photo(height: int = 20, width: int = 30) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
