"""What notebook 01 measures: who is in the dataset, what a fit costs, what the cache buys."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torchvision import tv_tensors
from tqdm.auto import tqdm

from common.config import CLASSES, FITS, IGNORE, atomic_path
from common.costs.speed import loader_speed
from common.data.augment import augmentation
from common.data.dataset import PetCache
from common.data.geometry import fit_mask, fit_photo, unfit
from common.data.leaks import NEAR, near_duplicates
from common.data.pets import find_root, photo_path, read_index, read_mask, trimap_path
from common.data.photos import read_photo
from common.samples import Sample
from common.scoring.counts import image_counts
from common.scoring.scores import bootstrap

SIZE = 192  # px, of augmented samples
PHOTO_COLUMNS = ["name", "breed", "species", "split", "height", "width"]


def photo_table(cache: PetCache, drawn: pd.Series) -> pd.DataFrame:
    """A row a photo: `PHOTO_COLUMNS`, the share of its pixels in each class and border, ``drawn``.

    Args:
        drawn: split of each photo (index: names) before leaks were taken out.
    """
    values = {**dict(enumerate(CLASSES)), IGNORE: "border"}
    flat = cache.masks.reshape(len(cache.masks), -1)
    shares = {f"share_{name}": (flat == value).mean(1) for value, name in values.items()}
    first = cache.manifest["name"].map(drawn)
    return cache.manifest[PHOTO_COLUMNS].assign(**shares, drawn=first)


def leak_pairs(cache: PetCache, drawn: pd.Series, near: int) -> pd.DataFrame:
    """Pairs of photos drawn into two splits, within ``near`` bits: a, b, split_a, split_b, bits.

    Args:
        drawn: as in `photo_table`; a and b are names.
    """
    table = cache.manifest.assign(split=cache.manifest["name"].map(drawn))
    pairs = near_duplicates(table, near)
    for side in ("a", "b"):
        pairs[f"split_{side}"] = table["split"].to_numpy()[pairs[side]]
        pairs[side] = table["name"].to_numpy()[pairs[side]]
    return pairs


def fit_ceiling(root: Path, photos: pd.DataFrame, size: int) -> pd.DataFrame:
    """What a perfect model could reach: true masks sent to the square and back.

    Args:
        root: dataset folder.
        photos: rows name, species, breed.
        size: edge of the square.

    Returns:
        A row a photo and fit: fit, size, image, species, breed and the counts of `image_counts`.
    """
    rows = []
    for photo in tqdm(photos.to_dict("records"), desc="masks there and back", mininterval=1):
        mask = read_mask(trimap_path(root, photo["name"]), photo["species"])
        about = {"image": photo["name"], "species": photo["species"], "breed": photo["breed"]}
        for fit in FITS:
            small = torch.from_numpy(fit_mask(mask, size, fit).copy())
            certain = F.one_hot(small.long().where(small != IGNORE, 0), len(CLASSES))
            back = unfit(certain.permute(2, 0, 1).float(), *mask.shape, fit)
            back = back / back.sum(0)
            rows.append(
                {"fit": fit, "size": size, **about, **image_counts(back, torch.from_numpy(mask))}
            )
    return pd.DataFrame(rows)


def fit_scores(counts: pd.DataFrame) -> pd.DataFrame:
    """The table of `fit_ceiling` as scores: fit, size, score, value, low, high."""
    names = {"miou": "ceiling mIoU", "boundary_iou": "ceiling boundary IoU"}
    tables = []
    for (fit, size), rows in counts.groupby(["fit", "size"]):
        table = bootstrap(rows, list(names)).rename(names).reset_index()
        tables.append(table.assign(fit=fit, size=size))
    return pd.concat(tables, ignore_index=True)


class Decoded:
    """Looks like a cache's array, but decodes the file at every access."""

    def __init__(self, root: Path, manifest: pd.DataFrame, size: int, fit: str, kind: str) -> None:
        self.root, self.size, self.fit, self.kind = root, size, fit, kind
        self.names, self.species = manifest["name"].to_list(), manifest["species"].to_list()

    def __getitem__(self, row: int) -> np.ndarray:
        name = self.names[row]
        if self.kind == "image":
            return fit_photo(read_photo(photo_path(self.root, name)), self.size, self.fit)
        mask = read_mask(trimap_path(self.root, name), self.species[row])
        return fit_mask(mask, self.size, self.fit)


def undecoded(cache: PetCache, root: Path) -> PetCache:
    """The same dataset, read from its JPEG and PNG files each time."""
    arrays = [
        Decoded(root, cache.manifest, cache.info["size"], cache.info["fit"], kind)
        for kind in ("image", "mask")
    ]
    return replace(cache, images=arrays[0], masks=arrays[1])


def augmented(samples: Sequence[Sample], *, draws: int) -> tuple[list[np.ndarray], ...]:
    """Draws of the full recipe for each sample: photos (S, S, 3) and their masks (S, S)."""
    torch.manual_seed(0)
    change = augmentation("full")
    images, masks = [], []
    for _ in range(draws):
        for sample in samples:
            photo = torch.from_numpy(fit_photo(sample.image, SIZE).copy()).permute(2, 0, 1)
            mask = torch.from_numpy(fit_mask(sample.mask, SIZE).copy())
            photo, mask = change(tv_tensors.Image(photo), tv_tensors.Mask(mask))
            images.append(photo.permute(1, 2, 0).numpy())
            masks.append(mask.numpy())
    return images, masks


def measure(cache: PetCache, root: str | Path, folder: Path) -> None:
    """Measure everything that notebook 01 shows and write its tables into ``folder``."""
    root = find_root(root)
    val = cache.manifest.loc[cache.rows("val"), ["name", "species", "breed"]]
    drawn = read_index(root).set_index("name")["split"]
    pairs = leak_pairs(cache, drawn, near=64)
    bits = pairs["bits"].value_counts().rename_axis("bits").sort_index()
    sources = {"JPEG files": undecoded(cache, root), "memory map": cache}
    tables = {
        "photos.parquet": photo_table(cache, drawn),
        "problems.csv": cache.problems,
        "pairs.csv": pairs[pairs["bits"] <= 2 * NEAR].sort_values(["bits", "a", "b"]),
        "bits.csv": bits.reset_index(name="pairs"),
        "fit.parquet": fit_ceiling(root, val, cache.info["size"]),
        "loader_speed.csv": loader_speed(sources).round(2),
    }
    for file, table in tables.items():
        with atomic_path(folder / file) as path:
            write = table.to_parquet if file.endswith(".parquet") else table.to_csv
            write(path, index=False)
