"""Average precision as COCO's (Lin et al. 2014), and other shares, from stored answers.

A table has one row an answer: image, truths (animals of the photo that count), seconds (of the
photo), score, said (species named, 0 none), shows (the animal that most of it lies on, from 0; -1
none) and, a column an IoU from .50 to .95, ``hit_50`` …: 1 it is right, 0 it is not, -1 it does
not count. A photo without an answer has one row without a score. So a bootstrap over photos
needs no mask. Answers are there that are too unsure for `--all`, which shows those of `SURE`.

Letters: R weightings of the photos, D answers, T thresholds.
"""

import numpy as np
import pandas as pd

from common.clicks.everything import SURE
from common.scoring.bootstrap import draw, intervals

LEVELS = tuple(range(50, 100, 5))  # T, per cent of IoU
HITS = [f"hit_{level}" for level in LEVELS]
COLUMNS = ["image", "truths", "seconds", "score", "said", "shows", *HITS]
RECALLS = np.linspace(0, 1, 101)  # at which COCO reads precision


def average_precision(table: pd.DataFrame, weights: np.ndarray | None = None) -> np.ndarray:
    """Average precision at each IoU (R, T): the mean over 101 recalls of the best precision there.

    Args:
        table: see above.
        weights: (R, N) how often each photo counts, in the order of their names; once if None.
    """
    photos = table.groupby("image")["truths"].first()  # in the order of names
    weights = np.ones((1, len(photos))) if weights is None else weights
    answers = table.dropna(subset="score").sort_values("score", ascending=False, kind="stable")
    counted = weights[:, photos.index.get_indexer(answers["image"])]  # (R, D)
    positives = weights @ photos.to_numpy(float)  # (R,)
    found = np.empty((len(weights), len(HITS)))
    for column, name in enumerate(HITS):
        hit = answers[name].to_numpy()
        right, wrong = (np.cumsum(counted * (hit == kind), axis=1) for kind in (1, 0))
        precision = right / np.maximum(right + wrong, np.spacing(1))
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        best = np.pad(best, ((0, 0), (0, 1)))  # beyond the last answer
        recall = right / np.maximum(positives, np.spacing(1))[:, None]
        for row in range(len(weights)):
            found[row, column] = best[row, np.searchsorted(recall[row], RECALLS)].mean()
    return found


def everything_scores(
    table: pd.DataFrame, sure: float = SURE, resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """AP, AP50, AP75 and shares, with 95 % intervals over photos: index score; value, low, high.

    Of answers with that score at least.

    ``doubles`` of the answers show an animal that a surer one shows; ``on_ground`` of them show
    none; ``exactly_one`` of the photos have one answer; ``cats`` and ``dogs`` of the answers.
    """
    table = table.assign(score=table["score"].where(table["score"] >= sure))
    photos = table.groupby("image")["truths"].first()
    weights = draw(len(photos), resamples, seed)
    ap = average_precision(table, weights)
    values = {"ap": ap.mean(1), "ap50": ap[:, 0], "ap75": ap[:, LEVELS.index(75)]}
    answers = table.dropna(subset="score").sort_values("score", ascending=False, kind="stable")
    shows = answers["shows"] >= 0
    kinds = {
        "doubles": shows & answers.duplicated(["image", "shows"]),
        "on_ground": ~shows,
        "cats": answers["said"] == 1,
        "dogs": answers["said"] == 2,
    }
    place = photos.index.get_indexer(answers["image"])
    every = weights @ np.bincount(place, minlength=len(photos))
    for name, kind in kinds.items():
        values[name] = weights @ np.bincount(place, kind, len(photos)) / np.maximum(every, 1)
    ones = np.bincount(place, minlength=len(photos)) == 1
    values["exactly_one"] = weights @ ones / len(photos)
    return intervals(pd.DataFrame(values)).rename_axis("score")
