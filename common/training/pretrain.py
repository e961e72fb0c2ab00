"""Pretraining as the training loop sees it: which photos, and what is scored after an epoch.

MAE (He et al. 2021) needs no other augmentation than crops and flips, and CLIP (Radford et al.
2021) none but crops.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn
from torchvision.transforms import v2

from common.data.dataset import PetCache, PetDataset, to_float

VERSION = 1  # raise it when the crops or one of the scores below change


@dataclass(frozen=True)
class Crops:
    """Training items of ``size`` pixels: a random crop of the photo, flipped or not, then as told.

    Attributes:
        size: edge in pixels, at best below the cache's: then crops lose no detail.
        without: breeds whose photos are left out.
    """

    size: int = 96
    without: tuple[str, ...] = ()
    inputs: ClassVar[tuple[str, ...]] = ()

    @property
    def identity(self) -> dict:
        """What the items follow from beside the photos."""
        return asdict(self)

    def __call__(
        self, cache: PetCache, rows: np.ndarray, transform: v2.Transform | None = None
    ) -> PetDataset:
        """Items of ``rows``."""
        crop = v2.RandomResizedCrop(self.size, scale=(0.4, 1.0), antialias=True)
        steps = [crop, v2.RandomHorizontalFlip(), transform or v2.Identity()]
        left = ~cache.manifest["breed"].iloc[rows].isin(self.without).to_numpy()
        return PetDataset(cache, rows[left], v2.Compose(steps))


def photo_batches(
    cache: PetCache, rows: np.ndarray, size: int = 0, batch: int = 64
) -> Iterator[tuple[np.ndarray, Tensor]]:
    """Rows (B,) and their whole photos (B, 3, S, S) in [0, 1], of ``size`` pixels if given."""
    for start in range(0, len(rows), batch):
        part = rows[start : start + batch]
        image = to_float(torch.from_numpy(cache.images[part])).permute(0, 3, 1, 2)
        if size and size != image.shape[-1]:
            image = F.interpolate(image, (size, size), mode="bilinear", antialias=True)
        yield part, image


@torch.inference_mode()
def quick_reconstruction(
    model: nn.Module, cache: PetCache, split: str, accelerator: Accelerator
) -> dict[str, float]:
    """val_explained: share of the variance of hidden patches that a `MaskedAutoencoder` explains.

    1 − `forward_loss`, since each patch's pixels have variance 1. The same patches are hidden in
    every epoch; each process takes its share of the photos.
    """
    rows = cache.rows(split)[accelerator.process_index :: accelerator.num_processes]
    generator = torch.Generator().manual_seed(0)
    total = torch.zeros(2, dtype=torch.float64, device=accelerator.device)
    model.eval()
    for part, image in photo_batches(cache, rows, model.size):
        masking = model.random_masking(len(part), generator=generator)
        on_device = (x.to(accelerator.device) for x in (image, *masking))
        error = model.forward_loss(*on_device)
        total += torch.tensor([float(error) * len(part), len(part)]).to(total)
    error, photos = accelerator.reduce(total)
    return {"val_explained": 1 - float(error / photos)}


@torch.inference_mode()
def quick_zero_shot(
    model: nn.Module, cache: PetCache, split: str, accelerator: Accelerator
) -> dict[str, float]:
    """val_breed and val_species: accuracy of a `PetClip` through text prompts.

    Photos of breeds held out of training have no say here, since these scores choose the epoch.
    """
    breed = torch.from_numpy(cache.manifest["breed_id"].to_numpy() - 1)
    species = torch.from_numpy(cache.manifest["species"].to_numpy() - 1)
    seen = ~model.held_out.cpu()
    rows = cache.rows(split)[accelerator.process_index :: accelerator.num_processes]
    rows = rows[seen[breed[rows]].numpy()]
    right = torch.zeros(3, dtype=torch.float64, device=accelerator.device)
    model.eval()
    for part, image in photo_batches(cache, rows, model.size):
        of_breeds, of_species = (x.cpu() for x in model.similarity(image.to(accelerator.device)))
        of_breeds[:, ~seen] = -1  # no name of a breed that was never named
        guesses = (of_breeds.argmax(1), breed), (of_species.argmax(1), species)
        hits = [int((guess == truth[part]).sum()) for guess, truth in guesses]
        right += torch.tensor([*hits, len(part)]).to(right)
    of_breed, of_species, photos = accelerator.reduce(right)
    return {"val_breed": float(of_breed / photos), "val_species": float(of_species / photos)}
