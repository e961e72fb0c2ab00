"""Scores of clicking, from stored counts: one row a photo and click (`PROTOCOL`, point prompts).

A table of clicks has the columns ``image``, ``species``, ``click`` (0: before any), ``inter`` and
``union`` (pixels of the pet's mask against the truth, border left out), ``score`` (the IoU that
the model expected), ``said`` (the species it named, 0 none) and ``ms``. Every score is a mean over
photos of something each photo has, so that a bootstrap over photos is one product.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd

from common.config import UserError, iou
from common.scoring.bootstrap import difference, draw, intervals

AT = (0, 1, 2, 3, 5, 10, 20)
GOALS = (80, 85, 90, 95)  # per cent of IoU


def iou_curves(table: pd.DataFrame) -> pd.DataFrame:
    """IoU of each photo (rows) after each click (columns); 1 where there is and was no pet.

    Raises:
        UserError: a photo lacks a click that another has.
    """
    curves = table.assign(iou=ious(table)).pivot(index="image", columns="click", values="iou")
    if curves.isna().any(axis=None):
        name = curves.index[curves.isna().any(axis=1)][0]
        raise UserError(f"{name} lacks a click that other photos have: evaluate the clicks again")
    return curves


def ious(table: pd.DataFrame) -> np.ndarray:
    """IoU of each row (N,)."""
    return iou(table["inter"].to_numpy(), table["union"].to_numpy())


def clicks_to(curves: pd.DataFrame, goal: float) -> pd.DataFrame:
    """For each photo: the first click that reaches an IoU, and whether none does.

    A photo that never does counts as the last click; one that does at the very last is no failure.

    Args:
        curves: of `iou_curves`; click 0 is no click and does not count.
        goal: IoU in [0, 1].

    Returns:
        Index image; columns ``clicks`` and ``failed``.
    """
    reached = curves.drop(columns=0, errors="ignore") >= goal
    if reached.empty:
        raise UserError("there is no click to score; let the robot click at least once")
    failed = ~reached.any(axis=1)
    clicks = reached.idxmax(axis=1).where(~failed, reached.columns[-1])
    return pd.DataFrame({"clicks": clicks.astype(int), "failed": failed})


def photo_values(table: pd.DataFrame) -> pd.DataFrame:
    """What each photo contributes to each score: index image; a column a score.

    ``iou_at_K``; ``nocP`` clicks to P per cent; ``nofP`` 1 where P per cent is never reached;
    ``auc`` area under the IoU-click curve from the first to the last click, over its width;
    ``species_accuracy`` 1 where the right species was named at the first click.
    """
    curves = iou_curves(table)
    values = {f"iou_at_{k}": curves[k] for k in AT if k in curves}
    for goal in GOALS:
        reached = clicks_to(curves, goal / 100)
        values |= {f"noc{goal}": reached["clicks"], f"nof{goal}": reached["failed"].astype(float)}
    clicked = curves.drop(columns=0, errors="ignore")
    width = clicked.columns[-1] - clicked.columns[0]
    area = np.trapezoid(clicked.to_numpy(), clicked.columns.to_numpy(float), axis=1)
    values["auc"] = pd.Series(area / width if width else clicked.iloc[:, 0], clicked.index)
    first = table[table["click"] == 1].set_index("image")
    values["species_accuracy"] = (first["said"] == first["species"]).astype(float)
    return pd.DataFrame(values)


def mean_of_draws(table: pd.DataFrame) -> pd.DataFrame:
    """`photo_values` of photos that were clicked on several times (column ``draw``): the means."""
    draws = [photo_values(part) for _, part in table.groupby("draw")]
    return pd.concat(draws).groupby(level=0).mean()


def click_scores(table: pd.DataFrame, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Each score with its 95 % percentile interval over photos.

    Returns:
        Index ``score``; columns ``value``, ``low``, ``high``. ``ms_click_p50`` and ``_p95`` are
        quantiles over all clicks and have no interval.
    """
    found = mean_intervals(photo_values(table), resamples, seed).rename_axis("score")
    ms = table.loc[table["click"] > 0, "ms"]
    for share in (50, 95):
        found.loc[f"ms_click_p{share}", "value"] = ms.quantile(share / 100)
    return found


