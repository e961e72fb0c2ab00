"""Frozen features, computed once: a decoder then trains without waiting for its encoder.

A feature cache is a folder of a few views of every training photo (the first as it is, the others
varied as in training) with their masks and, in half precision, what the encoder says of them. Its
name follows from the encoder's weights, the photos and the views.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor
from tqdm.auto import tqdm

from common.config import UserError, cache_root
from common.data.cache import PetCache
from common.data.dataset import PetDataset, to_float
from common.files import fresh_folder, locked
from common.models.encoders.encoder import FrozenEncoder
from common.models.encoders.packing import pack
from common.models.query.segmenter import EncoderSegmenter
from common.provenance import json_sha256

if TYPE_CHECKING:  # as slow to load as torch
    from torchvision.transforms import v2

VERSION = 1  # raise it when the same encoder and photos give other features
VIEWS = 4  # of each training photo, unless told otherwise
SEED, BATCH = 0, 16  # of the views; photos encoded at a time
ARRAYS = {"image": np.uint8, "mask": np.uint8, "features": np.float16}


@dataclass(frozen=True)
class FeatureCache:
    """Kept features, computed when they are first asked for; see `Items`.

    A training that has been done is found by what its features would follow from, without them.

    Attributes:
        folder: where they are, or will be.
        model: whose `encode_image` it is.
        cache: the photos.
        identity: what the features follow from.
        inputs: keys of an item that the network must ask for beside its own.
    """

    folder: Path
    model: EncoderSegmenter
    cache: PetCache
    identity: dict
    inputs: tuple[str, ...] = ("features",)
    input_size: int = 0

    @property
    def rows(self) -> np.ndarray:
        """Rows (R,) in the cache of the photos."""
        return self.cache.rows("train")

    @cached_property
    def arrays(self) -> dict[str, np.ndarray]:
        """Memory maps "image" (R, V, 3, S, S), "mask" (R, V, S, S) and "features" (R, V, F).

        Of R photos in V views each.

        Raises:
            UserError: the disk is full, or what is kept is damaged.
        """
        with locked(self.folder):
            if not (self.folder / "info.json").is_file():
                _build(self)
        return _open(self)

    def __call__(
        self, cache: PetCache, rows: np.ndarray, transform: v2.Transform | None = None
    ) -> PetDataset:
        """Items of ``rows``, each in one of its views, drawn at random."""
        from torchvision.transforms import v2

        if not isinstance(transform, v2.Identity | None):
            raise UserError("kept features cannot be varied any more; take recipe='none'")
        if cache.identity != self.identity["data"] or not np.isin(rows, self.rows).all():
            raise UserError("the features were kept of other photos; keep them of these")
        return _KeptItems(cache, rows, self)


class _KeptItems(PetDataset):
    """Items of `PetDataset` with ``features`` (F,) float16."""

    def __init__(self, cache: PetCache, rows: np.ndarray, kept: FeatureCache) -> None:
        super().__init__(cache, rows)
        self.kept, self.places = kept, np.searchsorted(kept.rows, rows)

    def __getitem__(self, item: int) -> dict[str, Tensor]:
        view = int(torch.randint(self.kept.identity["views"], ()))
        row, place = self.rows[item], self.places[item]
        arrays = {
            name: torch.from_numpy(array[place, view].copy())
            for name, array in self.kept.arrays.items()
        }
        return arrays | {"species": self.species[row], "breed": self.breed[row]}


def keep_features(
    model: EncoderSegmenter,
    cache: PetCache,
    *,
    views: int = VIEWS,
    recipe: str = "full",
    precision: str = "bf16",
    folder: Path | None = None,
) -> FeatureCache:
    """The training photos' features for a network's decoder: see `FeatureCache`.

    Args:
        model: whose `encode_image` it is; its encoder must be frozen.
        views: of each photo; more vary more and take more room.
        recipe: of `augmentation`, for all views but the first.
        precision: of the encoder, as in `TrainConfig`.
        folder: where caches live, default `cache_root`.

    Raises:
        UserError: the encoder is not frozen.
    """
    if not isinstance(model.encoder, FrozenEncoder):
        raise UserError("only features of a frozen encoder may be kept: they stay as they are")
    identity = {
        "format": VERSION,
        "encoder": model.encoder.name,
        "sha256": model.encoder.sha256,
        "channels": model.channels,
        "strides": model.strides,
        "taps": model.encoder.tower.taps,
        "data": cache.identity,
        "views": views,
        "recipe": recipe,
        "precision": precision,
    }
    identity = json.loads(json.dumps(identity))  # as it will be read again
    name = f"features-{model.encoder.name}-{cache.info['size']}-{json_sha256(identity)[:12]}"
    return FeatureCache(Path(folder or cache_root()) / name, model, cache, identity)


def _shapes(model: EncoderSegmenter, size: int, rows: int, views: int) -> dict[str, tuple]:
    padded = size + -size % model.divisor
    numbers = sum(
        c * (padded // s) ** 2 for c, s in zip(model.channels, model.strides, strict=True)
    )
    each = {"image": (3, size, size), "mask": (size, size), "features": (numbers,)}
    return {name: (rows, views, *shape) for name, shape in each.items()}


def _build(kept: FeatureCache) -> None:
    """Write a feature cache in its folder, which must be `locked`, row by row."""
    views, rows = kept.identity["views"], kept.rows
    shapes = _shapes(kept.model, kept.cache.info["size"], len(rows), views)
    needs = sum(int(np.prod(shapes[n])) * np.dtype(kind).itemsize for n, kind in ARRAYS.items())
    print(
        f"keeping features of {len(rows):,} photos in {views} views: {needs / 1e6:,.0f} MB on "
        f"disk, read into memory as far as there is room, in {kept.folder}"
    )
    with fresh_folder(kept.folder, needs) as scratch:
        with ExitStack() as stack:
            files = {n: stack.enter_context((scratch / f"{n}.npy").open("wb")) for n in ARRAYS}
            for name, kind in ARRAYS.items():
                header = {"shape": shapes[name], "fortran_order": False}
                header["descr"] = np.lib.format.dtype_to_descr(np.dtype(kind))
                np.lib.format.write_array_header_1_0(files[name], header)
            for batch in _encoded(kept):
                for name, kind in ARRAYS.items():
                    files[name].write(batch[name].numpy().astype(kind, copy=False).tobytes())
        (scratch / "info.json").write_text(json.dumps(kept.identity, indent=2), encoding="utf-8")


@torch.inference_mode()
def _encoded(kept: FeatureCache) -> Iterator[dict[str, Tensor]]:
    """All views of some photos at a time, the first photo's first."""
    from common.data.augment import augmentation

    model, identity, rows = kept.model, kept.identity, kept.rows
    plain = PetDataset(kept.cache, rows)
    varied = PetDataset(kept.cache, rows, augmentation(identity["recipe"]))
    mixed = torch.autocast("cpu", torch.bfloat16, enabled=identity["precision"] == "bf16")
    with torch.random.fork_rng(devices=[]), mixed:
        torch.default_generator.manual_seed(SEED)
        for start in tqdm(range(0, len(rows), BATCH), desc="features", unit="batch"):
            items = [
                (varied if view else plain)[item]
                for item in range(start, min(start + BATCH, len(rows)))
                for view in range(identity["views"])
            ]
            images = torch.stack([item["image"] for item in items])
            features = pack(model.encode_image(to_float(images))).float().half()
            if not features.isfinite().all():
                raise UserError(f"features of {identity['encoder']} are too large to be kept")
            masks = torch.stack([item["mask"] for item in items])
            yield {"image": images, "mask": masks, "features": features}


def _open(kept: FeatureCache) -> dict[str, np.ndarray]:
    folder, rows = kept.folder, len(kept.rows)
    try:
        known = json.loads((folder / "info.json").read_text(encoding="utf-8"))
        arrays = {
            name: np.lib.format.open_memmap(folder / f"{name}.npy", mode="r") for name in ARRAYS
        }
        sound = known == kept.identity and all(len(array) == rows for array in arrays.values())
    except (OSError, ValueError):
        sound = False
    if not sound:
        raise UserError(f"{folder}: not whole kept features; delete the folder and run this again")
    return arrays
