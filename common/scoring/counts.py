"""Sufficient counts: one photo becomes one flat row, from which every score is derived later.

Counts add up over photos and scores do not, so counts are what is stored. The idea is `get_stats`
of segmentation_models.pytorch; `scoring.scores` does the deriving. Border pixels (255) never enter
a score here: they have their own columns, so that the reader of the table decides what they are.

Letters: K classes, H W pixels, M masks. Arrays are [row, column].
"""

import numpy as np
from torch import Tensor

from common.config import CLASSES, IGNORE, UserError

VERSION = 1  # raise it when the same answer would be counted otherwise
K = len(CLASSES)
CONFUSION = [f"{row}{p}" for row in (*(f"c{t}" for t in range(K)), "b") for p in range(K)]
REGIONS = ("fg", *CLASSES[1:])
PET_BITS = [0, *(1 | 2 << i for i in range(K - 1))]  # of a class: which of the regions it is in
PAIR_BITS = np.zeros((K + 1) * K, np.uint8)  # of `_pairs`: bits of what is predicted, then true
PAIR_BITS[: K * K] = [p << len(REGIONS) | t for t in PET_BITS for p in PET_BITS]
ALL_BITS = np.arange(1 << 2 * len(REGIONS))
NO_PROBABILITIES = (
    "the scores of a pixel are no probabilities (they must be at least 0 and sum to 1): "
    "pass softmax(logits, dim=0), and if it holds NaN the model has diverged"
)
BAND = 0.02  # width of the boundary band as a share of the image diagonal (Cheng et al.)


def image_counts(
    probabilities: Tensor, target: Tensor, *, bins: int = 15, trusted: bool = False
) -> dict[str, int | float]:
    """Count everything that the scores of one photo need.

    Args:
        probabilities: (K, H, W) float32, softmax over K at the photo's native size.
        target: (H, W) uint8 with 0 background, 1 cat, 2 dog, 255 border.
        bins: number of equal confidence bins between 0 and 1.
        trusted: shapes and classes were checked before, and a softmax was taken; what is left is
            whether the model has diverged.

    Returns:
        ``c{t}{p}`` pixels of true class t predicted as p, without border pixels; ``b{p}`` border
        pixels predicted as p; ``bi_*`` and ``bu_*`` from `boundary_counts`; ``n_bin{i}``,
        ``conf_bin{i}`` and ``hit_bin{i}`` pixels, summed confidence and hits in each equal
        confidence bin, without border pixels. Bin i holds confidences from i/bins up to, but not
        including, (i+1)/bins; 1 is in the last.

    Raises:
        UserError: shapes differ, classes are unknown, or these are no probabilities.
    """
    if not trusted:
        _check(probabilities, target)
    confidence, predicted = _likeliest(probabilities.cpu().numpy())
    if not confidence.min() > 0:  # NaN compares false
        raise UserError(NO_PROBABILITIES)
    truth = target.cpu().numpy()
    level = np.minimum((confidence * bins).astype(np.uint16), bins - 1)
    together = (_pairs(predicted, truth) * np.uint16(bins) + level).ravel()
    table = np.bincount(together, minlength=(K + 1) * K * bins).reshape(K + 1, K, bins)
    level[truth == IGNORE] = bins  # one more, left out below
    sums = np.bincount(level.ravel(), confidence.ravel(), bins + 1)[:bins]
    hits = np.einsum("kkb->b", table[:K])
    parts = {"n": table[:K].sum((0, 1)), "conf": sums, "hit": hits}
    return {
        **dict(zip(CONFUSION, table.sum(2).ravel().tolist(), strict=True)),
        **boundary_counts(predicted, truth),
        **{f"{part}_bin{i}": v for part, c in parts.items() for i, v in enumerate(c.tolist())},
    }


def confusion_counts(predicted: np.ndarray, truth: np.ndarray) -> dict[str, int]:
    """Confusion ``c{t}{p}`` over non-border pixels, and predictions ``b{p}`` on border pixels.

    Args:
        predicted: (H, W) integers below K.
        truth: (H, W) uint8, classes below K or 255.
    """
    table = np.bincount(_pairs(predicted, truth).ravel(), minlength=len(CONFUSION))
    return dict(zip(CONFUSION, table.tolist(), strict=True))