def iou_curve(table: pd.DataFrame, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Mean IoU after each click with its 95 % interval: click, value, low, high."""
    return mean_intervals(iou_curves(table), resamples, seed).rename_axis("click").reset_index()


def mean_intervals(values: pd.DataFrame, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Means of columns over photos (rows), with 95 % percentile intervals: value, low, high."""
    values = values.sort_index()  # a draw means the same photos in every table
    means = draw(len(values), resamples, seed) @ values.to_numpy(float) / len(values)
    return intervals(pd.DataFrame(means, columns=values.columns))


def paired_means(
    a: pd.Series, b: pd.Series, resamples: int = 1000, seed: int = 0
) -> dict[str, float]:
    """Mean of a minus mean of b over the same photos (their index), as `paired_difference`.

    Raises:
        UserError: they are values of other photos.
    """
    if odd := sorted(set(a.index) ^ set(b.index)):
        raise UserError(f"only one of the two tables holds {odd[0]}: click on the same photos")
    gaps = (a - b).sort_index().to_numpy(float)
    value, *draws = draw(len(gaps), resamples, seed) @ gaps / len(gaps)
    return difference(value, np.array(draws))


def greatest_fall(curve: pd.DataFrame) -> float:
    """How far the mean IoU ever falls from one click to the next; 0 where it never does."""
    clicked = curve.loc[curve["click"] > 0, "value"]
    return float(max(0.0, -clicked.diff().min())) if len(clicked) > 1 else 0.0


def taking_back(table: pd.DataFrame) -> pd.DataFrame:
    """The table of a user who takes back each click that makes the mask worse.

    A model that knows no click can answer a second one with a far worse mask (a region is left
    out, and with it the pet); nobody would keep that. After each click this is the best mask since
    the first; the answer without any click stays apart.
    """
    rows = table.assign(iou=ious(table)).sort_values(["image", "click"])
    clicked = rows["click"] > 0
    photo = rows["image"].where(clicked)  # a row without a click belongs to no group
    leads = ~clicked | (rows["iou"] >= rows.groupby(photo)["iou"].cummax())
    best = rows[["inter", "union"]].where(leads).groupby(photo).ffill()
    kept = best.fillna(rows[["inter", "union"]]).astype(table["inter"].dtype)
    return rows.assign(**kept).drop(columns="iou")


def gain_by_start(table: pd.DataFrame, clicks: int = 3, worst: float = 0.1) -> pd.DataFrame:
    """What clicks do for the photos that are worst without any, and for the others.

    Args:
        clicks: after which the IoU is compared with that of no click.
        worst: share of the photos.

    Returns:
        Index "worst", "others"; columns photos, before, after (mean IoU).
    """
    curves = iou_curves(table).sort_values(0, kind="stable")
    cut = max(1, round(worst * len(curves)))
    parts = {"worst": curves[:cut], "others": curves[cut:]}
    rows = {
        name: {"photos": len(part), "before": part[0].mean(), "after": part[clicks].mean()}
        for name, part in parts.items()
    }
    return pd.DataFrame(rows).T.astype({"photos": int})


def quality(table: pd.DataFrame, at: tuple[int, ...] = (1, 5)) -> pd.DataFrame:
    """The IoU that the model expected and the one it had, at some clicks: click, score, iou."""
    rows = table.assign(iou=ious(table))
    return rows.loc[rows["click"].isin(at), ["click", "score", "iou"]]


def side_by_side(scores: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Tables of scores by model or split -> one column each, "value [low, high]" a score.

    Milliseconds are left out: `common.costs.speed` compares them on one photo, in turn.
    """
    with_interval = {name: frame.dropna(subset="low") for name, frame in scores.items()}
    table = pd.DataFrame(
        {name: frame.apply(_told, axis=1) for name, frame in with_interval.items()}
    )
    return table.rename_axis("score").reset_index()


def _told(row: pd.Series) -> str:
    return f"{row['value']:.3f} [{row['low']:.3f}, {row['high']:.3f}]"
