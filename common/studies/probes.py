"""What frozen features know: linear probes of species and foreground, and their main directions.

A probe is the least a network can do with features: one weighted sum, fitted in closed form on the
training photos and judged on the validation photos.

Shapes: B photos, D_i h_i w_i channels and grid of tap i, n examples of a photo.
"""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import Tensor

from common.config import IGNORE
from common.data.cache import PetCache
from common.models.encoders.encoder import ImageEncoder
from common.scoring.bootstrap import draw, intervals
from common.training.validation import photo_batches

VERSION = 1  # raise it when the same features would be judged in another way
RESAMPLES = 1000
TASKS = ("species", "foreground")  # dog or cat, of a photo; pet or background, of a place


class Discriminant:
    """Ridge regression of ±1 with both classes weighing the same, from sums over batches.

    Args:
        width: D.
        strength: of the penalty, in units of each feature's variance.
    """

    def __init__(self, width: int, strength: float = 1e-3) -> None:
        self.moments = torch.zeros(2, width + 1, width + 1, dtype=torch.float64)
        self.strength = strength

    def add(self, x: Tensor, truth: Tensor) -> None:
        """Take in features (M, D) and their classes (M,) bool."""
        x = F.pad(x.double(), (0, 1), value=1.0)  # the last one is the bias
        for number, rows in enumerate((x[~truth], x[truth])):
            self.moments[number] += rows.T @ rows

    def solve(self) -> Tensor:
        """Weights (D + 1,), the bias last."""
        counts = self.moments[:, -1, -1].clamp_min(1)
        no, yes = self.moments / (2 * counts[:, None, None])
        both = no + yes
        variance = both.diag() - both[-1] ** 2  # of the bias: 0
        penalty = self.strength * variance + 1e-9
        return torch.linalg.solve(both + penalty.diag(), yes[-1] - no[-1])


Example = tuple[np.ndarray, int, str, Tensor, Tensor, Tensor]


def examples(encoder: ImageEncoder, cache: PetCache, split: str, size: int) -> Iterator[Example]:
    """Rows (B,), tap, task, features (B, n, D), truth (B, n) and who counts (B, n), by batch."""
    dogs = torch.from_numpy(cache.manifest["species"].to_numpy() == 2)
    for rows, image in photo_batches(cache, cache.rows(split), size):
        mask = torch.from_numpy(cache.masks[rows])[:, None]
        for tap, x in enumerate(encoder(image)):
            species = dogs[rows][:, None]
            yield rows, tap, "species", x.mean((2, 3))[:, None], species, species | True
            pet, judged = (
                F.adaptive_avg_pool2d(part.float(), x.shape[-2:]).flatten(1)
                for part in ((mask > 0) & (mask != IGNORE), mask != IGNORE)
            )
            features = x.flatten(2).transpose(1, 2)
            yield rows, tap, "foreground", features, pet > judged / 2, judged >= 0.5


@torch.inference_mode()
def probe(encoder: ImageEncoder, cache: PetCache, size: int = 0) -> pd.DataFrame:
    """How many examples of each validation photo the probes of each tap get right.

    Args:
        size: edge of the photos that the encoder is given, the cache's if 0.

    Returns:
        tap, task, image (name), truth (1 dog or pet), right, total.
    """
    fits = {(t, task): Discriminant(c) for t, c in enumerate(encoder.channels) for task in TASKS}
    for _, tap, task, x, truth, counts in examples(encoder, cache, "train", size):
        fits[tap, task].add(x[counts], truth[counts])
    weights = {key: fit.solve().float() for key, fit in fits.items()}
    names, tables = cache.manifest["name"].to_numpy(), []
    for rows, tap, task, x, truth, counts in examples(encoder, cache, "val", size):
        right = ((x @ weights[tap, task][:-1] + weights[tap, task][-1]) > 0) == truth
        for value in (False, True):
            chosen = counts & (truth == value)
            tables.append(
                pd.DataFrame(
                    {
                        "tap": tap,
                        "task": task,
                        "image": names[rows],
                        "truth": int(value),
                        "right": (right & chosen).sum(1),
                        "total": chosen.sum(1),
                    }
                )
            )
    return pd.concat(tables, ignore_index=True)


def probe_all(
    encoders: Mapping[str, ImageEncoder], cache: PetCache, size: int = 0
) -> pd.DataFrame:
    """`probe` of several encoders, told apart by the column ``encoder``."""
    tables = [probe(encoder, cache, size).assign(encoder=n) for n, encoder in encoders.items()]
    return pd.concat(tables, ignore_index=True)


def probe_scores(table: pd.DataFrame, by: Sequence[str] = ("tap", "task")) -> pd.DataFrame:
    """Balanced accuracy, the mean of both classes', with 95 % intervals over photos.

    Args:
        table: of `probe`, perhaps several under one another, told apart by columns in ``by``.

    Returns:
        The columns ``by``, value, low, high, n (photos).
    """
    rows = []
    for key, group in table.groupby(list(by), sort=False):
        parts = group.pivot(index="image", columns="truth", values=["right", "total"]).fillna(0)
        weights = draw(len(parts), RESAMPLES, 0)
        with np.errstate(invalid="ignore"):  # a resample may lack a class
            share = [weights @ parts["right", c] / (weights @ parts["total", c]) for c in (0, 1)]
        told = intervals(pd.DataFrame({"accuracy": np.mean(share, axis=0)})).loc["accuracy"]
        rows.append({**dict(zip(by, key, strict=True)), **told, "n": len(parts)})
    return pd.DataFrame(rows)


def main_colours(maps: Sequence[np.ndarray]) -> list[np.ndarray]:
    """The three main directions of the features of some photos, as red, green and blue.

    One analysis of all places of all photos: a colour means the same everywhere.

    Args:
        maps: (D, h, w) each.

    Returns:
        (h, w, 3) uint8 each.
    """
    places = np.concatenate([x.reshape(len(x), -1).T for x in maps]).astype(np.float64)
    places -= places.mean(0)
    _, _, axes = np.linalg.svd(places, full_matrices=False)
    axes = axes[:3] * np.sign(axes[:3].sum(1, keepdims=True))  # else the sign would be chance
    low, high = np.quantile(shown := places @ axes.T, [0.02, 0.98], axis=0)
    colours = (255 * ((shown - low) / (high - low + 1e-9)).clip(0, 1)).round().astype(np.uint8)
    ends = np.cumsum([x[0].size for x in maps])[:-1]
    parts = zip(np.split(colours, ends), maps, strict=True)
    return [part.reshape(*x.shape[1:], 3) for part, x in parts]