def _likeliest(probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Largest of (K, H, W) probabilities and its class, the first of equals: (H, W) each."""
    largest, which = probabilities[0], np.zeros(probabilities.shape[1:], np.uint8)
    for k in range(1, K):
        np.copyto(which, k, where=probabilities[k] > largest)
        largest = np.maximum(largest, probabilities[k])  # NaN, if there is one
    return largest, which


def _pairs(predicted: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """True class, the border being one more, and the predicted one, as one number: (H, W)."""
    return np.minimum(truth, K) * np.uint8(K) + predicted


def boundary_counts(predicted: np.ndarray, truth: np.ndarray) -> dict[str, int]:
    """Intersection ``bi_*`` and union ``bu_*`` of the boundary bands of fg (= pet), cat and dog.

    After Cheng et al., "Boundary IoU", CVPR 2021. Border pixels are taken out of both masks
    *before* the bands are cut (the paper's code cuts the prediction's band first). In these
    trimaps the border is as wide as the band, and a contour that runs through its middle would
    otherwise lose half of its score: this way what happens on border pixels counts for nothing.
    The price is leniency: the border outlines the pet in the prediction too.

    All masks are bits of one array, the predicted ones beside the true, and are cut at once.

    Args:
        predicted: (H, W) integers below K.
        truth: (H, W) uint8, classes below K or 255.
    """
    band = boundary_band(PAIR_BITS.take(_pairs(predicted, truth)))
    found = np.bincount(band.ravel(), minlength=len(ALL_BITS))
    counts = {}
    for kind, test in (("bi", np.logical_and), ("bu", np.logical_or)):
        for i, name in enumerate(REGIONS):
            said, true = ALL_BITS >> len(REGIONS) + i & 1, ALL_BITS >> i & 1
            counts[f"{kind}_{name}"] = int(found[test(said, true)].sum())
    return counts


def boundary_band(masks: np.ndarray) -> np.ndarray:
    """Pixels of each mask (..., H, W), bool or of bits, that lie near its outline: an array alike.

    Near is at most d = max(1, round(0.02 · diagonal)) pixels, diagonal steps included, from the
    nearest pixel outside the mask; outside the frame counts as outside the mask. The same as d
    erosions by a 3×3 square of the zero-padded mask, which is the paper's ``mask_to_boundary``.
    """
    distance = max(1, round(BAND * float(np.hypot(*masks.shape[-2:]))))
    return masks & ~_erode(masks, distance)


def _erode(masks: np.ndarray, distance: int) -> np.ndarray:
    """Erode (..., H, W) by a square of edge 2·distance + 1; zeros around the frame.

    A run of n set pixels is two overlapping shorter runs, so the length doubles at each step:
    ten times faster than `scipy.ndimage` at the widths used here.
    """
    width = 2 * distance + 1
    runs = np.pad(masks, [(0, 0)] * (masks.ndim - 2) + [(distance, distance)] * 2)
    for axis in (-2, -1):
        runs = np.moveaxis(runs, axis, 0)
        length = 1
        while length < width:
            step = min(length, width - length)
            runs = runs[:-step] & runs[step:]
            length += step
        runs = np.moveaxis(runs, 0, axis)
    return runs


def _check(probabilities: Tensor, target: Tensor) -> None:
    """Reject what would be counted wrongly in silence."""
    if tuple(probabilities.shape) != (len(CLASSES), *target.shape):
        raise UserError(
            f"probabilities are {tuple(probabilities.shape)} and the target is "
            f"{tuple(target.shape)}: resize the logits to the target's size before softmax"
        )
    known = (target < len(CLASSES)) | (target == IGNORE)
    if not bool(known.all()):
        raise UserError(
            f"target holds class {int(target[~known][0])}: expected 0 background, 1 cat, 2 dog "
            f"or {IGNORE} border; convert the trimap first"
        )
    off = float((probabilities.sum(dim=0) - 1).abs().max())
    if not off <= 0.01 or bool((probabilities < 0).any()):  # NaN compares false
        raise UserError(NO_PROBABILITIES)
