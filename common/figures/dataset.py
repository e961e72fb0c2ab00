"""Who is in the dataset: breeds and splits, how much of a photo is pet, and its shape."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, PercentFormatter, StrMethodFormatter

from common.figures import style

STRENGTH = {"train": 1.0, "val": 0.7, "test": 0.4, "leak": 0.12}  # of the colour of a split
SPLITS = {"leak": "left out (copies)", "val": "validation"}
SHARES = ("background", "cat", "dog", "border")
RATIOS = {"3:2": 1.5, "4:3": 4 / 3, "1:1": 1.0, "3:4": 0.75, "2:3": 2 / 3}  # width : height
COUNT = StrMethodFormatter("{x:,.0f}")


@style.styled
def class_counts(photos: pd.DataFrame) -> Figure:
    """Photos of each breed and split, and of each species and split.

    Args:
        photos: a row a photo: breed, species (1 cat, 2 dog), split (train, val, test; leak marks
            a copy of a held-out photo, which is left out of training).
    """
    style.require(photos, ("breed", "species", "split"), "photos per breed")
    by_split = photos.groupby(["split", "species"]).size().unstack(fill_value=0)
    by_split = by_split.reindex(columns=list(style.SPECIES), fill_value=0)
    by_split = by_split.loc[[split for split in STRENGTH if split in by_split.index]]
    by_breed = photos.groupby(["species", "breed", "split"]).size().unstack(fill_value=0)
    by_breed = by_breed.assign(n=by_breed.sum(axis=1)).reset_index()
    by_breed = by_breed.sort_values(["species", "n", "breed"], ascending=[True, False, True])
    heights = [0.33 * len(by_split) + 0.3, 0.21 * len(by_breed) + 0.5]
    figure = style.new_figure(1.1 + sum(heights))
    top, main = figure.subplots(2, 1, height_ratios=heights)
    _species_by_split(top, by_split)
    _breeds(main, by_breed, list(by_split.index))
    cats, dogs = by_split.sum()
    breeds = f"{len(photos):,} photos of {photos['breed'].nunique()} breeds"
    return style.head(figure, f"{breeds}: {cats:,} cats, {dogs:,} dogs")


def _species_by_split(axes: Axes, counts: pd.DataFrame) -> None:
    for row, (split, by_species) in enumerate(counts.iterrows()):
        left, told = 0, []
        for species, name in style.SPECIES.items():
            n = int(by_species[species])
            colour = style.tint(style.CLASS_COLOURS[name], STRENGTH[split])
            axes.barh(row, n, left=left, color=colour, edgecolor="white", height=0.8)
            left += n
            if n > 0.1 * counts.to_numpy().sum():
                ink = "white" if name == "dog" and STRENGTH[split] > 0.5 else style.INK
                axes.text(left - n / 2, row, f"{n:,} {name}s", color=ink, ha="center", va="center")
            else:
                told.append(f"{n:,} {name}s")
        more = f" ({', '.join(told)})" if told else ""
        axes.text(left, row, f"  {left:,}{more}", color=style.SOFT, va="center")
    axes.set_yticks(range(len(counts)), [SPLITS.get(split, split) for split in counts.index])
    axes.set(ylim=(len(counts) - 0.5, -0.5), xticks=[], title="Photos per split")
    axes.margins(x=0.12)
    axes.spines["bottom"].set_visible(False)
    axes.tick_params(axis="y", length=0)


def _breeds(axes: Axes, table: pd.DataFrame, splits: list[str]) -> None:
    # a gap of one row parts the dogs from the cats
    both = table["species"].nunique() > 1
    rows = np.arange(len(table)) + both * (table["species"] == 2).to_numpy()
    left = np.zeros(len(table))
    for split in splits:
        colours = [
            style.tint(style.CLASS_COLOURS[style.SPECIES[s]], STRENGTH[split])
            for s in table["species"]
        ]
        axes.barh(rows, table[split], left=left, color=colours, height=0.78)
        left += table[split].to_numpy()
    axes.set_yticks(rows, table["breed"])
    axes.set(ylim=(rows.max() + 0.7, -0.7), xlabel="photos", title="Photos per breed, same shades")
    style.plain(axes)


@style.styled
def pixel_shares(photos: pd.DataFrame) -> Figure:
    """What pixels are on average (above), and how much of a photo its pet covers (below).

    Args:
        photos: a row a photo: species and share_background, share_cat, share_dog, share_border,
            which add up to 1.
    """
    columns = [f"share_{name}" for name in SHARES]
    style.require(photos, ("species", *columns), "pixel shares")
    figure = style.new_figure(4.6)
    top, bottom = figure.subplots(2, 1, height_ratios=[1, 3.4])
    _stacked(top, photos[columns].mean())
    top.set_title(f"Mean over {len(photos):,} photos")
    pet = pd.DataFrame(
        {"share": photos["share_cat"] + photos["share_dog"], "species": photos["species"]}
    ).replace({"species": style.SPECIES})
    found = dict(list(pet.groupby("species")["share"]))
    names = {n: f"{len(s):,} {n}s, median {s.median():.0%}" for n, s in found.items()}
    sns.histplot(
        pet.assign(species=pet["species"].map(names)),
        x="share",
        hue="species",
        hue_order=[names[name] for name in style.SPECIES.values() if name in names],
        palette={names[name]: style.CLASS_COLOURS[name] for name in found},
        bins=np.linspace(0, 1, 26),
        stat="proportion",
        common_norm=False,
        element="step",
        alpha=0.4,
        ax=bottom,
    )
    for name, share in found.items():
        bottom.axvline(share.median(), color=style.CLASS_COLOURS[name], linestyle="--")
    bottom.set(xlim=(0, 1), xlabel="share of the photo that is pet", ylabel="share of photos")
    for axis in (bottom.xaxis, bottom.yaxis):
        axis.set_major_formatter(PercentFormatter(1, decimals=0))
    style.plain(bottom, "y")
    sns.move_legend(bottom, "upper right", title=None)
    return figure


def _stacked(axes: Axes, share: pd.Series) -> None:
    left = 0.0
    for name, width in zip(SHARES, share, strict=True):
        colour = style.CLASS_COLOURS[name]
        axes.barh(0, width, left=left, color=colour, edgecolor="white", height=0.8)
        text, ink = f"{name}\n{width:.1%}", "white" if name == "dog" else style.INK
        axes.text(left + width / 2, 0, text, ha="center", va="center", color=ink)
        left += width
    axes.set(xlim=(0, 1), ylim=(-0.4, 0.4))
    style.bare(axes)


@style.styled
def photo_sizes(photos: pd.DataFrame) -> Figure:
    """Width and height of the photos (left), and their aspect ratio (right).

    Args:
        photos: a row a photo: height, width in pixels.
    """
    style.require(photos, ("height", "width"), "photo sizes")
    figure = style.new_figure(4.6)
    left, right = figure.subplots(1, 2, width_ratios=[1.5, 1])
    edge = 1.04 * max(photos["width"].max(), photos["height"].max())
    look = {"cmap": "viridis_r", "norm": LogNorm(vmin=1), "linewidths": 0.2, "mincnt": 1}
    where = {"gridsize": 36, "extent": (0, edge, 0, edge)}
    drawn = left.hexbin(photos["width"], photos["height"], **where, **look)
    bar = {"location": "bottom", "shrink": 0.9, "aspect": 30, "format": COUNT}
    figure.colorbar(drawn, ax=left, label="photos", **bar)
    _ratio_lines(left, edge)
    left.set(xlim=(0, edge), ylim=(0, edge), aspect="equal")
    left.set(xlabel="width (pixels)", ylabel="height (pixels)")
    _aspects(right, photos["width"] / photos["height"])
    return style.head(figure, f"{len(photos):,} photos, sizes as stored")


def _ratio_lines(axes: Axes, edge: float) -> None:
    for name, ratio in RATIOS.items():
        x, y = (edge, edge / ratio) if ratio >= 1 else (edge * ratio, edge)
        axes.plot([0, x], [0, y], color=style.SOFT, linewidth=0.7, linestyle=":")
        if ratio >= 1:
            look = {"xytext": (3, 0), "ha": "left", "va": "center"}
        else:
            look = {"xytext": (0, 3), "ha": "center", "va": "bottom", "rotation": 90}
        axes.annotate(name, (x, y), textcoords="offset points", fontsize=9.5, **look)


def _aspects(axes: Axes, ratio: pd.Series) -> None:
    axes.hist(ratio, np.geomspace(0.4, 2.5, 34), color=style.SOFT)
    axes.set_xscale("log")
    axes.set_xticks(list(RATIOS.values()), list(RATIOS), rotation=90)
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="x", which="minor", length=0)
    axes.yaxis.set_major_formatter(COUNT)
    outside = int(((ratio < 0.4) | (ratio > 2.5)).sum())
    beyond = f" ({outside} beyond)" if outside else ""
    axes.set(xlabel=f"width : height{beyond}", ylabel="photos")
    style.plain(axes, "y")
