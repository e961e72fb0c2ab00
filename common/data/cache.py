"""The preprocessed dataset: every photo decoded once, kept as uint8 memory maps.

A cache is a folder of ``images.npy`` (N, S, S, 3), ``masks.npy`` (N, S, S), ``manifest.csv`` (a
row a photo), ``problems.csv`` (what was left out, and why) and ``info.json``.
"""

import json
import mmap
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from common.config import FITS, MAX_SIZE, MIN_SIZE, UserError

FORMAT = 1
FILES = ("images.npy", "masks.npy", "manifest.csv", "problems.csv")
COLUMNS = ["name", "breed", "breed_id", "species", "split", "height", "width", "sha256", "phash"]
LICENCE = (
    "Oxford-IIIT Pet Dataset: O. M. Parkhi, A. Vedaldi, A. Zisserman, C. V. Jawahar, "
    '"Cats and Dogs", IEEE CVPR 2012, https://www.robots.ox.ac.uk/~vgg/data/pets/. '
    "CC BY-SA 4.0, https://creativecommons.org/licenses/by-sa/4.0/; its README adds "
    '"for research purposes"; the copyright of the photos stays with their owners. '
    "Changed by this project: photos reduced to squares, trimaps turned into classes."
)


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

    @property
    def identity(self) -> list[str]:
        """Hashes of the photos, their masks and their split."""
        return [self.info["files"][file] for file in ("images.npy", "masks.npy", "manifest.csv")]

    def rows(self, split: str, fraction: float = 1.0, seed: int = 0) -> np.ndarray:
        """Row numbers of a split; a ``fraction`` keeps that share of each breed."""
        table = self.manifest[self.manifest["split"] == split]
        if fraction < 1:
            table = table.groupby("breed_id").sample(frac=fraction, random_state=seed)
        return np.sort(table.index.to_numpy())

    def __reduce__(self) -> tuple:
        """For a worker process that is spawned: it opens the maps by name, else gets copies."""
        maps = [map_name(array) for array in (self.images, self.masks)]
        return _reopened, (*maps, self.manifest, self.problems, self.info)


def map_name(array: np.ndarray) -> np.ndarray | str:
    """The file of a whole read-only .npy memory map; any other array as it is."""
    if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap) and array.mode == "r":
        return str(array.filename)
    return array


def mapped(name: np.ndarray | str) -> np.ndarray:
    """What `map_name` named."""
    return np.lib.format.open_memmap(name, mode="r") if isinstance(name, str) else name


def _reopened(images: np.ndarray | str, masks: np.ndarray | str, *rest: Any) -> PetCache:
    return PetCache(mapped(images), mapped(masks), *rest)


def cache_name(size: int, fit: str, data: str) -> str:
    """Name of the folder of a cache."""
    return f"pets-{size}-{fit}-{data[:12]}"


def parse_info(text: str | bytes) -> dict:
    """The content of an info.json, checked: format, size, fit, data, files, licence.

    Raises:
        ValueError: it is none, or one of another format.
    """
    try:
        info = json.loads(text)
        sound = (
            info["format"] == FORMAT
            and isinstance(info["size"], int)
            and MIN_SIZE <= info["size"] <= MAX_SIZE
            and info["fit"] in FITS
            and isinstance(info["licence"], str)
            and set(info["files"]) == set(FILES)
            and all(_is_sha256(code) for code in (info["data"], *info["files"].values()))
        )
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ValueError(f"info.json is damaged: {error}") from None
    if not sound:
        raise ValueError(f"info.json is damaged or not of format {FORMAT}")
    return info


def _is_sha256(text: object) -> bool:
    return isinstance(text, str) and re.fullmatch("[0-9a-f]{64}", text) is not None


def read_info(folder: Path) -> dict:
    """The checked info.json of a cache.

    Raises:
        UserError: it is missing, damaged or of another format.
    """
    try:
        return parse_info((folder / "info.json").read_bytes())
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder}: not a whole preprocessed dataset ({error}); delete it and build it again"
        ) from None


def is_current(folder: Path, identity: str) -> bool:
    """Whether ``folder`` is a whole cache of the dataset with this fingerprint."""
    try:
        return read_info(folder)["data"] == identity and all((folder / f).is_file() for f in FILES)
    except UserError:
        return False


def open_cache(folder: str | Path) -> PetCache:
    """Open a cache folder; its arrays stay on disk until they are read.

    Raises:
        UserError: a part is missing or damaged, or the parts do not fit together.
    """
    folder = Path(folder)
    info = read_info(folder)
    text = {"name": str, "breed": str, "sha256": str, "phash": str, "reason": str}
    try:
        images, masks = (np.lib.format.open_memmap(folder / f, mode="r") for f in FILES[:2])
        manifest, problems = (
            pd.read_csv(folder / f, dtype=text, keep_default_na=False) for f in FILES[2:]
        )
    except (OSError, ValueError) as error:
        raise UserError(
            f"{folder}: not a whole preprocessed dataset ({error}); delete it and build it again"
        ) from None
    shape = (len(manifest), info["size"], info["size"])
    fits = images.shape == (*shape, 3) and masks.shape == shape and list(manifest) == COLUMNS
    if not fits or not images.dtype == masks.dtype == np.uint8:
        raise UserError(f"{folder}: its parts do not fit together; delete it and build it again")
    return PetCache(images, masks, manifest, problems, info)
