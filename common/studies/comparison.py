"""All models of a results folder side by side, on the same photos and in the same resamples.

Two scores carry this name of IoU and are not the same: that of a *split* adds up the pixels of
all photos before it divides; that of a *photo* is divided first and then averaged. Clicking is
scored by the second, so what stands beside it here is brought to it.
"""

from collections.abc import Mapping, Sequence
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from common.checkpoint import read_card
from common.config import CHECKPOINTS, RESULTS, UserError, iou
from common.files import read_table
from common.models import model_spec
from common.scoring.bootstrap import difference, intervals
from common.scoring.click_scores import iou_curves, mean_intervals
from common.scoring.photos import HEADLINE
from common.scoring.scores import confusions, paired_difference, resampled, scores
from common.wording import label

AT = (0, 1, 3, 5)  # clicks
TOLD = ("miou", "foreground_iou", "boundary_iou", "species_accuracy", "ece")
Counts = Mapping[str, pd.DataFrame]  # by model


def scored_names(results: Path = RESULTS, folder: str = "counts") -> list[str]:
    """Names of the checkpoints whose test photos are counted in a folder of the results."""
    names = sorted(card.stem for card in (results / CHECKPOINTS.name).glob("*.json"))
    return [name for name in names if (results / folder / f"{name}_test.parquet").is_file()]


def scored_models(results: Path = RESULTS) -> dict[str, pd.DataFrame]:
    """Test counts of every checkpoint that has them, the best mIoU first.

    Raises:
        UserError: there is none.
    """
    names = scored_names(results)
    if not names:
        raise UserError(f"{results / 'counts'}: no model is scored; run the cpu profile first")
    found = {name: read_table(results / "counts" / f"{name}_test.parquet") for name in names}
    best = {name: scores(table)["miou"] for name, table in found.items()}
    return {name: found[name] for name in sorted(names, key=best.__getitem__, reverse=True)}


def clicked_models(results: Path = RESULTS) -> dict[str, pd.DataFrame]:
    """Test clicks of every checkpoint that was trained to be clicked on; may be empty."""
    found = {}
    for name in scored_names(results, "clicks"):
        if model_spec(read_card(results / CHECKPOINTS.name / name)["model"]).clickable:
            found[name] = read_table(results / "clicks" / f"{name}_test.parquet")
    return found


def pet_ious(counts: pd.DataFrame) -> pd.Series:
    """IoU of the pet, whatever its species, in each photo: index image; 1 where there is none."""
    confusion = confusions(counts)
    hit, union = confusion[:, 1:, 1:].sum(axis=(1, 2)), confusion.sum(axis=(1, 2))
    union = union - confusion[:, 0, 0]
    return pd.Series(iou(hit, union), counts["image"].to_numpy(), name="iou").sort_index()


def pet_table(counts: Counts, clicked: Counts) -> pd.DataFrame:
    """IoU of the pet, mean over photos: unprompted models, and prompted ones click by click.

    Args:
        counts: of `scored_models`, brought to the photos that are clicked on, if any are.
        clicked: of `clicked_models`, all on one sample of photos.

    Returns:
        model, clicks (gap: knows none), value, low, high (95 % over photos), n; best first.
    """
    curves = {name: iou_curves(table) for name, table in clicked.items()}
    photos = next(iter(curves.values())).index if curves else None
    values: dict[tuple[str, float], pd.Series] = {
        (name, click): curve[click]
        for name, curve in curves.items()
        for click in AT
        if click in curve
    }
    for name, table in counts.items():
        if name not in curves:
            each = pet_ious(table)
            values[name, np.nan] = each if photos is None else each.reindex(photos)
    frame = pd.DataFrame(values)
    if (gaps := frame.isna().any()).any():
        raise UserError(f"{gaps.idxmax()[0]} is scored on other photos than the clicked ones")
    rows = mean_intervals(frame).rename_axis(["model", "clicks"]).reset_index()
    rows = rows.assign(n=len(frame)).sort_values("value", ascending=False)
    return rows.reset_index(drop=True)


