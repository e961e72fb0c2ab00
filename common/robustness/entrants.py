"""Several models on the same perturbed photo: the pixels are made once, then everyone looks.

Models on the same frozen encoder share its features too. Counts are those of
`common.scoring.counts.confusion_counts` at the photo's native size.

Shapes: L perturbed versions of one photo, H W its native pixels, S a model's square.
"""

import time
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from common.checkpoint import Card, load_checkpoint
from common.clicks.prompts import Click, pet_truth
from common.clicks.robot import centre
from common.data.geometry import fit_points, to_input, unfit
from common.models.encoders.encoder import FrozenEncoder
from common.robustness.perturb import LEVELS, perturb, photo_seed
from common.robustness.scores import CLEAN
from common.scoring.counts import confusion_counts

VERSION = 1  # raise it when a model would be asked in another way
BATCH = 9  # photos in one pass
SEED = 0  # of the sample, and of what is random in a perturbation
Photo = tuple[dict, np.ndarray, np.ndarray]  # its row of the index, (H, W, 3) pixels, truth (H, W)


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


def count_sample(
    group: Sequence[Entrant], sample: Sequence[Photo], damage: str, levels: Sequence[int]
) -> pd.DataFrame:
    """Rows of all photos under one perturbation at some levels, or clean.

    Returns:
        model, image, species, perturbation, level, clicks and the confusion ``c{t}{p}``.
    """
    steps, rows = [0] if damage == CLEAN else list(levels), []
    for record, image, truth in tqdm(sample, damage, unit="photo", mininterval=1):
        seed = photo_seed(record["name"], SEED)
        versions = [perturb(image, damage, step, seed) if step else image for step in steps]
        about = {"image": record["name"], "species": record["species"], "perturbation": damage}
        rows += [
            {"model": name, **about, "level": steps[version], "clicks": clicks, **counts}
            for name, clicks, version, counts in count_versions(group, versions, truth)
        ]
    return pd.DataFrame(rows)


def forecast(group: Sequence[Entrant], photo: Photo, versions: int) -> None:
    """Measure one photo, and say how long so many perturbed photos will take."""
    _, image, truth = photo
    for _ in range(2):  # the first warms up
        for entrant in group:
            entrant.seconds = 0.0
        deque(count_versions(group, [image] * (LEVELS - 1), truth), maxlen=0)
    each = {entrant.name: 1000 * entrant.seconds / (LEVELS - 1) for entrant in group}
    minutes = sum(each.values()) * versions / 60_000
    told = ", ".join(f"{name} {ms:.0f}" for name, ms in each.items())
    print(
        f"about {minutes:.0f} minutes for {versions:,} perturbed photos; ms for each: {told}",
        flush=True,
    )
    for entrant in group:
        entrant.seconds = 0.0
