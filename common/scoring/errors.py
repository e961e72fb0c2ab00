"""Wrong shape or wrong animal? Errors taken apart, and what a score would be without one kind.

Every photo shows one animal. A pixel of it may be missed (called background), ground may be
taken for it (extra), and a pixel of it may be given the other species: the first two are errors of
shape.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from common.config import CLASSES
from common.scoring.scores import CONFUSION, confusions, scores

KINDS = ("missed", "extra", "wrong species")
SAID = ("nothing", *CLASSES[1:])


def error_shares(counts: pd.DataFrame) -> dict[str, float]:
    """Share of each of `KINDS` in all wrong pixels, and ``wrong``: their share of all pixels."""
    matrix = confusions(counts).sum(axis=0)
    found = [matrix[1:, 0].sum(), matrix[0, 1:].sum(), matrix[1, 2] + matrix[2, 1]]
    total = max(1.0, sum(found))
    shares = {kind: part / total for kind, part in zip(KINDS, found, strict=True)}
    return {**shares, "wrong": sum(found) / max(1.0, matrix.sum())}


def right_species(counts: pd.DataFrame) -> pd.DataFrame:
    """The counts if every pixel held to be a pet had been given the photo's own species.

    Only what follows from the confusion changes; boundaries and confidences stay.
    """
    matrix, own = confusions(counts), counts["species"].to_numpy(int)
    every, pet = np.arange(len(counts)), matrix[:, :, 1:].sum(axis=2)
    matrix[:, :, 1:] = 0
    matrix[every, :, own] = pet
    return _with(counts, matrix)


def right_shape(counts: pd.DataFrame) -> pd.DataFrame:
    """The counts if every pixel had been rightly told pet from ground.

    A pet pixel found keeps the species it was given; one that was missed takes the photo's
    majority. A photo without any, or with a tie, was not told and gets the wrong one.
    """
    matrix, own = confusions(counts), counts["species"].to_numpy(int)
    every, said = np.arange(len(counts)), majority(counts)
    missed = matrix[every, own, 0]
    matrix[every, own, np.where(said == 0, 3 - own, said)] += missed
    matrix[every, own, 0] = 0
    matrix[:, 0, 0] = matrix[:, 0].sum(axis=1)
    matrix[:, 0, 1:] = 0
    return _with(counts, matrix)


def majority(counts: pd.DataFrame) -> np.ndarray:
    """The species (N,) that most predicted pet pixels of each photo say; 0 for none or a tie."""
    votes = confusions(counts).sum(axis=1)[:, 1:]
    return np.where(votes[:, 0] == votes[:, 1], 0, 1 + votes.argmax(axis=1))


def photo_confusion(counts: pd.DataFrame) -> np.ndarray:
    """Photos by true species (rows: cat, dog) and by the one said (`SAID`): (2, 3)."""
    true, said = counts["species"].to_numpy(int) - 1, majority(counts)
    return np.bincount(3 * true + said, minlength=6).reshape(2, 3)


def error_table(models: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Both views of the errors of each model.

    Returns:
        model, `KINDS` (shares of the wrong pixels), wrong (share of all pixels), miou, and
        right_species and right_shape: what mIoU would be if that had always been right.
    """
    rows = []
    for name, counts in models.items():
        views = {
            "miou": counts,
            "right_species": right_species(counts),
            "right_shape": right_shape(counts),
        }
        would = {view: scores(table)["miou"] for view, table in views.items()}
        rows.append({"model": name, **error_shares(counts), **would})
    return pd.DataFrame(rows)


def _with(counts: pd.DataFrame, matrix: np.ndarray) -> pd.DataFrame:
    return counts.assign(**dict(zip(CONFUSION, matrix.reshape(-1, 9).T, strict=True)))
