"""From photos on disk to training items: the preprocessed dataset, opened or built when needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.data import Dataset

from common.config import FITS, MAX_SIZE, MIN_SIZE, SPLITS, UserError, cache_root, data_root
from common.data.build import build
from common.data.cache import PetCache, cache_name, is_current, open_cache
from common.data.download import download_pets
from common.data.pets import fingerprint, is_preprocessed
from common.files import locked

if TYPE_CHECKING:
    from torchvision.transforms import v2

PARTS = (*SPLITS, "leak")  # a leak is a training photo that stands in another split too


class PetDataset(Dataset):
    """Rows of a cache as training items, varied by ``transform``.

    An item is ``image`` (3, S, S) uint8 (`to_float` it as a batch), ``mask`` (S, S) uint8,
    ``species`` and ``breed`` (both counted from 0).

    Attributes:
        inputs, identity, input_size: of `common.training.trainer.Items`: nothing but the photos.
    """

    inputs: tuple[str, ...] = ()
    identity: dict = {}
    input_size = 0

    def __init__(
        self, cache: PetCache, rows: np.ndarray, transform: v2.Transform | None = None
    ) -> None:
        self.cache, self.rows, self.transform = cache, rows, transform
        self.species = torch.tensor(cache.manifest["species"].to_numpy() - 1)
        self.breed = torch.tensor(cache.manifest["breed_id"].to_numpy() - 1)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        row = self.rows[item]
        image = torch.from_numpy(self.cache.images[row].copy()).permute(2, 0, 1)
        mask = torch.from_numpy(self.cache.masks[row].copy())
        if self.transform is not None:
            from torchvision import tv_tensors  # as slow to import as torch

            image, mask = self.transform(tv_tensors.Image(image), tv_tensors.Mask(mask))
        return {
            "image": image.as_subclass(Tensor),
            "mask": mask.as_subclass(Tensor),
            "species": self.species[row],
            "breed": self.breed[row],
        }


def to_float(image: Tensor) -> Tensor:
    """Photos (B, 3, H, W) uint8 -> what models take: float in [0, 1].

    Done by the batch on the model's side: workers then hand over a quarter of the bytes.
    """
    return image.float().div(255)


def resolve_root(root: str | Path | None = None) -> Path:
    """The dataset's folder: ``root``, else ``$PETS_ROOT``; "download" fetches the official one."""
    if str(root) == "download":
        return download_pets()
    chosen = data_root(root)
    if chosen is None:
        raise UserError(
            "no dataset: set PETS_ROOT to a copy of Oxford-IIIT Pet, or pass its folder"
        )
    return chosen


def prepare(
    root: str | Path | None = None,
    *,
    size: int = 128,
    fit: str = "stretch",
    folder: str | Path | None = None,
) -> PetCache:
    """Open the preprocessed dataset of some photos, building it first when needed.

    Args:
        root: see `resolve_root`; it may also be a preprocessed dataset itself, as an import
            leaves it.
        size: edge S in pixels.
        fit: "stretch" or "letterbox".
        folder: where caches live, default `cache_root`.

    Raises:
        UserError: the dataset or an argument does not do, or the disk is full.
    """
    return open_cache(prepare_folder(root, size=size, fit=fit, folder=folder))


def prepare_folder(
    root: str | Path | None = None,
    *,
    size: int = 128,
    fit: str = "stretch",
    folder: str | Path | None = None,
) -> Path:
    """The folder of the cache that `prepare` opens, built when needed."""
    if fit not in FITS:
        raise UserError(f"fit {fit!r} is unknown; choose one of {', '.join(FITS)}")
    if not MIN_SIZE <= size <= MAX_SIZE:
        raise UserError(f"size {size} is out of range; choose {MIN_SIZE} to {MAX_SIZE} pixels")
    source = resolve_root(root)
    if is_preprocessed(source):
        return _as_asked(source, size, fit)
    identity = fingerprint(source)
    target = Path(folder or cache_root()) / cache_name(size, fit, identity)
    if not is_current(target, identity):
        with locked(target):
            if not is_current(target, identity):  # another process may have built it meanwhile
                build(source, target, size=size, fit=fit, identity=identity)
    return target


def _as_asked(folder: Path, size: int, fit: str) -> Path:
    info = open_cache(folder).info
    if (info["size"], info["fit"]) != (size, fit):
        raise UserError(
            f"{folder}: preprocessed at {info['size']} px, {info['fit']}, but {size} px, {fit} is "
            "asked for; ask for what it is, or set PETS_ROOT to the photos"
        )
    return folder


def shrink(batch: dict[str, Tensor], scale: float = 0.75) -> None:
    """Make a batch's photos and masks (B, ..., S, S) smaller in place; masks by nearest."""
    batch["image"] = F.interpolate(
        batch["image"], scale_factor=scale, mode="bilinear", antialias=True
    )
    mask = batch["mask"].unsqueeze(1)
    batch["mask"] = F.interpolate(mask, scale_factor=scale, mode="nearest-exact")[:, 0]
