"""The bootstrap over photos: a resample is a weight for each photo, so a matrix makes them all.

Letters: N photos, R resamples.
"""

from functools import lru_cache

import numpy as np
import pandas as pd


@lru_cache(maxsize=2)  # models in turn ask for the same photos; 30 MB each
def draw(n: int, resamples: int, seed: int | tuple[int, ...]) -> np.ndarray:
    """Weights (1 + resamples, n): every photo once, then how often each stands in a resample."""
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=resamples)
    weights = np.vstack([np.ones(n), draws])
    weights.flags.writeable = False
    return weights


def intervals(every: pd.DataFrame) -> pd.DataFrame:
    """Percentile intervals of 95 %: index the columns of ``every``; value, low, high.

    Args:
        every: (1 + R, scores); row 0 is of all photos once, the others of resamples.
    """
    low, high = every[1:].quantile(0.025), every[1:].quantile(0.975)
    return pd.DataFrame({"value": every.iloc[0], "low": low, "high": high})


def difference(value: float, draws: np.ndarray) -> dict[str, float]:
    """What resamples (R,) of a paired difference say of it; see `scores.paired_difference`."""
    low, high = np.quantile(draws, [0.025, 0.975])
    tail = min((draws <= 0).sum(), (draws >= 0).sum()) + 1
    p = min(1.0, 2 * float(tail) / (len(draws) + 1))
    return {"difference": float(value), "low": float(low), "high": float(high), "p": p}