def resample(counts: Counts) -> dict[str, pd.DataFrame]:
    """Every score of each model in the same resamples, see `common.scoring.scores.resampled`.

    Raises:
        UserError: two models are scored on different photos.
    """
    first, *others = counts
    for name in others:
        if set(counts[first]["image"]) != set(counts[name]["image"]):
            raise UserError(f"{first} and {name} are scored on different photos: score both again")
    return {name: resampled(table) for name, table in counts.items()}


def headlines(draws: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """`common.scoring.photos.headline` of each model from its draws."""
    return {name: intervals(every[list(HEADLINE)]) for name, every in draws.items()}


def pairwise(draws: Mapping[str, pd.DataFrame], score: str = "miou") -> pd.DataFrame:
    """Differences of all pairs, the better first: a, b, difference, low, high, p.

    As `common.scoring.scores.paired_difference`, from draws that `resample` made.
    """
    order = sorted(draws, key=lambda name: draws[name].at[0, score], reverse=True)
    rows = []
    for a, b in combinations(order, 2):
        value, *gaps = draws[a][score] - draws[b][score]
        rows.append({"a": a, "b": b, **difference(value, np.array(gaps))})
    return pd.DataFrame(rows, columns=["a", "b", "difference", "low", "high", "p"])


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


def differences(scored: Counts, pairs: Sequence[tuple[str, str]]) -> str:
    """A line of markdown for each of the pairs a, b that are both scored: a less b."""
    lines = [
        f"- {label(a)} against {label(b)}: mIoU **{by_how_much(scored[a], scored[b])}**,"
        f" foreground IoU {by_how_much(scored[a], scored[b], 'foreground_iou')}"
        for a, b in pairs
        if {a, b} <= set(scored)
    ]
    return "\n".join(lines)


def score_table(heads: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """What readers are told of models' headlines: a row a model, a column each of `TOLD`."""
    table = pd.DataFrame({name: head["value"] for name, head in heads.items()}).T[[*TOLD]].round(3)
    return table.rename(label).rename_axis(index="model", columns=None).reset_index()


def border_table(counts: Counts) -> pd.DataFrame:
    """mIoU by what border pixels are held to be: model, ignore, background, pet."""
    policies = ("ignore", "background", "pet")
    rows = [
        {"model": name, **{policy: scores(table, policy)["miou"] for policy in policies}}
        for name, table in counts.items()
    ]
    return pd.DataFrame(rows)


def costs(results: Path = RESULTS) -> pd.DataFrame:
    """What every scored model costs: model, quantity, value.

    ``minutes`` of training is in its card, that of the project's own frozen encoder added; the
    rest is what ``benchmark.csv`` holds, ``params`` being trained and frozen ones together.
    """
    rows = [(name, "minutes", minutes(name, results)) for name in scored_names(results)]
    table = pd.DataFrame(rows, columns=["model", "quantity", "value"])
    if (file := results / "benchmark.csv").is_file():
        measured = pd.read_csv(file)[["model", "quantity", "value"]]
        parts = measured[measured["quantity"].isin(["params_trained", "params_frozen"])]
        whole = parts.groupby("model", as_index=False)["value"].sum().assign(quantity="params")
        table = pd.concat([table, whole, measured], ignore_index=True)
    return table


def minutes(name: str, results: Path = RESULTS) -> float:
    """Minutes that a checkpoint was trained, with its own encoder's and those it went on from."""
    card = read_card(results / CHECKPOINTS.name / name)
    earlier = ((card.get("encoder") or {}).get("name"), card["training"].get("start"))
    files = [results / "history" / f"{one}.csv" for one in earlier if one]
    before = sum(pd.read_csv(file)["seconds"].sum() / 60 for file in files if file.is_file())
    return float(card["training"].get("minutes", np.nan)) + before
