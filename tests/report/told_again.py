"""What the stored tables say of every claim of notebook 07, by a way of its own.

Nothing that the notebook calls is used here: the tables are read by pandas, added up and divided
in this file. Only the random numbers are the documented ones (one multinomial weight a photo),
so that a verdict at the edge falls on the same side.
"""

import ast
import json
from functools import cache
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from common.config import RESULTS
from tests.notebook_cells import notebooks, read, tags

CONFUSION = [f"c{t}{p}" for t in range(3) for p in range(3)]
PARAMETERS = next(c for c in read(notebooks()[6]).cells if "parameters" in tags(c))
NAMED = {
    node.targets[0].id: ast.literal_eval(node.value) for node in ast.parse(PARAMETERS.source).body
}


def counts_of(table: pd.DataFrame) -> np.ndarray:
    """(N, 3, 3) true, predicted."""
    return table[CONFUSION].to_numpy(float).reshape(-1, 3, 3)


def miou(summed: np.ndarray) -> np.ndarray:
    """Of counts (..., 3, 3): hits of a class over what truth and prediction cover together."""
    hit = np.einsum("...kk->...k", summed)
    return (hit / (summed.sum(-1) + summed.sum(-2) - hit)).mean(-1)


def weights(n: int, size: int, seed: Any) -> np.ndarray:
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=size)


def middle(draws: np.ndarray) -> tuple[float, float]:
    return tuple(np.percentile(draws, [2.5, 97.5]))


@cache
def photos() -> dict[str, pd.DataFrame]:
    """Test counts by model, the best first."""
    files = {m: RESULTS / "counts" / f"{m}_test.parquet" for m in cards()}
    found = {m: pd.read_parquet(f).sort_values("image") for m, f in files.items() if f.is_file()}
    return dict(sorted(found.items(), key=lambda one: -miou(counts_of(one[1]).sum(0))))


@cache
def cards() -> dict[str, dict]:
    files = sorted((RESULTS / "checkpoints").glob("*.json"))
    return {file.stem: json.loads(file.read_text()) for file in files}


@cache
def value() -> pd.Series:
    return pd.Series({m: float(miou(counts_of(t).sum(0))) for m, t in photos().items()})


@cache
def draws(breeds: bool = False, blocks: int = 0, models: tuple[str, ...] = ()) -> pd.DataFrame:
    """mIoU by model (column) in the same resamples: 1,000 of seed 0, or blocks of 1,000."""
    units = {m: _units(photos()[m], breeds) for m in models or photos()}
    each, rows = np.stack(list(units.values()), 1), []  # (N, models, 3, 3)
    for seed in [[0, block] for block in range(blocks)] or [0]:
        rows.append(miou(np.tensordot(weights(len(each), 1000, seed).astype(float), each, 1)))
    return pd.DataFrame(np.concatenate(rows), columns=list(units))


def _units(table: pd.DataFrame, breeds: bool) -> np.ndarray:
    return counts_of(table.groupby("breed")[CONFUSION].sum() if breeds else table)


@cache
def named() -> pd.DataFrame:
    """What was asked beforehand: a, b, by, ends over photos and breeds, p before Holm, p; verdict.

    A pair is clear where both intervals are above zero, p by Holm is at most 0.05, and it is
    larger than seeds lie apart.
    """
    asked = [(a, b) for a, b in NAMED["questions"] if a in photos() and b in photos()]
    models = tuple({name: None for pair in asked for name in pair})
    by_photo, by_breed = (draws(b, 20, models) for b in (False, True))
    rows = []
    for a, b in asked:
        a, b = (a, b) if value()[a] > value()[b] else (b, a)
        gaps = [(d[a] - d[b]).to_numpy() for d in (by_photo, by_breed)]
        below = max(min((g <= 0).sum(), (g >= 0).sum()) + 1 for g in gaps)
        p = min(1.0, 2 * below / (len(gaps[0]) + 1))
        rows.append([a, b, value()[a] - value()[b], *middle(gaps[0]), *middle(gaps[1]), p])
    table = pd.DataFrame(rows, columns=["a", "b", "by", "low", "high", "blow", "bhigh", "p"])
    worst, order = 0.0, table["p"].sort_values(kind="stable").index
    for place, row in enumerate(order):
        worst = max(worst, min(1.0, (len(table) - place) * table.at[row, "p"]))
        table.at[row, "holm"] = worst
    stands = (table[["low", "blow"]] > 0).all(axis=1) & (table["holm"] <= 0.05)
    large = np.where(table["by"] > seed_range(), "clear", "less than seeds")
    return table.assign(verdict=np.where(stands, large, "open"))


