"""Pretraining as the training loop sees it: which photos, and what is scored after an epoch.

MAE (He et al. 2021) needs no other augmentation than crops and flips, and CLIP (Radford et al.
2021) none but crops. Where features are predicted, crops of more scales and colours make more of
few photos: the target changes with them.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from common.data.dataset import PetCache, PetDataset
from common.training.validation import total

if TYPE_CHECKING:  # as slow to load as torch
    from accelerate import Accelerator
    from torchvision.transforms import v2

VERSION = 1  # raise it when the crops or one of the scores below change
USUAL = 0.4


@dataclass(frozen=True)
class Crops:
    """Training items of ``size`` pixels: a random crop of the photo, flipped or not, then as told.

    Attributes:
        size: edge in pixels, at best below the cache's: then crops lose no detail.
        without: breeds whose photos are left out.
        smallest: share of a photo's area that a crop shows at least.
    """

    size: int = 96
    without: tuple[str, ...] = ()
    smallest: float = USUAL
    inputs: ClassVar[tuple[str, ...]] = ()
    input_size: ClassVar[int] = 0

    @property
    def identity(self) -> dict:
        """What the items follow from beside the photos.

        The usual share goes without saying: trainings of before it could be chosen stay valid.
        """
        return {n: v for n, v in asdict(self).items() if (n, v) != ("smallest", USUAL)}

    def __call__(
        self, cache: PetCache, rows: np.ndarray, transform: v2.Transform | None = None
    ) -> PetDataset:
        """Items of ``rows``."""
        from torchvision.transforms import v2

        crop = v2.RandomResizedCrop(self.size, scale=(self.smallest, 1.0), antialias=True)
        steps = [crop, v2.RandomHorizontalFlip(), transform or v2.Identity()]
        left = ~cache.manifest["breed"].iloc[rows].isin(self.without).to_numpy()
        return PetDataset(cache, rows[left], v2.Compose(steps))


def quick_reconstruction(
    model: nn.Module, cache: PetCache, split: str, accelerator: Accelerator
) -> dict[str, float]:
    """val_explained: share of the variance of its target that a `MaskedAutoencoder` explains.

    1 − `forward_loss`, since each patch's numbers have variance 1. The same patches are hidden in
    every epoch.
    """
    generator = torch.Generator().manual_seed(0)

    def count(part: np.ndarray, image: Tensor) -> Tensor:
        masking = model.random_masking(len(part), generator=generator)
        error = model.forward_loss(image, *(x.to(image.device) for x in masking))
        return torch.tensor([float(error) * len(part), len(part)])

    model.eval()
    rows, zero = cache.rows(split), torch.zeros(2, dtype=torch.float64)
    error, photos = total(count, cache, rows, accelerator, zero, size=model.size)
    return {"val_explained": 1 - float(error / photos)}


def quick_zero_shot(
    model: nn.Module, cache: PetCache, split: str, accelerator: Accelerator
) -> dict[str, float]:
    """val_breed and val_species: accuracy of a `PetClip` through text prompts.

    Photos of breeds held out of training have no say here, since these scores choose the epoch.
    """
    breed = torch.from_numpy(cache.manifest["breed_id"].to_numpy() - 1)
    species = torch.from_numpy(cache.manifest["species"].to_numpy() - 1)
    seen = ~model.held_out.cpu()

    def count(part: np.ndarray, image: Tensor) -> Tensor:
        of_breeds, of_species = (x.cpu() for x in model.similarity(image))
        of_breeds[:, ~seen] = -1  # no name of a breed that was never named
        guesses = (of_breeds.argmax(1), breed), (of_species.argmax(1), species)
        return torch.tensor(
            [*((guess == truth[part]).sum() for guess, truth in guesses), len(part)]
        )

    model.eval()
    rows, zero = cache.rows(split), torch.zeros(3, dtype=torch.float64)
    rows = rows[seen[breed[rows]].numpy()]
    of_breed, of_species, photos = total(count, cache, rows, accelerator, zero, size=model.size)
    return {"val_breed": float(of_breed / photos), "val_species": float(of_species / photos)}
