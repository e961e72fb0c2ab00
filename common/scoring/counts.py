"""Sufficient counts: one photo becomes one flat row, from which every score is derived later.

Counts add up over photos and scores do not, so counts are what is stored. The idea is `get_stats`
of segmentation_models.pytorch; `scoring.scores` does the deriving. Border pixels (255) never enter
a score here: they have their own columns, so that the reader of the table decides what they are.

Letters: K classes, H W pixels, M masks. Arrays are [row, column].
"""

import numpy as np
import torch
from torch import Tensor

from common.config import CLASSES, IGNORE, UserError

VERSION = 1  # raise it when the same answer would be counted otherwise
REGIONS = ("fg", *CLASSES[1:])
PET_BITS = np.zeros(256, np.uint8)  # of a class, 255 among them: which of the regions it is in
PET_BITS[1 : len(CLASSES)] = [1 | 2 << i for i in range(len(CLASSES) - 1)]
PAIRS = np.arange(1 << 2 * len(REGIONS))  # bits of what is predicted, then of what is true
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
        ``conf_bin{i}`` and ``hit_bin{i}`` from `calibration_counts`.

    Raises:
        UserError: shapes differ, classes are unknown, or these are no probabilities.
    """
    if not trusted:
        _check(probabilities, target)
    largest, which = probabilities.max(dim=0)
    confidence, predicted = largest.cpu().numpy(), which.to(torch.uint8).cpu().numpy()
    if not confidence.min() > 0:  # NaN compares false
        raise UserError(NO_PROBABILITIES)
    truth = target.cpu().numpy()
    return {
        **confusion_counts(predicted, truth),
        **boundary_counts(predicted, truth),
        **calibration_counts(confidence, predicted, truth, bins=bins),
    }


def confusion_counts(predicted: np.ndarray, truth: np.ndarray) -> dict[str, int]:
    """Confusion ``c{t}{p}`` over non-border pixels, and predictions ``b{p}`` on border pixels.

    Args:
        predicted: (H, W) integers below K.
        truth: (H, W) uint8, classes below K or 255.
    """
    k = len(CLASSES)
    row = np.minimum(truth, k)  # the border is one more row
    table = np.bincount((row * k + predicted).ravel(), minlength=k * (k + 1))
    names = [f"c{t}{p}" for t in range(k) for p in range(k)] + [f"b{p}" for p in range(k)]
    return dict(zip(names, table.tolist(), strict=True))


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
    bits = PET_BITS[predicted] << len(REGIONS)
    bits[truth == IGNORE] = 0
    found = np.bincount(boundary_band(bits | PET_BITS[truth]).ravel(), minlength=len(PAIRS))
    counts = {}
    for kind, test in (("bi", np.logical_and), ("bu", np.logical_or)):
        for i, name in enumerate(REGIONS):
            said, true = PAIRS >> len(REGIONS) + i & 1, PAIRS >> i & 1
            counts[f"{kind}_{name}"] = int(found[test(said, true)].sum())
    return counts


def calibration_counts(
    confidence: np.ndarray, predicted: np.ndarray, truth: np.ndarray, *, bins: int
) -> dict[str, int | float]:
    """Pixels, summed confidence and hits in each equal confidence bin, without border pixels.

    Bin i holds confidences from i/bins up to, but not including, (i+1)/bins; 1 is in the last.

    Args:
        confidence: (H, W) largest class probability.
        predicted: (H, W) integers below K.
        truth: (H, W) uint8, classes below K or 255.
        bins: number of bins.
    """
    index = np.minimum((confidence * bins).astype(np.intp), bins - 1)
    index[truth == IGNORE] = bins  # one more, left out below
    sums = np.bincount(index.ravel(), weights=confidence.ravel(), minlength=bins + 1)
    split = np.bincount((2 * index + (predicted == truth)).ravel(), minlength=2 * bins + 2)
    missed, hit = split.reshape(-1, 2)[:bins].T
    columns = {"n": missed + hit, "conf": sums[:bins], "hit": hit}
    return {f"{name}_bin{i}": v for name, c in columns.items() for i, v in enumerate(c.tolist())}


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
