"""Differences between models in words, from the counts of the same photos."""

from __future__ import annotations

import pandas as pd

from common.scoring.scores import paired_difference


def by_how_much(a: pd.DataFrame, b: pd.DataFrame, score: str = "miou") -> str:
    """Score of a minus score of b: "+0.034 [+0.028, +0.040]"; says so where it may be chance.

    Args:
        a, b: tables of counts.
        score: of `common.scoring.scores`.
    """
    pair = paired_difference(a, b, score)
    low, high = pair["low"], pair["high"]
    chance = "" if low > 0 or high < 0 else ", which may be chance"
    return f"{pair['difference']:+.3f} [{low:+.3f}, {high:+.3f}]{chance}"
