"""Take one claim away at a time, train each variant on an equal budget, compare on validation.

What is measured is a `Yardstick`'s business: here classes of pixels, in `studies.clicking` clicks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from common.config import RESULTS, atomic_path
from common.data.dataset import prepare, resolve_root
from common.scoring.photos import evaluate, read_counts
from common.scoring.scores import bootstrap, paired_difference
from common.training.frozen import items_for
from common.training.runs import Run, plan_run, train_or_load
from common.training.trainer import Score, TrainConfig
from common.training.validation import quick_scores

LOCAL = "local/checkpoints"  # an ablation's weights are not committed, its counts are


@dataclass(frozen=True)
class Variant:
    """One row of an ablation.

    Attributes:
        run: short name, "base" for the one that the others are compared with.
        label, group: for the reader.
        model: arguments of the model that differ from the base.
        training: fields of `TrainConfig` that differ.
        fit: how photos are brought to the square.
    """

    run: str
    label: str
    group: str = ""
    model: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    fit: str = "stretch"


UNET = (
    Variant("base", "as built"),
    Variant("no-residual", "no residual shortcuts", "architecture", {"residual": False}),
    Variant("no-skips", "no skips across", "architecture", {"skips": False}),
    Variant("no-attention", "no attention", "architecture", {"attention_levels": 0}),
    Variant("group-norm", "group for batch normalisation", "architecture", {"norm": "group"}),
    Variant("ce-only", "cross-entropy without Dice", "loss", {"dice_weight": 0.0}),
    Variant("no-breed", "without the breed's loss", "loss", {"breed_weight": 0.0}),
    Variant("no-augment", "no augmentation", "data", training={"recipe": "none"}),
    Variant("geometry", "geometry only, no damage", "data", training={"recipe": "geometry"}),
    Variant("letterbox", "letterbox for stretch", "data", fit="letterbox"),
)


@dataclass(frozen=True)
class Yardstick:
    """What variants are measured by.

    Attributes:
        folder: of the stored tables, below the results.
        chooses: what chooses the epoch in training.
        measure: from a run and the dataset's folder to a table of validation counts.
        compare: from a table and the base's to value, low, high, difference, difference_low,
            difference_high and p, and what else is to be told.
        how: the measure's arguments, plain values; a table made with others is made again.
    """

    folder: str
    chooses: Score
    measure: Callable[[Run, Path], pd.DataFrame]
    compare: Callable[[pd.DataFrame, pd.DataFrame], dict[str, float]]
    how: dict = field(default_factory=dict)

    def file(self, model: str, run: str, results: Path) -> Path:
        """Where the table of a variant is stored."""
        return results / self.folder / "ablation" / f"{model}-{run}_val.parquet"


def beside(score: dict[str, float], pair: dict[str, float]) -> dict[str, float]:
    """A score and its paired difference as one row."""
    named = {"difference_low": pair["low"], "difference_high": pair["high"]}
    return {**score, "difference": pair["difference"], **named, "p": pair["p"]}


def _measure_classes(run: Run, root: Path) -> pd.DataFrame:
    return evaluate(run.model, run.card, root, "val")[0]


def _compare_classes(counts: pd.DataFrame, base: pd.DataFrame) -> dict[str, float]:
    score = bootstrap(counts, ["miou"]).loc["miou"].to_dict()
    return beside(score, paired_difference(counts, base))


SEGMENTATION = Yardstick("counts", quick_scores, _measure_classes, _compare_classes)


def run_ablation(
    model: str,
    variants: Sequence[Variant],
    config: TrainConfig,
    root: str | Path | None,
    *,
    size: int,
    results: Path = RESULTS,
    by: Yardstick = SEGMENTATION,
    views: int = 0,
) -> pd.DataFrame:
    """Train and score every variant that is not yet there, then `ablation_table`.

    Arguments as `train_variants`.
    """
    train_variants(model, variants, config, root, size=size, results=results, by=by, views=views)
    return ablation_table(model, variants, results, by)


def train_variants(
    model: str,
    variants: Sequence[Variant],
    config: TrainConfig,
    root: str | Path | None,
    *,
    size: int,
    results: Path = RESULTS,
    by: Yardstick = SEGMENTATION,
    views: int = 0,
) -> None:
    """Train and score every variant that is not yet there.

    Args:
        model: registry name of the base.
        config: the equal budget.
        root: dataset folder.
        size: edge of the square, for all.
        by: what is measured.
        views: of `items_for`: what decoders of frozen encoders learn from; 0: photos.
    """
    root = resolve_root(root)
    for variant in variants:
        cache = prepare(root, size=size, fit=variant.fit)
        budget = replace(config, **variant.training)
        name, file = f"ablation/{model}-{variant.run}", by.file(model, variant.run, results)
        dataset, budget = items_for(model, budget, cache, views, **variant.model)
        _, _, key = plan_run(model, budget, cache, by.chooses, dataset, **variant.model)
        about = {"model": name, "split": "val", "training": key, **by.how}
        if file.is_file() and read_counts(file).attrs == about:
            continue  # scored before, perhaps elsewhere: the weights are not needed
        run = train_or_load(
            name,
            model=model,
            config=budget,
            cache=cache,
            results=results,
            folder=LOCAL,
            score=by.chooses,
            dataset=dataset,
            **variant.model,
        )
        counts = by.measure(run, root)
        counts.attrs = about
        with atomic_path(file) as path:
            counts.to_parquet(path, index=False)


def stored_table(
    model: str, variants: Sequence[Variant], results: Path = RESULTS, by: Yardstick = SEGMENTATION
) -> pd.DataFrame:
    """`ablation_table` of the variants whose results are stored; empty while there is no base."""
    done = [v for v in variants if by.file(model, v.run, results).is_file()]
    has_base = any(variant.run == "base" for variant in done)
    return ablation_table(model, done, results, by) if has_base else pd.DataFrame()


def stored_counts(
    model: str, run: str, results: Path = RESULTS, by: Yardstick = SEGMENTATION
) -> pd.DataFrame:
    """The stored table of one variant, for differences that the ablation's own base is not in."""
    return read_counts(by.file(model, run, results))


