"""What may be concluded from a difference: photos, breeds and seeds each judge it.

An interval over photos says how far other photos would move a score. Photos of one breed are
alike, so a second bootstrap draws whole breeds; and the same recipe with another seed is another
network, so that a difference smaller than seeds lie apart tells nothing of recipes.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from common.config import RESULTS
from common.files import read_table
from common.scoring.bootstrap import difference, draw
from common.scoring.scores import CONFUSION, K, overlap_scores, scores
from common.studies.ablation import SEGMENTATION
from common.studies.learning import SEEDS, run_name

RESAMPLES = 20_000
BLOCK = 1000  # resamples at once: their weights are what takes memory
LEVEL = 0.05  # of the family of named pairs
COLUMNS = ["a", "b", "difference", "low", "high", "breeds_low", "breeds_high", "p"]
Counts = Mapping[str, pd.DataFrame]  # by model, all of the same photos


def miou_draws(
    models: Counts, *, breeds: bool = False, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """mIoU of each model (column) on all photos once (row 0) and in the same resamples.

    Args:
        models: counts by model.
        breeds: draw whole breeds with all their photos, instead of photos.
    """
    tables = [table.sort_values("image") for table in models.values()]
    units = [t.groupby("breed")[CONFUSION].sum() if breeds else t[CONFUSION] for t in tables]
    counts = np.hstack([unit.to_numpy(float) for unit in units])  # (N, models · K²)
    summed = [counts.sum(0)[None]]
    for block in range(-(-resamples // BLOCK)):
        size = min(BLOCK, resamples - BLOCK * block)
        summed.append(draw(len(counts), size, (seed, block))[1:] @ counts)
    split = np.split(np.vstack(summed), len(tables), axis=1)
    mious = [overlap_scores(part.reshape(-1, K, K))["miou"] for part in split]
    return pd.DataFrame(dict(zip(models, mious, strict=True)))


def holm(p: Sequence[float]) -> np.ndarray:
    """Holm's step-down: p values, made larger for a family of as many questions (Holm 1979)."""
    values = np.asarray(p, float)
    order = values.argsort()
    steps = np.maximum.accumulate(values[order] * np.arange(len(values), 0, -1))
    adjusted = np.empty_like(values)
    adjusted[order] = steps.clip(max=1)
    return adjusted


def named_pairs(
    models: Counts, pairs: Sequence[Sequence[str]], seeds: float, resamples: int = RESAMPLES
) -> pd.DataFrame:
    """Differences in mIoU of pairs that were named beforehand, judged three ways.

    Args:
        models: counts by model; pairs of others are passed over.
        pairs: names a, b.
        seeds: how far seeds of one recipe lie apart.

    Returns:
        `COLUMNS`: a is the better one; p is the larger of the two bootstraps' (photos, breeds),
        by `holm`; and ``verdict``: "clear", "less than seeds" (clear but for them), "open".
    """
    asked = [(a, b) for a, b in pairs if a in models and b in models]
    used = {name: models[name] for pair in asked for name in pair}
    ways = [miou_draws(used, breeds=b, resamples=resamples) for b in (False, True)] if used else []
    rows = []
    for a, b in asked:
        a, b = sorted((a, b), key=lambda name: ways[0].at[0, name], reverse=True)
        photos, breeds = (difference(0.0, (w[a] - w[b]).to_numpy()[1:]) for w in ways)
        value, ends = ways[0].at[0, a] - ways[0].at[0, b], (breeds["low"], breeds["high"])
        p = max(photos["p"], breeds["p"])
        rows.append((a, b, value, photos["low"], photos["high"], *ends, p))
    table = pd.DataFrame(rows, columns=COLUMNS)
    clear = (table["low"] > 0) & (table["breeds_low"] > 0)
    table["p"] = holm(table["p"])
    clear &= table["p"] <= LEVEL
    names = np.where(table["difference"] > seeds, "clear", "less than seeds")
    return table.assign(verdict=np.where(clear, names, "open"))


def seed_counts(model: str, results: Path = RESULTS) -> dict[int, pd.DataFrame]:
    """Validation counts of the runs of one recipe on all photos, by seed, as far as stored."""
    found = {}
    for seed in range(SEEDS.get(model, 0)):
        file = SEGMENTATION.file(model, run_name(1.0, seed), results)
        if file.is_file():
            found[seed] = read_table(file)
    return found


def seed_range(results: Path = RESULTS, score: str = "miou") -> float:
    """Worst to best seed of the recipe whose seeds lie widest apart; 0 where none is known."""
    stored = [seed_counts(model, results) for model in SEEDS]
    values = [[scores(table)[score] for table in runs.values()] for runs in stored]
    return max((max(each) - min(each) for each in values if len(each) > 1), default=0.0)


def spreads(results: Path = RESULTS, resamples: int = 2000) -> pd.DataFrame:
    """Variance over photos, breeds and seeds apart, of recipes that were trained several times.

    Returns:
        model, seeds; photos, breeds, between: standard deviations of mIoU over resampled photos,
        resampled breeds and seeds; range, worst to best; clear, pairs: of all pairs of seeds,
        those whose 95 % interval over photos leaves zero out.
    """
    rows = []
    for model in SEEDS:
        runs = {str(seed): table for seed, table in seed_counts(model, results).items()}
        if len(runs) < 2:
            continue
        photos, breeds = (miou_draws(runs, breeds=b, resamples=resamples) for b in (False, True))
        gaps = [photos[a] - photos[b] for a, b in combinations(runs, 2)]
        told = [difference(gap[0], gap.to_numpy()[1:]) for gap in gaps]
        rows.append(
            {
                "model": model,
                "seeds": len(runs),
                "photos": photos[1:].std().mean(),
                "breeds": breeds[1:].std().mean(),
                "between": photos.loc[0].std(),
                "range": photos.loc[0].max() - photos.loc[0].min(),
                "clear": sum(each["low"] > 0 or each["high"] < 0 for each in told),
                "pairs": len(told),
            }
        )
    return pd.DataFrame(rows)
