"""What notebook 01 decides by measuring: which pairs are copies, which fit, which loader."""

import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, StrMethodFormatter

from common.figures import style
from common.figures.intervals import draw_intervals

FITS = (style.VIOLET, style.RUST, style.INK, style.SOFT)
BARS = (style.SOFT, "#097242", style.VIOLET, style.RUST)


@style.styled
def duplicates(histogram: pd.DataFrame, threshold: int) -> Figure:
    """How many pairs of photos of two splits differ by so many bits of their perceptual hash.

    Args:
        histogram: bits (0 to 64), pairs.
        threshold: up to so many bits a pair counts as one picture.
    """
    style.require(histogram, ("bits", "pairs"), "near-duplicates")
    figure = style.new_figure(3.2)
    axes = figure.subplots()
    near = histogram["bits"] <= threshold
    colours = near.map({True: style.RUST, False: style.SOFT})
    axes.bar(histogram["bits"], histogram["pairs"], width=0.8, color=colours)
    axes.axvline(threshold + 0.5, color=style.INK, linestyle="--", linewidth=1.2)
    right = max(threshold, histogram["bits"].max()) + 0.7
    axes.set(yscale="log", ylim=(0.7, 3 * max(2, histogram["pairs"].max())), xlim=(-0.7, right))
    pairs = int(histogram["pairs"][near].sum())
    text = f"one picture: {pairs:,} pair{'s' * (pairs != 1)}\nwithin {threshold} bits"
    shift, align = (-6, "right") if threshold > right / 2 else (6, "left")
    where = {"xycoords": ("data", "axes fraction"), "textcoords": "offset points"}
    axes.annotate(text, (threshold + 0.5, 0.98), (shift, 0), va="top", ha=align, **where)
    axes.set(xlabel="bits of 64 that differ", ylabel="pairs across splits (log)")
    style.plain(axes, "y")
    return style.head(figure, f"{int(histogram['pairs'].sum()):,} pairs of photos from two splits")


@style.styled
def fit_choice(table: pd.DataFrame, *, note: str = "") -> Figure:
    """Two ways to bring a photo to the square, by score and size, with their intervals.

    Args:
        table: fit, size (pixels), score (a readable name), value, low, high.
        note: data, split and n, written above.
    """
    style.require(table, ("fit", "size", "score", "value", "low", "high"), "choice of the fit")
    colours = dict(zip(table["fit"].unique(), FITS, strict=False))
    by_score = dict(list(table.groupby("score", sort=False)))
    heights = [0.75 + 0.32 * len(rows) for rows in by_score.values()]
    figure = style.new_figure(0.6 + sum(heights))
    panels = figure.subplots(len(by_score), 1, height_ratios=heights, squeeze=False)[:, 0]
    for axes, (score, rows) in zip(panels, by_score.items(), strict=True):
        rows = rows.sort_values("size", kind="stable").reset_index(drop=True)
        y, inks = rows.index.to_numpy(float), [colours[fit] for fit in rows["fit"]]
        draw_intervals(axes, y, rows[["value", "low", "high"]], inks, form="{:.4f}")
        axes.set_yticks(y, [f"{row.fit}, {row.size} px" for row in rows.itertuples(name="Fit")])
        axes.set(ylim=(len(rows) - 0.4, -0.6), xlabel=score)
        axes.margins(x=0.18)
        axes.xaxis.set_major_locator(MaxNLocator(4, steps=style.STEPS))
        style.plain(axes)
    return style.head(figure, note)


@style.styled
def loader_speed(table: pd.DataFrame, *, note: str = "") -> Figure:
    """Photos a second that reach the model: bars are medians, dots are single runs.

    Args:
        table: source, augment, workers, run, photos_per_second; sources in order of appearance.
        note: photos, size and processor, written above.
    """
    columns = ("source", "augment", "workers", "run", "photos_per_second")
    style.require(table, columns, "speed of the loader")
    rows = table.assign(condition=list(map(_condition, table["augment"], table["workers"])))
    sources = list(rows["source"].unique())
    figure = style.new_figure(1.2 + rows["condition"].nunique() * (0.4 + 0.3 * len(sources)))
    axes = figure.subplots()
    how = {"data": rows, "x": "photos_per_second", "y": "condition", "hue": "source", "ax": axes}
    bars = dict(zip(sources, BARS, strict=False))
    sns.barplot(**how, estimator="median", errorbar=None, palette=bars, saturation=1)
    dots = {"palette": dict.fromkeys(sources, "white"), "edgecolor": style.INK, "linewidth": 0.8}
    sns.stripplot(**how, dodge=True, jitter=False, size=4.5, legend=False, **dots)
    runs = rows.groupby(["source", "condition"])["photos_per_second"].agg(["median", "max"])
    for bars_of, source in zip(axes.containers, sources, strict=False):
        for bar, condition in zip(bars_of, rows["condition"].unique(), strict=False):
            middle, furthest = runs.loc[(source, condition)]
            ratio = middle / runs.at[(sources[0], condition), "median"]
            text = f"{middle:,.0f}" + (f"  (× {ratio:.1f})" if source != sources[0] else "")
            at = (furthest, bar.get_y() + bar.get_height() / 2)
            axes.annotate(text, at, (9, 0), textcoords="offset points", va="center")
    axes.set(xlabel="photos a second", ylabel="")
    axes.set_xlim(0, 1.3 * table["photos_per_second"].max())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.get_legend().remove()
    style.key(figure, len(sources))
    style.plain(axes)
    return style.head(figure, note)


def _condition(augment: object, workers: object) -> str:
    names = {"True": "augmented", "False": "as stored", "none": "not augmented"}
    recipe = names.get(str(augment), f"{augment} augmentation")
    return f"{recipe},\n{workers} worker{'s' * (workers != 1)}"
