"""Several models on the same perturbed photo: the pixels are made once, then everyone looks.

Models on the same frozen encoder share its features too. Counts are those of
`common.scoring.counts.confusion_counts` at the photo's native size.

Shapes: L perturbed versions of one photo, H W its native pixels, S a model's square.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from common.checkpoint import Card, load_checkpoint
from common.clicks.prompts import Click, pet_truth
from common.clicks.robot import centre
from common.data.geometry import fit_points, to_input, unfit
from common.models.encoders.encoder import FrozenEncoder
from common.scoring.counts import confusion_counts

VERSION = 1  # raise it when a model would be asked in another way
BATCH = 9  # photos in one pass


@dataclass
class Entrant:
    """A model that takes part.

    Attributes:
        name: of its checkpoint.
        model, card: as `load_checkpoint` returns them.
        seconds: spent on it so far.
    """

    name: str
    model: nn.Module
    card: Card
    seconds: float = 0.0

    @property
    def clickable(self) -> bool:
        """Whether it was trained to be clicked on."""
        return hasattr(self.model, "decode_clicks")


class Remembering(nn.Module):
    """An encoder that returns its last answer where it is asked about the same photos again.

    Args:
        encoder: in evaluation mode; has ``channels`` and ``strides``.
    """

    def __init__(self, encoder: nn.Module) -> None:
        super().__init__()
        self.encoder = encoder
        self.channels, self.strides = encoder.channels, encoder.strides
        self.asked: Tensor | None = None
        self.answer: list[Tensor] = []

    def forward(self, image: Tensor) -> list[Tensor]:
        if self.asked is None or not torch.equal(self.asked, image):
            self.asked, self.answer = image, self.encoder(image)
        return self.answer


def enter(names: Sequence[str], checkpoints: Path) -> list[Entrant]:
    """Load checkpoints of a folder; those with equal frozen encoders get one between them."""
    shared: dict[tuple, Remembering] = {}
    entrants = []
    for name in names:
        model, card = load_checkpoint(checkpoints / f"{name}.json")
        entrant, encoder = Entrant(name, model, card), getattr(model, "encoder", None)
        if isinstance(encoder, FrozenEncoder):
            key = (encoder.name, encoder.sha256, encoder.strides, encoder.channels, card.size)
            model.encoder = shared.setdefault(key, Remembering(encoder))
        elif entrant.clickable:  # asked without a click, then with one
            model.encoder = Remembering(encoder)
        entrants.append(entrant)
    return entrants


def count_versions(
    entrants: Sequence[Entrant], versions: Sequence[np.ndarray], truth: np.ndarray
) -> Iterator[tuple[str, int, int, dict[str, int]]]:
    """What each model makes of some versions of a photo.

    Args:
        entrants: of `enter`.
        versions: L of (H, W, 3) uint8.
        truth: (H, W) uint8 classes, 255 border.

    Yields:
        Name, clicks, number of the version, and its confusion ``c{t}{p}``. Clicks are 0, and in a
        second turn, where the model takes them, 1: the robot's first.
    """
    squares: dict[tuple[int, str], Tensor] = {}
    click = centre(pet_truth(truth))
    for entrant in entrants:
        form = entrant.card.size, entrant.card.fit
        if form not in squares:
            batch = torch.stack([to_input(version, *form) for version in versions])
            squares[form] = batch.contiguous(memory_format=torch.channels_last)
        start = time.perf_counter()
        for clicks, number, classes in _answers(entrant, squares[form], truth.shape, click):
            counts = confusion_counts(classes, truth)
            yield entrant.name, clicks, number, {k: n for k, n in counts.items() if k[0] == "c"}
        entrant.seconds += time.perf_counter() - start


@torch.inference_mode()
def _answers(
    entrant: Entrant, batch: Tensor, shape: tuple[int, int], click: Click
) -> Iterator[tuple[int, int, np.ndarray]]:
    """Clicks, number of the version, and classes (H, W)."""
    card = entrant.card
    for first in range(0, len(batch), BATCH):
        part = batch[first : first + BATCH]
        turns = [entrant.model(part)]
        if entrant.clickable:
            place = fit_points(np.array([[click.x, click.y]]), *shape, card.size, card.fit)
            points = torch.from_numpy(place).expand(len(part), 1, 2)
            turns.append(entrant.model(part, points, torch.ones(len(part), 1).long()))
        for clicks, scores in enumerate(turns):
            for number, score in enumerate(scores, first):
                yield clicks, number, likeliest(unfit(score, *shape, card.fit))


def likeliest(scores: Tensor) -> np.ndarray:
    """Class scores (3, H, W) -> the class with the highest (H, W), the first of equals.

    Comparing three planes is eight times as fast as `argmax` over the first axis.
    """
    ground, cat, dog = scores.numpy()
    pet = (cat > ground).astype(np.uint8)
    return np.where(dog > np.maximum(ground, cat), np.uint8(2), pet)
