"""Two sample photos as one, for everything that is about one animal among several."""

from dataclasses import dataclass

import numpy as np
from PIL import Image

from common.config import IGNORE
from common.samples import Sample


@dataclass(frozen=True, eq=False)
class Pair:
    """A photo of two animals.

    Attributes:
        image: (H, W, 3) uint8 RGB.
        truths: by species, (H, W) uint8: 1 that animal, 0 not, 255 border.
        credit: both authors and licences.
    """

    image: np.ndarray
    truths: dict[str, np.ndarray]
    credit: str


def beside(left: Sample, right: Sample, height: int = 400) -> Pair:
    """Two photos of different species side by side, both brought to one height."""
    samples = (left, right)
    parts = [_at_height(sample, height) for sample in samples]
    masks = [mask for _, mask in parts]
    truths = {}
    for number, sample in enumerate(samples):
        shown = [mask if at == number else np.zeros_like(mask) for at, mask in enumerate(masks)]
        truths[sample.species] = np.concatenate(shown, 1)
    credit = "; ".join(sample.credit for sample in samples)
    return Pair(np.concatenate([image for image, _ in parts], 1), truths, credit)


def _at_height(sample: Sample, height: int) -> tuple[np.ndarray, np.ndarray]:
    """A sample's photo and its animal (1, 0, border), ``height`` pixels high."""
    size = round(sample.image.shape[1] * height / sample.image.shape[0]), height
    image = Image.fromarray(sample.image).resize(size, Image.Resampling.LANCZOS)
    mask = Image.fromarray(sample.mask).resize(size, Image.Resampling.NEAREST)
    labels = np.asarray(mask)
    animal = np.where(labels == IGNORE, IGNORE, labels > 0).astype(np.uint8)
    return np.asarray(image), animal