@cache
def runs() -> pd.DataFrame:
    """Trainings on shares of the photos, and from other seeds: their validation counts."""
    rows = []
    for file in sorted((RESULTS / "counts" / "ablation").glob("*-share-*_val.parquet")):
        model, share, seed = (
            file.stem.removesuffix("_val").replace("-seed-", "-share-").split("-share-")
        )
        counts = counts_of(pd.read_parquet(file).sort_values("image"))
        w = weights(len(counts), 1000, 0)
        low, high = middle(miou(np.tensordot(w, counts, 1)))
        rows.append([model, int(share), int(seed), counts, miou(counts.sum(0)), high - low])
    return pd.DataFrame(rows, columns=["model", "share", "seed", "counts", "miou", "wide"])


def seeds() -> pd.DataFrame:
    """Of the recipes that were trained several times on all photos, those trainings."""
    whole = runs()[runs()["share"] == 100]
    return whole[whole.groupby("model")["seed"].transform("size") > 1]


def seed_range() -> float:
    each = seeds().groupby("model")["miou"]
    return float((each.max() - each.min()).max())


def chance_pairs() -> tuple[int, int]:
    """Pairs of the same recipe, and how many are clear of zero over photos."""
    clear = []
    for _, same in seeds().groupby("model"):
        for a, b in combinations(same["counts"], 2):
            w = np.vstack([weights(len(a), 1000, [0, block]) for block in (0, 1)])
            low, high = middle(miou(np.tensordot(w, a, 1)) - miou(np.tensordot(w, b, 1)))
            clear.append(low > 0 or high < 0)
    return len(clear), sum(clear)


@cache
def clicked() -> dict[str, pd.DataFrame]:
    """IoU of each photo (row) after each click (column), by the models that know clicks."""
    names = [m for m in photos() if cards()[m]["model"].startswith("point")]
    files = {m: RESULTS / "clicks" / f"{m}_test.parquet" for m in names}
    return {m: _curves(pd.read_parquet(f)) for m, f in files.items() if f.is_file()}


def _curves(table: pd.DataFrame, index: tuple[str, ...] = ("image",)) -> pd.DataFrame:
    found = table.assign(iou=(table["inter"] / table["union"]).fillna(1.0))
    return found.pivot(index=list(index), columns="click", values="iou")


def clicks_to(curves: pd.DataFrame, goal: float) -> pd.Series:
    """First click that reaches it; the last one where none does."""
    made = curves.drop(columns=0)
    return (made < goal).cummin(axis=1).sum(axis=1).add(1).clip(upper=made.columns[-1])


def elsewhere(model: str) -> tuple[pd.DataFrame, pd.Series]:
    """Per instance of other people's photos, draws averaged: IoU by click with NoC@95; single."""
    table = pd.read_parquet(RESULTS / "clicks" / f"{model}_elsewhere.parquet")
    curves = _curves(table, ("image", "draw"))
    values = curves.assign(noc95=clicks_to(curves, 0.95)).groupby("image").mean()
    return values, table.groupby("image")["single"].first()


def pet_ious(model: str) -> pd.Series:
    """IoU of the pet in each photo that is clicked on, whatever its species."""
    c = counts_of(photos()[model])
    each = c[:, 1:, 1:].sum((1, 2)) / (c.sum((1, 2)) - c[:, 0, 0])
    images = next(iter(clicked().values())).index
    return pd.Series(each, photos()[model]["image"].to_numpy()).fillna(1.0).reindex(images)


def would_be(model: str) -> dict[str, float]:
    """Share of wrong pixels, of them by species; mIoU were species, or shape, always right."""
    table = photos()[model]
    c, own = counts_of(table), table["species"].to_numpy()
    summed = c.sum(0)
    wrong = summed.sum() - np.trace(summed)
    votes, every = c.sum(1)[:, 1:], np.arange(len(c))
    said = np.where(votes[:, 0] > votes[:, 1], 1, 2)
    said = np.where(votes[:, 0] == votes[:, 1], 3 - own, said)
    species, shape = np.zeros_like(c), np.zeros_like(c)
    species[:, :, 0], shape[:, 0, 0] = c[:, :, 0], c[:, 0].sum(1)
    species[every, :, own] = c[:, :, 1:].sum(2)
    shape[:, 1:, 1:] = c[:, 1:, 1:]
    shape[every, own, said] += c[every, own, 0]
    return {
        "wrong": wrong / summed.sum(),
        "by_species": (summed[1, 2] + summed[2, 1]) / wrong,
        "species": float(miou(species.sum(0))),
        "shape": float(miou(shape.sum(0))),
    }


def minutes(model: str) -> float:
    """Of its training, of the project's own encoder under it and of what it went on from."""
    card = cards()[model]
    before = [(card.get("encoder") or {}).get("name"), card["training"].get("start")]
    files = [RESULTS / "history" / f"{name}.csv" for name in before if name]
    earlier = sum(pd.read_csv(f)["seconds"].sum() / 60 for f in files if f.is_file())
    return card["training"].get("minutes", np.nan) + earlier
