"""Scores of clicking, from stored counts: one row a photo and click (`PROTOCOL`, point prompts).

A table of clicks has the columns ``image``, ``species``, ``click`` (0: before any), ``inter`` and
``union`` (pixels of the pet's mask against the truth, border left out) and ``ms``. Every score is
a mean over photos of something each photo has, so that a bootstrap over photos is one product.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from common.config import UserError
from common.scores import draw

AT = (0, 1, 2, 3, 5, 10, 20)
GOALS = (80, 85, 90)  # per cent of IoU


def iou_curves(table: pd.DataFrame) -> pd.DataFrame:
    """IoU of each photo (rows) after each click (columns); 1 where there is and was no pet.

    Raises:
        UserError: a photo lacks a click that another has.
    """
    iou = np.where(table["union"] > 0, table["inter"] / table["union"].clip(lower=1), 1.0)
    curves = table.assign(iou=iou).pivot(index="image", columns="click", values="iou")
    if curves.isna().any(axis=None):
        name = curves.index[curves.isna().any(axis=1)][0]
        raise UserError(f"{name} lacks a click that other photos have: evaluate the clicks again")
    return curves


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
    failed = ~reached.any(axis=1)
    clicks = reached.idxmax(axis=1).where(~failed, reached.columns[-1])
    return pd.DataFrame({"clicks": clicks.astype(int), "failed": failed})


def photo_values(table: pd.DataFrame) -> pd.DataFrame:
    """What each photo contributes to each score: index image; a column a score.

    ``iou_at_K``; ``nocP`` clicks to P per cent; ``nofP`` 1 where P per cent is never reached;
    ``auc`` area under the IoU-click curve from the first to the last click, over its width.
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
    return pd.DataFrame(values)


def click_scores(table: pd.DataFrame, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """Each score with its 95 % percentile interval over photos.

    Returns:
        Index ``score``; columns ``value``, ``low``, ``high``. ``ms_click_p50`` and ``_p95`` are
        quantiles over all clicks and have no interval.
    """
    values = photo_values(table)
    means = draw(len(values), resamples, seed) @ values.to_numpy(float) / len(values)
    scored = pd.DataFrame(means, columns=values.columns)
    low, high = scored[1:].quantile(0.025), scored[1:].quantile(0.975)
    found = pd.DataFrame({"value": scored.iloc[0], "low": low, "high": high})
    ms = table.loc[table["click"] > 0, "ms"]
    for share in (50, 95):
        found.loc[f"ms_click_p{share}", "value"] = ms.quantile(share / 100)
    return found.rename_axis("score")
