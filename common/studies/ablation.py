"""Take one claim away at a time, train each variant on an equal budget, compare on validation.

What is measured is a `Yardstick`'s business: here classes of pixels, in `studies.clicking` clicks.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pandas as pd

from common.config import RESULTS
from common.data.cache import PetCache
from common.data.dataset import prepare, resolve_root
from common.files import artifact, full_key, read_table
from common.models.weights import MissingWeights
from common.scoring.photos import evaluate
from common.scoring.scores import bootstrap, paired_difference
from common.studies.variants import Variant
from common.training.contracts import Score
from common.training.finished import Run
from common.training.frozen import on_features
from common.training.runs import Training
from common.training.trainer import TrainConfig
from common.training.validation import quick_scores

VERSION = 1  # raise it when variants are trained or measured in another way
LOCAL = "local/checkpoints"  # an ablation's weights are not committed, its counts are


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
        views: of `on_features`: what decoders of frozen encoders learn from; 0: photos.
    """
    root = resolve_root(root)
    for variant in variants:
        cache = prepare(root, size=size, fit=variant.fit)
        name, budget = f"ablation/{model}-{variant.run}", replace(config, **variant.training)
        file = by.file(model, variant.run, results)
        plain = Training(name, model, variant.model, budget, by.chooses, folder=LOCAL)
        try:
            training = on_features(plain, cache, views, results)
            key = {"training": training.key(cache, results), "data": cache.info["data"], **by.how}
        except MissingWeights as error:
            if not file.is_file():
                raise
            print(f"{name} stays as it is stored: {error}", flush=True)
            continue

        def measure(training: Training = training, cache: PetCache = cache) -> pd.DataFrame:
            table = by.measure(training.run_or_load(cache, results), root)
            table.attrs = {"model": training.name, "split": "val"}
            return table

        artifact(file, measure, key=full_key(by.measure, key))


def ablation_table(
    model: str, variants: Sequence[Variant], results: Path = RESULTS, by: Yardstick = SEGMENTATION
) -> pd.DataFrame:
    """The validation score of each stored variant, and its paired difference from the base.

    Returns:
        run, label, group, value, low, high, difference, difference_low, difference_high, p (and
        what else the yardstick tells), epochs, minutes; no row while there is no base.
    """
    files = {v.run: by.file(model, v.run, results) for v in variants}
    tables = {run: read_table(file) for run, file in files.items() if file.is_file()}
    rows = []
    for variant in variants if "base" in tables else ():
        if variant.run not in tables:
            continue
        about = {"run": variant.run, "label": variant.label, "group": variant.group}
        told = by.compare(tables[variant.run], tables["base"])
        rows.append({**about, **told, **spent(model, variant.run, results)})
    return pd.DataFrame(rows)


def spent(model: str, run: str, results: Path) -> dict[str, float]:
    """How many epochs and minutes a variant was trained."""
    history = pd.read_csv(results / "history" / "ablation" / f"{model}-{run}.csv")
    return {"epochs": len(history), "minutes": history["seconds"].sum() / 60}


def stored_counts(model: str, run: str, results: Path = RESULTS) -> pd.DataFrame:
    """The stored counts of one variant, for differences that the ablation's base is not in."""
    return read_table(SEGMENTATION.file(model, run, results))


def in_words(table: pd.DataFrame, seeds: float = 0.0) -> str:
    """What an ablation table says: which differences are clear of zero, and which are not.

    Args:
        table: of `ablation_table`, one seed a row.
        seeds: how far seeds of one recipe lie apart (`verdicts.seed_range`); 0: nobody knows.
    """
    rows = table[table["run"] != "base"].sort_values("difference")
    clear = (rows["difference_high"] < 0) | (rows["difference_low"] > 0)
    told = [f"{row.label} {row.difference:+.3f}" for row in rows[clear].itertuples()]
    open_ = [f"{row.label} {row.difference:+.3f}" for row in rows[~clear].itertuples()]
    base = table.set_index("run").loc["base"]
    unclear = ", ".join(open_) or "none"
    beyond = [row.label for row in rows[clear].itertuples() if abs(row.difference) > seeds]
    apart = (
        f" Seeds of one recipe lie up to {seeds:.3f} apart, and one seed stands behind each row:"
        f" larger than that: {', '.join(beyond) or 'none'}."
    )
    return (
        f"From a base of {base['value']:.3f} ({base['epochs']:.0f} epochs, "
        f"{base['minutes']:.1f} minutes), the paired interval over photos is **clear of zero**"
        f" for: {', '.join(told) or 'none'}. **No finding** at this budget: {unclear}."
        + apart
        * bool(seeds)
    )
