"""Training scenes drawn on the fly: one animal, several in one frame, small ones, bare ground."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from common.data.cache import PetCache
from common.data.scene import ANIMALS, Mix, Scene

if TYPE_CHECKING:  # as slow to load as torch
    from torchvision.transforms import v2

VERSION = 1  # raise it when the same mix would be drawn otherwise
KINDS = ("single", "near", "alone", "several", "ground")


class Composites(Dataset):
    """Scenes as training items: as many as there are rows, each drawn anew at every call.

    An item is ``image`` (3, S, S) uint8, ``mask`` (S, S) uint8 of 0 ground, 1 to `ANIMALS` in the
    order of the layers, 255 border, and ``species`` (`ANIMALS`,) of each from 0, -1 none.

    Args:
        cache, rows, transform: of `PetDataset`.
        mix: of the scenes.
    """

    def __init__(
        self,
        cache: PetCache,
        rows: np.ndarray,
        transform: v2.Transform | None = None,
        mix: Mix | None = None,
    ) -> None:
        self.cache, self.rows, self.transform, self.mix = cache, rows, transform, mix or Mix()
        self.breed = cache.manifest["breed_id"].to_numpy()
        self.of_breed = {b: rows[self.breed[rows] == b] for b in np.unique(self.breed[rows])}

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        rng = np.random.default_rng(int(torch.randint(2**62, ())))
        scene = Scene(self.cache, self.mix, rng)
        self._draw(scene, self.rows[item], rng)
        image, mask = torch.from_numpy(scene.image).permute(2, 0, 1), torch.from_numpy(scene.mask)
        if self.transform is not None:
            from torchvision import tv_tensors

            image, mask = self.transform(tv_tensors.Image(image), tv_tensors.Mask(mask))
        species = torch.full((ANIMALS,), -1)
        species[: len(scene.species)] = torch.tensor(scene.species, dtype=torch.long)
        return {
            "image": image.as_subclass(Tensor),
            "mask": mask.as_subclass(Tensor),
            "species": species,
        }

    def _draw(self, scene: Scene, row: int, rng: np.random.Generator) -> None:
        mix = self.mix
        kind = rng.choice(KINDS, p=[getattr(mix, kind) for kind in KINDS])
        if kind == "near":
            scene.lay_near(row)
        elif kind == "single" or (kind == "several" and rng.random() < mix.whole):
            scene.lay_photo(row)
        else:
            scene.lay_ground(self.rows)
            if kind != "ground":
                scene.lay_animal(row, tile=rng.random() < mix.first_tile)
        for _ in range(1 + rng.binomial(3, 0.4) if kind == "several" else 0):
            scene.lay_animal(self._neighbour(row, rng), tile=rng.random() < mix.tile)

        if rng.random() < mix.coarse:
            scene.blur()

    def _neighbour(self, row: int, rng: np.random.Generator) -> int:
        if rng.random() < self.mix.twin:
            return row
        pool = self.of_breed[self.breed[row]] if rng.random() < self.mix.same_breed else self.rows
        return int(rng.choice(pool))


@dataclass(frozen=True)
class Scenes:
    """Makes `Composites` of a mix, as the `Items` of a training."""

    mix: Mix = field(default_factory=Mix)
    inputs: tuple[str, ...] = ()

    @property
    def input_size(self) -> int:
        """See `Items`."""
        return self.mix.size

    @property
    def identity(self) -> dict:
        """What the items follow from, beside the photos."""
        return asdict(self.mix)

    def __call__(
        self, cache: PetCache, rows: np.ndarray, transform: v2.Transform | None = None
    ) -> Composites:
        """Scenes of some rows of a cache."""
        return Composites(cache, rows, transform, self.mix)
