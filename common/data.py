"""The preprocessed dataset: every photo decoded once, kept as uint8 memory maps.

A cache is a folder of ``images.npy`` (N, S, S, 3), ``masks.npy`` (N, S, S), ``manifest.csv`` (a row
a photo), ``problems.csv`` (what was left out, and why) and ``info.json``. It is built in a
temporary folder and renamed when whole, and reused while the dataset, the size and this code's
`FORMAT` stay the same.
"""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch import Tensor
from torch.utils.data import Dataset
from torchvision import tv_tensors
from torchvision.transforms import v2
from tqdm.auto import tqdm

from .config import UserError, cache_root, data_root
from .geometry import FITS, fit_mask, fit_photo
from .leaks import drop_leaks, photo_hash
from .pets import fingerprint, photo_path, read_index, read_pair
from .provenance import file_sha256

FORMAT = 1
FILES = ("images.npy", "masks.npy", "manifest.csv", "problems.csv")


@dataclass(frozen=True)
class PetCache:
    """An opened preprocessed dataset.

    Attributes:
        images: (N, S, S, 3) uint8 memory map.
        masks: (N, S, S) uint8 memory map of classes, 255 border.
        manifest: name, breed, breed_id, species, split, height, width, sha256, phash; row i
            describes images[i]. A split of "leak" marks a training copy of a held-out photo.
        problems: name and reason of each photo that was left out.
        info: format, size, fit, data (fingerprint), files (sha256 each), licence.
    """

    images: np.ndarray
    masks: np.ndarray
    manifest: pd.DataFrame
    problems: pd.DataFrame
    info: dict

    def rows(self, split: str, fraction: float = 1.0, seed: int = 0) -> np.ndarray:
        """Row numbers of a split; a ``fraction`` keeps that share of each breed."""
        table = self.manifest[self.manifest["split"] == split]
        if fraction < 1:
            table = table.groupby("breed_id").sample(frac=fraction, random_state=seed)
        return np.sort(table.index.to_numpy())


class PetDataset(Dataset):
    """Rows of a cache as training items, varied by ``transform``.

    An item is ``image`` (3, S, S) float in [0, 1], ``mask`` (S, S) uint8, ``species`` and
    ``breed`` (both counted from 0).
    """

    def __init__(
        self, cache: PetCache, rows: np.ndarray, transform: v2.Transform | None = None
    ) -> None:
        self.cache, self.rows, self.transform = cache, rows, transform
        self.species = cache.manifest["species"].to_numpy() - 1
        self.breed = cache.manifest["breed_id"].to_numpy() - 1

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        row = self.rows[item]
        image = tv_tensors.Image(torch.from_numpy(self.cache.images[row].copy()).permute(2, 0, 1))
        mask = tv_tensors.Mask(torch.from_numpy(self.cache.masks[row].copy()))
        if self.transform is not None:
            image, mask = self.transform(image, mask)
        return {
            "image": image.as_subclass(Tensor).float() / 255,
            "mask": mask.as_subclass(Tensor),
            "species": torch.tensor(self.species[row]),
            "breed": torch.tensor(self.breed[row]),
        }


def resolve_root(root: str | Path | None = None) -> Path:
    """The dataset's folder: ``root``, else ``$PETS_ROOT``; "download" fetches the official one."""
    if str(root) == "download":
        from .download import download_pets

        return download_pets()
    chosen = data_root(root)
    if chosen is None:
        raise UserError(
            "no dataset: set PETS_ROOT to a copy of Oxford-IIIT Pet, or pass its folder"
        )
    return chosen


def prepare(
    root: str | Path | None = None, *, size: int = 128, fit: str = "stretch",
    folder: str | Path | None = None,
) -> PetCache:  # fmt: skip
    """Open the cache of a dataset at a size, building it first when needed.

    Args:
        root: see `resolve_root`.
        size: edge S in pixels.
        fit: "stretch" or "letterbox".
        folder: where caches live, default `cache_root`.
    """
    if fit not in FITS:
        raise UserError(f"fit {fit!r} is unknown; choose one of {', '.join(FITS)}")
    source = resolve_root(root)
    identity = fingerprint(source)
    target = Path(folder or cache_root()) / f"pets-{size}-{fit}-{identity[:12]}"
    if not is_current(target, identity):
        build(source, target, size=size, fit=fit, identity=identity)
    return open_cache(target)


