"""What the models cost: how fast they train and answer, beside a well-known network."""

from __future__ import annotations

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from common.figures.style import (
    SOFT,
    beside,
    head,
    label,
    model_colour,
    new_figure,
    plain,
    require,
    require_some,
    styled,
)

RIVAL = "smp_unet_resnet34"
PANELS = {"training": "train", "inference": "infer"}
ROW = 0.3  # inches


@styled
def speeds(table: pd.DataFrame, *, size: int = 128, note: str = "") -> Figure:
    """Photos a second in training and in inference, and how many times the rival's that is.

    Args:
        table: of `common.benchmark`: model, quantity, value, low, high. Drawn are
            ``train_photos_per_second_128`` and ``infer_…``, with ``train_ratio_128`` and
            ``infer_ratio_128`` where they were measured.
        size: the size in pixels, the same for all models.
        note: batch, runs and processor, written above.
    """
    require(table, ("model", "quantity", "value", "low", "high"), "speed of the models")
    frames = {
        title: table[table["quantity"] == f"{kind}_photos_per_second_{size}"].set_index("model")
        for title, kind in PANELS.items()
    }
    models = frames["training"].sort_values("value", ascending=False).index
    require_some(models, f"speed of the models at {size} px")
    figure = new_figure(1.2 + ROW * len(models))
    panels = figure.subplots(1, 2, sharey=True)
    for axes, (title, kind) in zip(panels, PANELS.items(), strict=True):
        ratios = table[table["quantity"] == f"{kind}_ratio_{size}"].set_index("model")["value"]
        _panel(axes, frames[title].loc[models], ratios)
        axes.set_xlabel(f"{title}, photos/s (log)")
    panels[0].set_yticks(range(len(models)), map(label, models))
    panels[0].set_ylim(len(models) - 0.4, -0.6)
    head(figure, note)
    return figure


def _panel(axes: Axes, rows: pd.DataFrame, ratios: pd.Series) -> None:
    """Dots with the range of the runs, on a logarithmic axis; values and ratios beside it."""
    texts = []
    for place, (name, row) in enumerate(rows.iterrows()):
        colour = SOFT if name == RIVAL else model_colour(name)
        axes.plot([row["low"], row["high"]], [place, place], color=colour)
        axes.plot(row["value"], place, "s" if name == RIVAL else "o", color=colour, markersize=6.5)
        ratio = f"  × {ratios[name]:.1f}" if name in ratios and name != RIVAL else ""
        texts.append(f"{row['value']:,.0f}{ratio}")
    if RIVAL in rows.index:
        axes.axvline(rows.at[RIVAL, "value"], color=SOFT, linestyle=":", linewidth=1.4, zorder=0)
    axes.set_xscale("log")
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=5))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    beside(axes, range(len(rows)), texts)
    plain(axes)
