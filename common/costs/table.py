"""The table of costs: from times to quantities, and from the stored file to what a reader sees.

See `common.benchmark` for what the quantities mean.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path

import pandas as pd

from common.config import RESULTS, UserError

COMMON = 128  # px, where all models are compared
RIVAL = "smp_unet_resnet34"
PER_SECOND = "photos_per_second"
COLUMNS = ["model", "quantity", "value", "low", "high", "unit", "runs", "size", "processor"]
UNITS = {
    "params": "weights",
    "madds": "multiply-adds",
    "ms": "ms",
    "peak": "MB",
    "minutes": "minutes",
}
NO_MODELS = ("data_pipeline", "report")  # are timed, too
SHOWN = {  # column of the reader's table: quantity, factor, how it is written
    "px": ("px", 1, "{:.0f}"),
    "weights trained, M": ("params_trained", 1e-6, "{:.2f}"),
    "frozen, M": ("params_frozen", 1e-6, "{:.2f}"),
    "multiply-adds, G": ("madds", 1e-9, "{:.2f}"),
    "training, photos/s": ("train_photos_per_second", 1, "{:.0f}"),
    "× SMP": ("train_ratio", 1, "{:.1f}"),
    "inference, photos/s": ("infer_photos_per_second", 1, "{:.0f}"),
    "× SMP ": ("infer_ratio", 1, "{:.1f}"),
    "a photo, ms": ("ms_photo", 1, "{:.0f}"),
    "a click, ms": ("ms_click_p50", 1, "{:.0f}"),
    "training memory, MB": ("peak_memory_mb", 1, "{:,.0f}"),
}


def with_ratios(values: pd.DataFrame) -> pd.DataFrame:
    """Add each speed as a multiple of the rival's at that size in that run.

    Args:
        values: model, quantity, size (px at which it was timed), run, value.

    Returns:
        The same columns; a ``…_photos_per_second`` of a model brings a ``…_ratio``.
    """
    speeds = values[values["quantity"].str.endswith(PER_SECOND)]
    keys = ["quantity", "size", "run"]
    base = speeds[speeds["model"] == RIVAL].set_index(keys)["value"].rename("base")
    pairs = speeds.join(base, on=keys).dropna(subset="base")
    name = pairs["quantity"].str.replace(PER_SECOND, "ratio")
    ratios = pairs.assign(quantity=name, value=pairs["value"] / pairs["base"])
    return pd.concat([values, ratios.drop(columns="base")], ignore_index=True)


def summary(values: pd.DataFrame, own: Mapping[str, int], processor: str) -> pd.DataFrame:
    """Median, least and largest of the runs: one row a model and quantity, as `COLUMNS`.

    Args:
        values: model, quantity, size, run, value.
        own: the size that each of our models is used at. What is timed at the common size is
            named so; the rival at another is named by it.
    """
    groups = values.groupby(["model", "quantity", "size"], sort=False)["value"]
    table = groups.agg(value="median", low="min", high="max", runs="count").reset_index()
    speed = table["quantity"].str.fullmatch(f"(?:train|infer)_(?:{PER_SECOND}|ratio)")
    common = table[speed & (table["size"] == COMMON)]
    common = common.assign(quantity=common["quantity"] + f"_{COMMON}")
    home = table["model"].map(own).fillna(table["size"])
    table = pd.concat([table[table["size"] == home], common], ignore_index=True)
    elsewhere = (table["model"] == RIVAL) & (table["size"] != COMMON)
    named = table["model"] + "_" + table["size"].astype(str)
    units = [UNITS.get(name.split("_")[0], _unit(name)) for name in table["quantity"]]
    table = table.assign(
        model=table["model"].mask(elsewhere, named), unit=units, processor=processor
    )
    return table[COLUMNS].sort_values("model", kind="stable", key=_order).reset_index(drop=True)


def _unit(quantity: str) -> str:
    return "ratio" if "ratio" in quantity else "photos/s"


def _order(models: pd.Series) -> pd.Series:
    """The order of first appearance."""
    return models.map({name: place for place, name in enumerate(models.unique())})


def read_cost(file: Path = RESULTS / "benchmark.csv") -> pd.DataFrame:
    """The stored table: rows of `COLUMNS`."""
    if not file.is_file():
        raise UserError(f"{file}: no such table; run python -m common.benchmark")
    return pd.read_csv(file)


def cost_table(table: pd.DataFrame) -> pd.DataFrame:
    """A row a model, a column a cost (`SHOWN`), at the models' own sizes; numbers as text."""
    table = table[~table["model"].isin(NO_MODELS)]
    sizes = table.groupby("model", sort=False)["size"].first()
    wide = table.pivot(index="model", columns="quantity", values="value").loc[sizes.index]
    wide = wide.assign(px=sizes).reindex(columns=[name for name, *_ in SHOWN.values()])
    shown = {
        title: (wide[quantity] * share).map(form.format, na_action="ignore")
        for title, (quantity, share, form) in SHOWN.items()
    }
    return pd.DataFrame(shown).fillna("")


def feeding(table: pd.DataFrame) -> pd.DataFrame:
    """How many times over the data pipeline feeds the fastest training; no row if not timed.

    Returns:
        A row a kind of photo (as stored, augmented) with its photos a second, and these as
        multiples of two trainings, by model: the fastest that this project gives augmented photos,
        and the fastest there is, a head on a frozen encoder, were its features not kept.
    """
    value = table.pivot(index="model", columns="quantity", values="value")
    if "data_pipeline" not in value.index:
        return pd.DataFrame()
    fed = value.loc["data_pipeline"]
    ours = value[~value.index.str.startswith(RIVAL)]
    speed = ours[f"train_{PER_SECOND}_{COMMON}"].dropna()
    rivals = [speed[ours["params_frozen"] == 0], speed]
    rows = {kind: fed[f"{PER_SECOND}_{kind}"] for kind in ("stored", "augmented")}
    return pd.DataFrame(
        [
            {"photos": kind, "photos/s": rate, **{f.idxmax(): rate / f.max() for f in rivals}}
            for kind, rate in rows.items()
        ]
    )


def quickest(table: pd.DataFrame, names: Iterable[str], quantity: str = "ms_photo") -> list[str]:
    """Of the models, the one that takes least and all whose range of runs reaches its own.

    Args:
        table: of `read_cost`.
        names: models to choose among; those that were not measured are passed over.
        quantity: one where less is better.
    """
    rows = table[(table["quantity"] == quantity) & table["model"].isin(list(names))]
    rows = rows.sort_values("value")
    return rows.loc[rows["low"] <= rows["high"].iloc[0], "model"].to_list() if len(rows) else []


def of_equals(table: pd.DataFrame, quantity: str = "infer_photos_per_second") -> float:
    """How many times over networks of equal multiply-adds, so of equal kind, differ in a speed."""
    wide = table.pivot_table(index=["model", "size"], columns="quantity", values="value")
    alike = wide.reset_index().groupby(["madds", "size"])[quantity]
    return float((alike.max() / alike.min()).max())
