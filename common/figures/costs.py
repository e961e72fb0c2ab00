"""What models cost: speed beside a well-known network; accuracy against weights, time, photos."""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import (
    FuncFormatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    NullLocator,
    StrMethodFormatter,
)

from common.figures import style
from common.wording import label, model_colour

RIVAL = "smp_unet_resnet34"
SPEEDS = {"training": "train", "inference": "infer"}
PANELS = {  # quantity of `common.benchmark` (and of `common.studies.comparison.costs`): its axis
    "params": "weights",
    "madds": "multiply-adds a photo",
    "minutes": "minutes of training",
    "ms_photo": "milliseconds a photo",
}
NARROW = 6  # times the least cost; below it decades say nothing, and the axis is linear
MARKS = {"linear": "v", "point": "s", "seg": "o", "query": "o"}  # by a part of the model's name
ROW = 0.3  # inches


@style.styled
def speeds(table: pd.DataFrame, *, size: int = 128, note: str = "") -> Figure:
    """Photos a second in training and in inference, and how many times the rival's that is.

    Args:
        table: of `common.benchmark`: model, quantity, value, low, high. Drawn are
            ``train_photos_per_second_128`` and ``infer_…``, with ``train_ratio_128`` and
            ``infer_ratio_128`` where they were measured.
        size: the size in pixels, the same for all models.
        note: batch, runs and processor, written above.
    """
    style.require(table, ("model", "quantity", "value", "low", "high"), "speed of the models")
    of = {quantity: rows.set_index("model") for quantity, rows in table.groupby("quantity")}
    shown = {t: of.get(f"{k}_photos_per_second_{size}", table[:0]) for t, k in SPEEDS.items()}
    style.require_some(shown["training"], f"speed of the models at {size} px")
    models = shown["training"].sort_values("value", ascending=False).index
    figure = style.new_figure(1.2 + ROW * len(models))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (title, kind) in zip(panels, SPEEDS.items(), strict=True):
        ratios = of.get(f"{kind}_ratio_{size}", table[:0])["value"]
        _speeds(axes, shown[title].loc[models], ratios)
        axes.set_xlabel(f"{title}, photos/s (log)")
    panels[0].set_yticks(range(len(models)), map(label, models))
    panels[0].set_ylim(len(models) - 0.4, -0.6)
    return style.head(figure, note)


def _speeds(axes: Axes, rows: pd.DataFrame, ratios: pd.Series) -> None:
    """Dots with the range of the runs, on a logarithmic axis; values and ratios beside it."""
    texts = []
    for place, (name, row) in enumerate(rows.iterrows()):
        mark, colour = ("s", style.SOFT) if name == RIVAL else ("o", model_colour(name))
        axes.plot([row["low"], row["high"]], [place, place], color=colour)
        axes.plot(row["value"], place, mark, color=colour, markersize=6.5)
        ratio = f"  × {ratios[name]:.1f}" if name in ratios and name != RIVAL else ""
        texts.append(f"{row['value']:,.0f}{ratio}")
    if RIVAL in rows.index:
        axes.axvline(
            rows.at[RIVAL, "value"], color=style.SOFT, linestyle=":", linewidth=1.4, zorder=0
        )
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=5))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    style.beside(axes, range(len(rows)), texts)
    style.plain(axes)


@style.styled
def tradeoff(scores: pd.DataFrame, costs: pd.DataFrame, *, note: str = "") -> Figure:
    """mIoU with its interval against each cost that was measured; far costs on a log axis.

    The axis of the score is stretched towards 1.

    Args:
        scores: model, value, low, high.
        costs: model, quantity (of `PANELS`; others are passed over), value.
        note: data, n and processor, written above.
    """
    style.require(scores, ("model", "value", "low", "high"), "accuracy against cost")
    style.require(costs, ("model", "quantity", "value"), "accuracy against cost")
    both = costs[costs["quantity"].isin(PANELS) & (costs["value"] > 0)]
    both = scores.merge(both, on="model", suffixes=("", "_cost"))  # in the order of the scores
    style.require_some(both, "accuracy against cost")
    shown = [quantity for quantity in PANELS if (both["quantity"] == quantity).any()]
    lines = -(-len(shown) // 2)
    figure = style.new_figure(0.7 + 2.6 * lines + 0.22 * -(-len(scores) // 3))
    cells = figure.subplots(lines, min(2, len(shown)), sharey=True, squeeze=False)
    for axes, quantity in zip(cells.flat, shown, strict=False):
        wide = _panel(axes, both[both["quantity"] == quantity])
        axes.set_xlabel(f"{PANELS[quantity]} (log)" if wide else PANELS[quantity])
    for axes in cells.flat[len(shown) :]:
        axes.set_visible(False)
    style.near_one(cells[0, 0], "y", both[["low", "high"]].to_numpy())
    for axes in cells[:, 0]:
        axes.set_ylabel("mIoU")
    style.key(figure, 3)
    return style.head(figure, note)


def _panel(axes: Axes, rows: pd.DataFrame) -> bool:
    """Draw the models; whether the costs are so far apart that the axis is logarithmic."""
    for name, row in rows.groupby("model", sort=False):
        colour, mark = (
            model_colour(name),
            next((m for part, m in MARKS.items() if part in name), "D"),
        )
        look = {"color": colour, "fmt": mark, "markersize": 7, "label": label(name)}
        look |= {"markerfacecolor": "white" if name.endswith("linear") else colour}
        axes.errorbar(row["value_cost"], row["value"], yerr=style.reach(row), **look)
    wide = bool(rows["value_cost"].max() > NARROW * rows["value_cost"].min())
    axes.set_xscale("log" if wide else "linear")
    axes.margins(x=0.12)
    if not wide:
        axes.set_xlim(left=0)
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 3), numticks=6) if wide else MaxNLocator(4))
    axes.xaxis.set_major_formatter(FuncFormatter(_short))
    axes.xaxis.set_minor_formatter(NullFormatter())
    style.plain(axes, "both")
    return wide


def _short(value: float, _: object = None) -> str:
    """1,500,000 -> "1.5 M"."""
    for unit, name in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= unit:
            return f"{value / unit:g}{name}"
    return f"{value:g}"


@style.styled
def data_efficiency(table: pd.DataFrame, *, note: str = "") -> Figure:
    """mIoU against the share of the training photos, a line a model, with 95 % intervals.

    Args:
        table: of `common.studies.learning.learning_table`; every run is drawn, and the line joins
            the means of a share's seeds.
        note: data, n and budget, written above.
    """
    style.require(table, ("model", "share", "seed", "miou", "low", "high"), "data efficiency")
    runs = table.sort_values(["share", "seed"])
    figure = style.new_figure(4.0)
    axes = figure.subplots()
    for number, (name, rows) in enumerate(runs.groupby("model", sort=False)):
        look = {"color": model_colour(name), "label": label(name)}
        away = style.reach(rows.assign(value=rows["miou"]))
        mark = style.MARKERS[number % 5]
        axes.errorbar(rows["share"], rows["miou"], yerr=away, fmt=mark, capsize=3, **look)
        axes.plot(rows.groupby("share")["miou"].mean(), color=look["color"])
    axes.set_xscale("log")
    axes.set_xticks(sorted(runs["share"].unique()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{share:.0%}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set(xlabel="of the training photos (log)", ylabel="validation mIoU")
    style.key(figure, 3)
    style.plain(axes, "both")
    return style.head(figure, note)