def in_words(table: pd.DataFrame) -> str:
    """What an ablation table says: which differences are clear of zero, and which are not."""
    rows = table[table["run"] != "base"].sort_values("difference")
    clear = (rows["difference_high"] < 0) | (rows["difference_low"] > 0)
    told = [f"{row.label} {row.difference:+.3f}" for row in rows[clear].itertuples()]
    open_ = [f"{row.label} {row.difference:+.3f}" for row in rows[~clear].itertuples()]
    base = table.set_index("run").loc["base"]
    unclear = ", ".join(open_) or "none"
    return (
        f"From a base of {base['value']:.3f} ({base['epochs']:.0f} epochs, "
        f"{base['minutes']:.1f} minutes), the paired interval is **clear of zero** for: "
        f"{', '.join(told) or 'none'}. **No finding** at this budget: {unclear}."
    )


def ablation_table(
    model: str, variants: Sequence[Variant], results: Path = RESULTS, by: Yardstick = SEGMENTATION
) -> pd.DataFrame:
    """The validation score of each stored variant, and its paired difference from the base.

    Returns:
        run, label, group, value, low, high, difference, difference_low, difference_high, p (and
        what else the yardstick tells), epochs, minutes.
    """
    tables = {v.run: read_counts(by.file(model, v.run, results)) for v in variants}
    rows = []
    for variant in variants:
        history = pd.read_csv(results / "history" / "ablation" / f"{model}-{variant.run}.csv")
        rows.append(
            {
                "run": variant.run,
                "label": variant.label,
                "group": variant.group,
                **by.compare(tables[variant.run], tables["base"]),
                "epochs": len(history),
                "minutes": history["seconds"].sum() / 60,
            }
        )
    return pd.DataFrame(rows)
