"""The dataset on disk: which photos there are, whose they are, and how one is read.

Reads any folder in the layout of Oxford-IIIT Pet (Parkhi et al. 2012), which is torchvision's:
``images/NAME.jpg``, ``annotations/trimaps/NAME.png``, ``annotations/{trainval,test}.txt``.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps, UnidentifiedImageError

from .config import CLASSES, IGNORE, UserError

LISTS = {"trainval": "trainval.txt", "test": "test.txt"}
PET, BACKGROUND, BORDER = 1, 2, 3  # values of a trimap
MAX_PIXELS = 50_000_000  # a larger photo is refused before it is decoded


def find_root(root: str | Path) -> Path:
    """The folder that holds ``annotations/``: ``root`` itself or its ``oxford-iiit-pet``."""
    root = Path(root).expanduser()
    for folder in (root, root / "oxford-iiit-pet"):
        if (folder / "annotations").is_dir():
            return folder
    raise UserError(
        f"{root}: no folder 'annotations' here or in 'oxford-iiit-pet'; set PETS_ROOT to a copy of "
        "Oxford-IIIT Pet in torchvision's layout (images/, annotations/)"
    )


def read_index(root: str | Path, *, seed: int = 0, validation: float = 0.1) -> pd.DataFrame:
    """One row a listed photo: name, breed, breed_id, species (1 cat, 2 dog), split.

    ``split`` is train, val or test; val is ``validation`` of each breed of trainval, by ``seed``.
    Photos that no list names are left alone, as in the official release.
    """
    folder = find_root(root) / "annotations"
    columns = ["name", "breed_id", "species", "number"]
    parts = []
    for split, file in LISTS.items():
        if (folder / file).is_file():
            part = pd.read_csv(folder / file, sep=r"\s+", comment="#", header=None, names=columns)
            parts.append(part.assign(split=split))
    index = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()
    if index.empty:
        raise UserError(
            f"{folder}: trainval.txt and test.txt list no photo; is the copy complete?"
        )
    if not index["species"].isin((1, 2)).all():
        bad = index.loc[~index["species"].isin((1, 2)), "name"].iloc[0]
        raise UserError(f"{folder}: species of {bad} is neither 1 (cat) nor 2 (dog)")
    index["breed"] = index["name"].str.rsplit("_", n=1).str[0].str.replace("_", " ").str.title()
    index["split"] = index["split"].replace("trainval", "train")
    index.loc[_validation_rows(index, seed, validation), "split"] = "val"
    return index[["name", "breed", "breed_id", "species", "split"]]


def _validation_rows(index: pd.DataFrame, seed: int, share: float) -> np.ndarray:
    """Row labels of the validation photos: ``share`` of each breed, at least one of several."""
    random = np.random.default_rng(seed)
    chosen = []
    for _, rows in index[index["split"] == "train"].groupby("breed_id"):
        count = max(1, round(share * len(rows))) if len(rows) > 1 else 0
        chosen.append(random.permutation(np.sort(rows.index))[:count])
    return np.concatenate(chosen) if chosen else np.empty(0, int)


def photo_path(root: str | Path, name: str) -> Path:
    """Where the photo ``name`` is stored."""
    return find_root(root) / "images" / f"{name}.jpg"


def trimap_path(root: str | Path, name: str) -> Path:
    """Where the trimap of ``name`` is stored."""
    return find_root(root) / "annotations" / "trimaps" / f"{name}.png"


def read_photo(path: str | Path) -> np.ndarray:
    """Decode a photo of any mode upright: (H, W, 3) uint8 RGB.

    Raises:
        UserError: the file is missing, no image, truncated or larger than `MAX_PIXELS`.
    """
    try:
        with Image.open(path) as image:
            if image.width * image.height > MAX_PIXELS:
                raise UserError(
                    f"{path}: {image.width}×{image.height} pixels are too many to decode"
                )
            return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError:
        raise UserError(f"{path}: no such photo") from None
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError) as error:
        if isinstance(error, UserError):
            raise
        raise UserError(f"{path}: not a readable image ({_short(error, path)})") from None


def read_mask(path: str | Path, species: int) -> np.ndarray:
    """Decode a trimap into classes: (H, W) uint8 of 0 background, 1 cat, 2 dog, 255 border."""
    try:
        with Image.open(path) as image:
            trimap = np.asarray(image)
    except FileNotFoundError:
        raise UserError(f"{path}: no such trimap") from None
    except (OSError, SyntaxError, ValueError) as error:
        raise UserError(f"{path}: not a readable trimap ({_short(error, path)})") from None
    if trimap.ndim != 2 or not np.isin(trimap, (PET, BACKGROUND, BORDER)).all():
        raise UserError(f"{path}: a trimap holds only 1 (pet), 2 (background) and 3 (border)")
    lookup = np.array([0, species, 0, IGNORE], np.uint8)
    return lookup[trimap]


def read_pair(root: str | Path, name: str, species: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo (H, W, 3) and its class mask (H, W), checked to belong together."""
    image = read_photo(photo_path(root, name))
    mask = read_mask(trimap_path(root, name), species)
    if image.shape[:2] != mask.shape:
        (h, w), (mh, mw) = image.shape[:2], mask.shape
        raise UserError(f"{name}: the photo is {w}×{h} but its trimap {mw}×{mh}")
    if not (mask == species).any():
        raise UserError(f"{name}: the trimap has no {CLASSES[species]} pixel")
    return image, mask


def fingerprint(root: str | Path) -> str:
    """A cheap identity of a folder's content: sha256 of its lists and of each file's size."""
    folder = find_root(root)
    digest = hashlib.sha256()
    for file in LISTS.values():
        if (folder / "annotations" / file).is_file():
            digest.update((folder / "annotations" / file).read_bytes())
    for path in sorted([*folder.glob("images/*.jpg"), *folder.glob("annotations/trimaps/*.png")]):
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    return digest.hexdigest()


def _short(error: Exception, path: str | Path) -> str:
    return str(error).replace(str(path), "the file").splitlines()[0][:120]
