"""Training items of anybody's photos: the whole photo, or a view from near of one of its animals.

Shapes: S the edge of an item.
"""

from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2

from common.config import IGNORE
from common.data.cache import PetCache
from common.data.scene import ANIMALS, box_of

WHOLE = 0.4  # share of the items that show the whole photo
MARGIN = (1.15, 2.2)  # a view's edge over that of the animal's box


class OwnViews(Dataset):
    """Views of rows of `own_photos`, each drawn anew; items as of `Composites`."""

    def __init__(
        self, cache: PetCache, rows: np.ndarray, transform: v2.Transform | None, size: int
    ) -> None:
        self.cache, self.rows, self.transform, self.size = cache, rows, transform, size

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        rng = np.random.default_rng(int(torch.randint(2**62, ())))
        row, size = self.rows[item], (self.size, self.size)
        box, flip = self.part(row, rng), bool(rng.random() < 0.5)
        photo = Image.fromarray(self.cache.images[row]).resize(size, Image.Resampling.BOX, box)
        numbers = Image.fromarray(self.cache.masks[row]).resize(
            size, Image.Resampling.NEAREST, box
        )
        step = -1 if flip else 1
        image = torch.from_numpy(np.asarray(photo)[:, ::step].copy()).permute(2, 0, 1)
        mask = torch.from_numpy(np.asarray(numbers)[:, ::step].copy())
        if self.transform is not None:
            image, mask = self.transform(tv_tensors.Image(image), tv_tensors.Mask(mask))
        species = torch.full((ANIMALS,), -1)
        kinds = [int(kind) for kind in self.cache.manifest["species"].iloc[row].split()]
        species[: len(kinds)] = torch.tensor(kinds)
        return {
            "image": image.as_subclass(Tensor),
            "mask": mask.as_subclass(Tensor),
            "species": species,
        }

    def part(self, row: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
        """Left, top, right and bottom of what is shown."""
        height, width = self.cache.manifest[["height", "width"]].iloc[row]
        numbers = self.cache.masks[row]
        there = np.setdiff1d(np.unique(numbers), [0, IGNORE])
        if rng.random() < WHOLE or not len(there):
            return 0, 0, int(width), int(height)
        left, top, right, bottom = box_of(numbers == rng.choice(there))
        edge = rng.uniform(*MARGIN) * max(right - left, bottom - top)
        spans = ((left, right, width), (top, bottom, height))
        (x0, x1), (y0, y1) = (_span(low, high, edge, most, rng) for low, high, most in spans)
        return x0, y0, x1, y1


def _span(
    low: int, high: int, edge: float, most: int, rng: np.random.Generator
) -> tuple[int, int]:
    """A stretch of ``edge`` pixels that holds low to high, within 0 to ``most``."""
    edge = min(edge, most)
    start = rng.uniform(high - edge, low) if edge > high - low else (low + high - edge) / 2
    start = min(max(start, 0), most - edge)
    return int(start), int(max(start + edge, start + 1))


@dataclass(frozen=True)
class Views:
    """Makes `OwnViews` of a size, as the `Items` of a training."""

    size: int = 256
    inputs: tuple[str, ...] = ()

    @property
    def input_size(self) -> int:
        """See `Items`."""
        return self.size

    @property
    def identity(self) -> dict:
        """What the items follow from, beside the photos."""
        return {"size": self.size, "whole": WHOLE, "margin": MARGIN}

    def __call__(
        self, cache: PetCache, rows: np.ndarray, transform: v2.Transform | None = None
    ) -> OwnViews:
        """Views of some rows of a cache."""
        return OwnViews(cache, rows, transform, self.size)
