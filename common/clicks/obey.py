"""The last steps of an answer: what nobody clicked on goes, and every click is obeyed.

Shapes: H W pixels of the photo, M points, (x, y) in pixels of it.
"""

import numpy as np
from skimage.measure import label as regions

from common.clicks.prompts import to_rows_columns
from common.data.coco import bounding_box

REACH = 0.04  # of the edge of what is looked at: how far a click moves the logits
SURE = 0.5  # logit of a click's own pixel, at least


def obey(logits: np.ndarray, points: np.ndarray, labels: np.ndarray, edge: float) -> np.ndarray:
    """Mask logits (H, W) that every click agrees with; the newest wins where two share a pixel.

    Where a click is not obeyed, the logits are lifted (or pressed) round it by a Gaussian bump
    that is just high enough for its own pixel. What flips is thus the part of its surroundings of
    which the network was nearly as sure: a region, not a dot. Should bumps undo one another, the
    pixels themselves are set.

    Args:
        logits: above 0 on the animal.
        points, labels: (M, 2) and (M,), oldest first.
        edge: pixels of the longer edge of the part of the photo that the network looked at.
    """
    rows, columns = to_rows_columns(points)
    newest = {(row, column): i for i, (row, column) in enumerate(zip(rows, columns, strict=True))}
    wanted = [
        (row, column, 1.0 if labels[i] == 1 else -1.0) for (row, column), i in newest.items()
    ]
    if all(logits[row, column] * sign > 0 for row, column, sign in wanted):
        return logits
    logits = logits.copy()
    for row, column, sign in wanted:
        lack = SURE - sign * float(logits[row, column])
        if lack > SURE:  # its pixel is on the other side
            _bump(logits, row, column, sign * lack, REACH * edge)
    for row, column, sign in wanted:
        if logits[row, column] * sign <= 0:
            logits[row, column] = sign * SURE
    return logits


def only_clicked(logits: np.ndarray, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Mask logits (H, W) without regions that no positive click lies in, if it lies in any.

    A part of an animal that stands apart from the rest is asked for by a click of its own: what
    nobody clicked on is more often another animal.
    """
    rows, columns = to_rows_columns(points[labels == 1])
    mask = logits > 0
    hit = mask[rows, columns]
    if not hit.any():
        return logits
    left, top, width, height = bounding_box(mask)
    box = np.s_[top : top + height, left : left + width]  # of a large photo a small part
    numbers = regions(mask[box], connectivity=2)
    lost = np.ones(numbers.max() + 1, bool)
    lost[0] = lost[numbers[rows[hit] - top, columns[hit] - left]] = False
    if lost.any():
        logits = logits.copy()
        logits[box] = np.where(lost[numbers], -np.abs(logits[box]), logits[box])
    return logits


def _bump(logits: np.ndarray, row: int, column: int, height: float, reach: float) -> None:
    """Add a Gaussian to (H, W) in place."""
    far = int(3 * reach) + 1
    top, left = max(0, row - far), max(0, column - far)
    part = logits[top : row + far + 1, left : column + far + 1]
    down = (np.arange(part.shape[0]) + top - row) ** 2
    across = (np.arange(part.shape[1]) + left - column) ** 2
    part += height * np.exp(-(down[:, None] + across) / max(reach, 1e-6) ** 2).astype(part.dtype)