def is_current(target: Path, identity: str) -> bool:
    """Whether ``target`` is a whole cache of this dataset, made by this format."""
    try:
        info = json.loads((target / "info.json").read_text())
    except (OSError, ValueError):
        return False
    whole = all((target / file).is_file() for file in FILES)
    return whole and info.get("format") == FORMAT and info.get("data") == identity


def build(source: Path, target: Path, *, size: int, fit: str, identity: str) -> None:
    """Decode every photo of ``source`` into a new cache at ``target``, atomically."""
    index = read_index(source)
    scratch = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    try:
        scratch.mkdir(parents=True)
        _fill(scratch, source, index, size, fit)
        info = {"format": FORMAT, "size": size, "fit": fit, "data": identity, "licence": LICENCE}
        info["files"] = {file: file_sha256(scratch / file) for file in FILES}
        (scratch / "info.json").write_text(json.dumps(info, indent=2))
        shutil.rmtree(target, ignore_errors=True)
        scratch.rename(target)
    except OSError as error:
        raise UserError(
            f"{target.parent}: the preprocessed dataset could not be written "
            f"({error.strerror or error}); it needs {len(index) * size * size * 4 / 1e6:.0f} MB; "
            "free some space or set PETS_CACHE to another folder"
        ) from error
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _fill(scratch: Path, source: Path, index: pd.DataFrame, size: int, fit: str) -> None:
    """Write the arrays and tables of a cache; unreadable photos become rows of problems.csv."""
    shape = (len(index), size, size)
    images = _allocate(scratch / "images.npy", (*shape, 3))
    masks = _allocate(scratch / "masks.npy", shape)
    kept, problems = [], []
    for row in tqdm(index.to_dict("records"), desc=f"decoding photos to {size} px", unit="photo"):
        try:
            image, mask = read_pair(source, row["name"], row["species"])
        except UserError as error:
            problems.append({"name": row["name"], "reason": str(error)})
            continue
        images[len(kept)] = fit_photo(image, size, fit)
        masks[len(kept)] = fit_mask(mask, size, fit)
        height, width = mask.shape
        sha256 = file_sha256(photo_path(source, row["name"]))
        phash = photo_hash(Image.fromarray(image))
        kept.append({**row, "height": height, "width": width, "sha256": sha256, "phash": phash})
    if not kept:
        raise UserError(
            f"{source}: none of {len(index)} photos could be read; {problems[0]['reason']}"
        )
    images.flush(), masks.flush()
    if problems:
        _shrink(scratch, len(kept))
    drop_leaks(pd.DataFrame(kept)).to_csv(scratch / "manifest.csv", index=False)
    table = pd.DataFrame(problems, columns=["name", "reason"])
    table.to_csv(scratch / "problems.csv", index=False)


def _allocate(path: Path, shape: tuple[int, ...]) -> np.memmap:
    """A uint8 .npy file of this shape whose blocks are reserved: a full disk shows now."""
    array = np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape)
    with path.open("r+b") as file:
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)  # else SIGBUS in mid-write
    return array


def _shrink(scratch: Path, count: int) -> None:
    """Cut the unused rows off the arrays' ends."""
    for file in ("images.npy", "masks.npy"):
        whole = np.load(scratch / file, mmap_mode="r")
        np.save(scratch / f"cut-{file}", whole[:count])
        os.replace(scratch / f"cut-{file}", scratch / file)


def open_cache(target: str | Path) -> PetCache:
    """Open a cache folder; its arrays stay on disk until they are read."""
    target = Path(target)
    try:
        info = json.loads((target / "info.json").read_text())
        images, masks = (np.load(target / f, mmap_mode="r", allow_pickle=False) for f in FILES[:2])
        manifest, problems = (pd.read_csv(target / f) for f in FILES[2:])
    except (OSError, ValueError) as error:
        raise UserError(
            f"{target}: not a whole preprocessed dataset ({error}); delete it"
        ) from None
    if not len(images) == len(masks) == len(manifest) or info.get("format") != FORMAT:
        raise UserError(
            f"{target}: its parts do not fit together; delete the folder, it is rebuilt"
        )
    return PetCache(images, masks, manifest, problems, info)


LICENCE = (
    "Oxford-IIIT Pet Dataset: O. M. Parkhi, A. Vedaldi, A. Zisserman, C. V. Jawahar, "
    '"Cats and Dogs", IEEE CVPR 2012. CC BY-SA 4.0; its README adds "for research purposes"; '
    "the copyright of the photos stays with their owners. Reduced in size by this project."
)
