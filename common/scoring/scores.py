"""Scores from stored counts: add up rows of `scoring.counts.image_counts`, then divide once.

A table of counts has one row a photo: ``image``, ``species`` (1 cat, 2 dog) and the counts. A
bootstrap resample is a weight for each photo, so all resamples are one matrix product followed
by the same divisions. A class in neither truth nor prediction has no IoU or Dice: its value is
NaN, and means leave it out (a *mask* of nothing where nothing is has IoU 1: `config.iou`).

Letters: N photos, R weightings of them, K classes.
"""

import numpy as np
import pandas as pd

from common.config import CLASSES, UserError
from common.scoring.bootstrap import difference, draw, intervals

K = len(CLASSES)
CONFUSION = [f"c{t}{p}" for t in range(K) for p in range(K)]
BORDER = [f"b{p}" for p in range(K)]
BOUNDARY = [f"{part}_{name}" for part in ("bi", "bu") for name in ("fg", *CLASSES[1:])]
BORDER_POLICIES = ("ignore", "background", "pet")
Scores = dict[str, np.ndarray]  # name -> (R,)


def scores(counts: pd.DataFrame, border: str = "ignore") -> dict[str, float]:
    """Every score of a split, from counts accumulated over all rows.

    Args:
        counts: one row a photo.
        border: what border pixels are: ``ignore`` leaves them out (the protocol); ``background``
            and ``pet`` count them as class 0 or as the photo's species. It changes IoU, Dice and
            pixel accuracy; species accuracy, boundary IoU and ECE never see a border pixel.

    Returns:
        ``miou``, ``dice``, ``class_accuracy``: means over classes of ``iou_*``, ``dice_*`` and
        ``accuracy_*``. ``pixel_accuracy``. ``foreground_iou``: pet against background.
        ``species_accuracy``: photos with most predicted pet pixels of the right species (none
        predicted, or a tie, is wrong). ``mean_image_iou``: mean over photos of the photo's mean
        IoU. ``boundary_iou``: pet; ``boundary_iou_mean``: mean of its ``_cat`` and ``_dog``.
        ``ece``: expected calibration error, 0 is best.

    Raises:
        UserError: no rows, a missing column or value, or an unknown border policy.
    """
    once = _weighted(counts, np.ones((1, len(counts))), border)
    return {name: float(value[0]) for name, value in once.items()}


