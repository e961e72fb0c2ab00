"""Photos in groups that follow from their counts: how large the pet is, how the photo is cut."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from common.scoring.scores import CONFUSION, scores

SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 1.0)  # bounds of the pet's share of the judged pixels
WIDEST, TALLEST = 0.8, 1.25  # height : width of a photo that is nearly square
LONGEST = 384  # px; the longest side in the copy that is scored
Grouping = Callable[[pd.DataFrame], pd.Series]


def by_pet_size(counts: pd.DataFrame) -> pd.Series:
    """Group of each photo by the pet's share of all pixels but the border."""
    matrix = counts[CONFUSION].to_numpy(float).reshape(-1, 3, 3).sum(axis=2)
    share = matrix[:, 1:].sum(axis=1) / matrix.sum(axis=1).clip(1)
    bounds = [round(100 * bound) for bound in SHARES]
    names = [f"{low}-{high} %" for low, high in zip(bounds[1:-2], bounds[2:-1], strict=True)]
    names = [f"< {bounds[1]} %", *names, f"> {bounds[-2]} %"]
    return pd.Series(pd.cut(share, SHARES, labels=names, include_lowest=True), counts.index)


def by_photo(counts: pd.DataFrame) -> pd.Series:
    """Group of each photo by its size and cut: smaller than the largest, wide, square or tall."""
    ratio = counts["height"] / counts["width"]
    small = counts[["height", "width"]].max(axis=1) < LONGEST
    names = [f"< {LONGEST} px", "wide", "square", "tall"]
    code = np.select([small, ratio < WIDEST, ratio <= TALLEST], range(3), default=3)
    return pd.Series(pd.Categorical.from_codes(code, names, ordered=True), counts.index)


def group_table(
    models: Mapping[str, pd.DataFrame], grouping: Grouping, score: str
) -> pd.DataFrame:
    """A score of each group (column, with its number of photos) and model (row).

    Args:
        models: counts by model, all of the same photos.
        grouping: a function above, or `common.scoring.breeds.by_breed`; empty groups are left out.
        score: of `common.scoring.scores`.
    """
    found = {}
    for name, counts in models.items():
        parts = counts.groupby(grouping(counts), observed=True)
        found[name] = {f"{group} (n {len(part):,})": scores(part)[score] for group, part in parts}
    return pd.DataFrame(found).T.rename_axis("model")
