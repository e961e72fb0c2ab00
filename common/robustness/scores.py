"""What perturbations cost: curves, the area under each, and what is left at the worst level.

A table of `common.robustness.run` becomes resamples first: Dice (or another score) of every
perturbation and level, for all photos once and for each bootstrap resample of them. All that is
told of a model (a point, an area, a share kept) is computed in each resample, and so has an
interval. Row 0 is of all photos once.

Shapes: N photos, R resamples, K classes.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from common.scoring.bootstrap import difference, draw, intervals
from common.scoring.scores import CONFUSION, K, overlap_scores

CLEAN = "clean"
BAR = 0.85  # of the clean Dice, to be kept at the worst level
Resamples = Mapping[str, pd.DataFrame]  # by model


def resampled_curves(
    table: pd.DataFrame,
    score: str = "dice",
    *,
    clicks: int = 0,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """A score of every perturbation and level in each resample of the photos.

    Args:
        table: of one model, as `robustness.run.robustness_or_load` returns it.
        score: of `scores.overlap_scores`: dice, miou, foreground_iou, ...
        clicks: 1 for the answers after a click.
        resamples, seed: tables of the same photos get the same resamples.

    Returns:
        Rows 1 + R; columns (perturbation, level), level 0 of each the clean photos.
    """
    rows = table[table["clicks"] == clicks].sort_values("image")
    weights = draw(rows["image"].nunique(), resamples, seed)
    found = {
        key: overlap_scores((weights @ part[CONFUSION].to_numpy(float)).reshape(-1, K, K))[score]
        for key, part in rows.groupby(["perturbation", "level"], observed=True)
    }
    damages = [name for name in table["perturbation"].unique() if name != CLEAN]
    levels = sorted(rows["level"].unique())
    order = [(damage, level) for damage in damages for level in levels]
    return pd.DataFrame({key: found[key if key[1] else (CLEAN, 0)] for key in order})


def curves(every: Resamples) -> pd.DataFrame:
    """Rows model, perturbation, level, value, low, high of `resampled_curves` by model."""
    parts = [
        intervals(frame).reset_index(names=["perturbation", "level"]).assign(model=name)
        for name, frame in every.items()
    ]
    return pd.concat(parts, ignore_index=True)


def areas(frame: pd.DataFrame) -> pd.DataFrame:
    """Area under each curve over the level's number, divided by its width, in each resample.

    Returns:
        Rows 1 + R; a column a perturbation, in the score's own unit: 1 is perfect throughout.
    """
    found = {}
    for damage, part in _by_damage(frame).items():
        levels = part.columns.get_level_values(1).to_numpy(float)
        found[damage] = np.trapezoid(part.to_numpy(), levels, axis=1) / (levels[-1] - levels[0])
    return pd.DataFrame(found)


def worst(frame: pd.DataFrame) -> pd.DataFrame:
    """Score at the level where it is lowest over all photos, in each resample: as `areas`.

    Level 0 is no perturbation, and so never the worst.
    """
    return pd.DataFrame({damage: frame[place] for damage, place in worst_places(frame).items()})


def worst_places(frame: pd.DataFrame) -> dict[str, tuple[str, int]]:
    """The column of the worst level of each perturbation."""
    damaged = frame.loc[:, frame.columns.get_level_values(1) > 0]
    return {name: part.iloc[0].idxmin() for name, part in _by_damage(damaged).items()}


def kept(frame: pd.DataFrame) -> pd.DataFrame:
    """`worst` as a share of the clean score of the same resample."""
    return worst(frame).div(clean(frame), axis=0)


def clean(frame: pd.DataFrame) -> pd.Series:
    """The score on clean photos in each resample (1 + R,)."""
    return frame.xs(0, axis=1, level=1).iloc[:, 0]


def worst_table(every: Resamples) -> pd.DataFrame:
    """Index model; the clean score, and the lowest of each perturbation."""
    rows = {n: {CLEAN: clean(f).iloc[0], **worst(f).iloc[0]} for n, f in every.items()}
    return pd.DataFrame(rows).T.rename_axis("model")


def kept_table(every: Resamples) -> pd.DataFrame:
    """Index model; the share of the clean score kept at the worst level of each perturbation."""
    return pd.DataFrame({n: kept(f).iloc[0] for n, f in every.items()}).T.rename_axis("model")


def ranking(every: Resamples) -> pd.DataFrame:
    """Models by the mean of their eight areas, the best first.

    Returns:
        model; value, low, high of that mean; clean; relative, the mean as a share of clean;
        lowest, the least share kept at a worst level, and under which perturbation.
    """
    rows = []
    for name, frame in every.items():
        mean, left = areas(frame).mean(axis=1), kept(frame).iloc[0]
        told = intervals(mean.to_frame("mean")).loc["mean"]
        rows.append(
            {
                "model": name,
                **told,
                CLEAN: clean(frame).iloc[0],
                "relative": mean.iloc[0] / clean(frame).iloc[0],
                "lowest": left.min(),
                "under": left.idxmin(),
            }
        )
    return pd.DataFrame(rows).sort_values("value", ascending=False, ignore_index=True)


def area_lead(a: pd.DataFrame, b: pd.DataFrame) -> dict[str, float]:
    """Mean area of a minus that of b (both of `resampled_curves`): difference, low, high, p."""
    gap = areas(a).mean(axis=1) - areas(b).mean(axis=1)
    return difference(gap.iloc[0], gap.iloc[1:].to_numpy())


def bar_table(frame: pd.DataFrame, bar: float = BAR) -> pd.DataFrame:
    """Whether a model keeps the ``bar`` at the worst level of each perturbation.

    Returns:
        perturbation; level (the worst), dice there; kept, low, high; passes ("yes" or "no", by
        the value itself).
    """
    left = intervals(kept(frame)).rename(columns={"value": "kept"})
    levels = dict(worst_places(frame).values())
    left = left.assign(level=pd.Series(levels), dice=worst(frame).iloc[0])
    left["passes"] = np.where(left["kept"] >= bar, "yes", "no")
    order = ["level", "dice", "kept", "low", "high", "passes"]
    return left[order].rename_axis("perturbation").reset_index()


def click_gain(table: pd.DataFrame, score: str = "foreground_iou") -> pd.DataFrame:
    """What one click adds to a score, on clean photos and at the worst level of each perturbation.

    Args:
        table: of a model that takes clicks.

    Returns:
        perturbation ("clean" first), level, without, with_click; difference, low, high, p.
    """
    none, one = (resampled_curves(table, score, clicks=clicks) for clicks in (0, 1))
    rows = []
    for name, place in ({CLEAN: none.columns[0]} | worst_places(none)).items():
        gap = one[place] - none[place]
        rows.append(
            {
                "perturbation": name,
                "level": place[1],
                "without": none[place].iloc[0],
                "with_click": one[place].iloc[0],
                **difference(gap.iloc[0], gap.iloc[1:].to_numpy()),
            }
        )
    return pd.DataFrame(rows)


def clean_and_worst(table: pd.DataFrame) -> dict[str, float]:
    """Dice on clean photos, and the lowest of each perturbation of a finished table."""
    frame = resampled_curves(table, resamples=0)
    found = {CLEAN: clean(frame).iloc[0], **worst(frame).iloc[0]}
    return {name: round(float(value), 5) for name, value in found.items()}


def clean_miou(table: pd.DataFrame) -> float:
    """Mean IoU on clean photos, without a click."""
    return float(clean(resampled_curves(table, "miou", resamples=0)).iloc[0])


def _by_damage(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The columns of each perturbation, in the table's order."""
    return {name: frame[[name]] for name in frame.columns.unique(0)}