def bootstrap(
    counts: pd.DataFrame, names: list[str] | None = None, resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Each score with its 95 % percentile interval over photos drawn with replacement.

    Args:
        counts: one row a photo, in any order; tables of the same photos get the same resamples.
        names: scores to return, all if None.
        resamples: number of resamples, drawn with ``seed``.

    Returns:
        Index ``score``; columns ``value`` (all photos once), ``low``, ``high``.
    """
    table = intervals(resampled(counts, resamples, seed)).rename_axis("score")
    return table if names is None else table.loc[list(names)]


def resampled(counts: pd.DataFrame, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Every score of all photos once (row 0), then of each resample of `bootstrap`."""
    counts = _by_image(counts)
    return pd.DataFrame(_weighted(counts, draw(len(counts), resamples, seed)))


def paired_difference(
    counts_a: pd.DataFrame,
    counts_b: pd.DataFrame,
    score: str = "miou",
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, float]:
    """Score of a minus score of b on the same photos, each resample drawn once for both.

    Returns:
        ``difference``; ``low`` and ``high``, its 95 % percentile interval; ``p``, twice the share
        of resamples on the far side of zero, so never below 2 / (resamples + 1).

    Raises:
        UserError: the tables hold other photos, or the score is undefined there.
    """
    a, b = _by_image(counts_a), _by_image(counts_b)
    if odd := sorted(set(a["image"]) ^ set(b["image"])):
        raise UserError(
            f"only one of the two tables holds {odd[0]}: score both on the same photos"
        )
    weights = draw(len(a), resamples, seed)
    value, *draws = _weighted(a, weights)[score] - _weighted(b, weights)[score]
    draws = np.array(draws)[np.isfinite(draws)]
    if not draws.size:
        raise UserError(f"{score} is undefined on these photos: choose another score")
    return difference(value, draws)


def reliability(counts: pd.DataFrame) -> pd.DataFrame:
    """Accuracy against confidence, one row a confidence bin.

    Returns:
        Columns ``bin`` (0 is the least confident), ``confidence`` and ``accuracy`` (means of the
        bin's pixels, NaN in an empty bin), ``share`` (of all pixels).
    """
    n, confidence, hit = (part.sum(axis=0) for part in _bins(counts))
    columns = {"confidence": _ratio(confidence, n), "accuracy": _ratio(hit, n)}
    return pd.DataFrame({"bin": np.arange(len(n)), **columns, "share": _ratio(n, n.sum())})


def confusion_matrix(counts: pd.DataFrame) -> np.ndarray:
    """Pixels of all photos by true (row) and predicted (column) class, (3, 3), border left out."""
    return confusions(counts).sum(axis=0)


def image_iou(counts: pd.DataFrame) -> np.ndarray:
    """Mean IoU of each photo (N,), over the classes that its truth or prediction holds."""
    return _mean(_overlap(confusions(counts))[0])


def _weighted(counts: pd.DataFrame, weights: np.ndarray, border: str = "ignore") -> Scores:
    """Every score, (R,), when photo n stands weights[r, n] times in split r."""
    _check(counts, border)
    confusion = confusions(counts, border)
    each = _mean(_overlap(confusion)[0])
    votes = confusions(counts).sum(axis=1)[:, 1:]  # predicted pet pixels, cat and dog
    own = votes[np.arange(len(counts)), counts["species"].to_numpy(int) - 1]
    boundary = _ratio(*np.split(weights @ counts[BOUNDARY].to_numpy(float), 2, axis=1))
    n, confidence, hit = (weights @ part for part in _bins(counts))
    return {
        **overlap_scores(np.tensordot(weights, confusion, axes=1)),
        "species_accuracy": _ratio(weights @ (2 * own > votes.sum(axis=1)), weights.sum(axis=1)),
        "mean_image_iou": _ratio(weights @ np.nan_to_num(each), weights @ ~np.isnan(each)),
        "boundary_iou": boundary[:, 0],
        "boundary_iou_mean": _mean(boundary[:, 1:]),
        **{f"boundary_iou_{CLASSES[k]}": boundary[:, k] for k in range(1, K)},
        "ece": _ratio(np.abs(confidence - hit).sum(axis=1), n.sum(axis=1)),
    }


def overlap_scores(confusion: np.ndarray) -> Scores:
    """Scores of summed confusion counts (R, K, K), each (R,)."""
    iou, dice, accuracy = _overlap(confusion)
    named = {"iou": iou, "dice": dice, "accuracy": accuracy}
    parts = {f"{n}_{name}": v[:, k] for n, v in named.items() for k, name in enumerate(CLASSES)}
    pixels, pet_hit = confusion.sum(axis=(1, 2)), confusion[:, 1:, 1:].sum(axis=(1, 2))
    return {
        **{"miou": _mean(iou), "dice": _mean(dice), "class_accuracy": _mean(accuracy), **parts},
        "pixel_accuracy": _ratio(np.trace(confusion, axis1=1, axis2=2), pixels),
        "foreground_iou": _ratio(pet_hit, pixels - confusion[:, 0, 0]),
    }


def _overlap(confusion: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """IoU, Dice and accuracy (recall) per class, each (R, K), of (R, K, K) [true, predicted]."""
    hit = np.diagonal(confusion, axis1=1, axis2=2)
    true, both = confusion.sum(axis=2), confusion.sum(axis=2) + confusion.sum(axis=1)
    return _ratio(hit, both - hit), _ratio(2 * hit, both), _ratio(hit, true)


def confusions(counts: pd.DataFrame, border: str = "ignore") -> np.ndarray:
    """A copy of the confusion (N, K, K) [true, predicted], border pixels as the policy says."""
    confusion = counts[CONFUSION].to_numpy(float, copy=True).reshape(-1, K, K)
    if border != "ignore":
        true = counts["species"].to_numpy(int) * (border == "pet")
        confusion[np.arange(len(counts)), true] += counts[BORDER].to_numpy(float)
    return confusion


def _bins(counts: pd.DataFrame) -> list[np.ndarray]:
    """Pixels, summed confidence and hits, each (N, bins)."""
    bins = range(sum(str(column).startswith("n_bin") for column in counts))
    columns = ([f"{part}_bin{i}" for i in bins] for part in ("n", "conf", "hit"))
    return [counts[names].to_numpy(float) for names in columns]


def _by_image(counts: pd.DataFrame) -> pd.DataFrame:
    """Rows sorted by photo, so that a draw means the same photos in every table."""
    _check(counts, "ignore")
    if (twice := counts["image"].duplicated()).any():
        name = counts.loc[twice, "image"].iloc[0]
        raise UserError(f"{name} has several rows of counts: keep one model, split and seed")
    return counts.sort_values("image")


def _check(counts: pd.DataFrame, border: str) -> None:
    if border not in BORDER_POLICIES:
        raise UserError(f"border policy {border!r} is none of {', '.join(BORDER_POLICIES)}")
    needed = ["image", "species", *CONFUSION, *BORDER, *BOUNDARY, "n_bin0"]
    if missing := [column for column in needed if column not in counts]:
        raise UserError(f"counts lack the columns {', '.join(missing)}: evaluate the model again")
    if counts.empty or counts[needed].isna().any(axis=None) or set(counts["species"]) - {1, 2}:
        raise UserError("counts have no rows, gaps, or a species but 1 and 2: evaluate again")


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, NaN where there is nothing to divide by."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole > 0)


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the last axis of what is defined (`np.nanmean` without its warning)."""
    return _ratio(np.nansum(values, axis=-1), np.isfinite(values).sum(axis=-1))
