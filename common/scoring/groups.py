"""Photos in groups: by the size of the pet, by the cut of the photo, by the look of the breed."""

from collections.abc import Callable, Mapping

import numpy as np
import pandas as pd

from common.config import UserError
from common.data.breeds import GROUP_OF, GROUPS
from common.scoring.scores import bootstrap, confusions, scores

SHARES = (0.0, 0.1, 0.2, 0.35, 0.5, 1.0)  # bounds of the pet's share of the judged pixels
WIDEST, TALLEST = 0.8, 1.25  # height : width of a photo that is nearly square
LONGEST = 384  # px; the longest side in the copy that is scored
Grouping = Callable[[pd.DataFrame], pd.Series]


def by_pet_size(counts: pd.DataFrame) -> pd.Series:
    """Group of each photo by the pet's share of all pixels but the border."""
    matrix = confusions(counts).sum(axis=2)
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


def by_breed(counts: pd.DataFrame) -> pd.Series:
    """Group of each photo, in the order above.

    Args:
        counts: one row a photo, with ``breed`` (spaces or underscores, in any case).

    Raises:
        UserError: a breed is in no group.
    """
    names = counts["breed"].str.replace("_", " ").str.lower()
    if strange := sorted(set(names) - set(GROUP_OF)):
        raise UserError(f"breed {strange[0]!r} is in no group; add it to common/scoring/breeds.py")
    return pd.Series(pd.Categorical(names.map(GROUP_OF), list(GROUPS)), counts.index)


def group_table(
    models: Mapping[str, pd.DataFrame], grouping: Grouping, score: str
) -> pd.DataFrame:
    """A score of each group (column, with its number of photos) and model (row).

    Args:
        models: counts by model, all of the same photos.
        grouping: a function above; empty groups are left out.
        score: of `common.scoring.scores`.
    """
    found = {}
    for name, counts in models.items():
        parts = counts.groupby(grouping(counts), observed=True)
        found[name] = {f"{group} (n {len(part):,})": scores(part)[score] for group, part in parts}
    return pd.DataFrame(found).T.rename_axis("model")


def group_scores(counts: pd.DataFrame, score: str = "foreground_iou") -> pd.DataFrame:
    """A score of each group of breeds with its 95 % interval over photos, in the order above.

    Args:
        counts: as in `by_breed`.
        score: of `common.scoring.scores`; one that mixes classes says little inside one species.

    Returns:
        label (the group and its photos), value, low, high, colour (the species), n.
    """
    rows = []
    for group, photos in counts.groupby(by_breed(counts), observed=True):
        found = bootstrap(photos, [score]).loc[score].to_dict()
        label, species = f"{group} (n {len(photos)})", group[:3]
        rows.append({"label": label, **found, "colour": species, "n": len(photos)})
    return pd.DataFrame(rows)
