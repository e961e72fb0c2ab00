"""What of a mask is another animal's: a click far from the user's is answered with that one.

After one click on one of two animals that touch, a network often takes both. A click on the far
end of its own mask tells: if what answers leaves out the user's place, there are two.

Shapes: h w the grid of a view's mask, M points, (x, y) in pixels of it.
"""

from collections.abc import Callable

import numpy as np
from scipy.ndimage import distance_transform_edt

from common.clicks.obey import only_clicked
from common.clicks.prompts import to_rows_columns

MOST = 2  # places that are asked
DOUBT = 0.0  # logit at the user's place, below which what answers leaves it out
DEEP = 0.35  # of the mask's greatest depth: how deep in it they lie, at least
LEAST = 0.12  # of the root of its area: how far apart they lie, weighed by their depth


def less_rivals(
    logits: np.ndarray,
    points: np.ndarray,
    labels: np.ndarray,
    ask: Callable[[np.ndarray], np.ndarray],
) -> np.ndarray:
    """Mask logits (h, w) without the pixels that another animal has the better claim to.

    Args:
        logits: the answer to the clicks (M, 2), labels (M,).
        ask: the logits (h, w) under one click (1, 2).

    Returns:
        ``logits`` itself where there is no such animal.
    """
    wanted = points[labels == 1]
    if not len(wanted):
        return logits
    rows, columns = to_rows_columns(wanted)
    mine = logits
    for place in far_places(only_clicked(logits, points, labels) > 0, wanted):
        theirs = ask(place[None])
        if (theirs[rows, columns] < DOUBT).all():
            mine = np.minimum(mine, logits - theirs)
    return mine


def far_places(mask: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Up to `MOST` places (M, 2) deep in a mask (h, w) bool, far from points and one another."""
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    if not depth.any():
        return np.zeros((0, 2))
    share, edge = depth / depth.max(), np.sqrt(mask.sum())
    rows, columns = np.indices(mask.shape)
    far, places = np.full(mask.shape, np.inf), list[tuple[float, float]]()

    def leave(x: float, y: float) -> None:
        np.minimum(far, np.hypot(rows - y, columns - x) / edge, out=far)

    for x, y in points:
        leave(x, y)
    for _ in range(MOST):
        merit = np.where(share >= DEEP, np.minimum(far, 1) * np.minimum(share, 0.6), 0)
        row, column = np.unravel_index(merit.argmax(), merit.shape)
        if merit[row, column] <= LEAST:
            break
        places.append((float(column), float(row)))
        leave(*places[-1])
    return np.array(places).reshape(-1, 2)
