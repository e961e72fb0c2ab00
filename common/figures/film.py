"""What clicks do to a photo: film strips of masks that follow them, and the maps a network reads.

A click on the pet is a green disk with a plus, one on what is not the pet a red square with a
minus: neither needs its colour to be told from the other.
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from common.figures.maps import overlay
from common.figures.sheet import frame, new_sheet, place, room
from common.figures.style import CLASS_COLOURS, require_some, styled
from common.wording import CLICK_COLOURS

MARKS = {
    True: ("o", "+", CLICK_COLOURS[True]),
    False: ("s", "_", CLICK_COLOURS[False]),
}  # shape, sign, colour
Point = tuple[float, float, bool]  # x and y in pixels, and whether it is the pet


@styled
def film_strip(films: Sequence[Mapping], *, note: str = "") -> Figure:
    """Photos with the mask after some numbers of clicks, a row a photo.

    Args:
        films: each with image (H, W, 3) uint8, credit, and frames, as many in each: clicks (their
            number), mask (H, W) uint8 of classes, points [(x, y, positive)] and iou or None.
        note: model and what the classes' colours mean, written above.
    """
    require_some(films, "film strip")
    shapes = [film["image"].shape[0] / film["image"].shape[1] for film in films]
    colours = {name: CLASS_COLOURS[name] for name in ("cat", "dog")}
    legend = {**colours, "click on the pet": _handle(True), "not the pet": _handle(False)}
    columns = max(len(film["frames"]) for film in films)
    below = room(film["credit"] for film in films)
    figure, cells = new_sheet(shapes, columns, above=0.56, below=below, note=note, legend=legend)
    for row, film in zip(cells, films, strict=True):
        for axes, shot in zip(row, film["frames"], strict=False):
            credit = film["credit"] if axes is row[0] else ""
            place(axes, overlay(film["image"], shot["mask"]), _title(shot), credit)
            draw_points(axes, shot["points"])
    return figure


@styled
def first_clicks(films: Sequence[Mapping]) -> Figure:
    """Two photos a row, each with its clicks and then with the mask that they brought.

    Args:
        films: as `film_strip` takes them; each one's last frame is drawn.
    """
    require_some(films, "first clicks")
    pairs = [films[at : at + 2] for at in range(0, len(films), 2)]
    shapes = [max(film["image"].shape[0] / film["image"].shape[1] for film in p) for p in pairs]
    credits = ["; ".join(dict.fromkeys(film["credit"] for film in pair)) for pair in pairs]
    figure, cells = new_sheet(shapes, 4, above=0.36, below=room(credits))
    for row, pair, credit in zip(cells, pairs, credits, strict=True):
        for at, film in enumerate(pair):
            shot = film["frames"][-1]
            clicked = f"{shot['clicks']} clicks" if shot["clicks"] > 1 else "a click"
            place(row[2 * at], film["image"], clicked, "" if at else credit)
            place(row[2 * at + 1], overlay(film["image"], shot["mask"]), "and the mask")
            draw_points(row[2 * at], shot["points"], 9)
    return figure


def _title(shot: Mapping) -> str:
    count = shot["clicks"]
    clicks = f"{count} click{'s' * (count > 1)}" if count else "no click"
    return clicks if shot["iou"] is None else f"{clicks}\nIoU {shot['iou']:.3f}"


def draw_points(axes: Axes, points: Iterable[Point], size: float = 7) -> None:
    """Clicks on a photo that is shown; a pixel's middle is half a step from its corner."""
    for x, y, positive in points:
        shape, sign, colour = MARKS[bool(positive)]
        edge = {"markeredgecolor": "white", "markeredgewidth": 0.8}
        axes.plot(x, y, marker=shape, markersize=size, color=colour, **edge)
        axes.plot(x, y, marker=sign, markersize=0.6 * size, color="white", markeredgewidth=1.4)


def _handle(positive: bool) -> tuple[Line2D, Line2D]:
    """A mark for the legend: the shape, and its sign on it."""
    shape, sign, colour = MARKS[positive]
    look = {"linestyle": "none", "color": colour}
    return (
        Line2D([], [], marker=shape, markersize=10, **look),
        Line2D([], [], marker=sign, markersize=6, **{**look, "color": "white"}, mew=1.6),
    )


@styled
def prompt_maps(
    image: np.ndarray, points: Sequence[Point], maps: Mapping[str, np.ndarray], *, note: str = ""
) -> Figure:
    """What a network gets to read of some clicks, beside the photo they were made on.

    Args:
        image: (H, W, 3) uint8.
        points: the clicks, in its pixels.
        maps: by title, each (3, h, w) in [0, 1]: clicks on the pet, the others, and the mask of
            before.
        note: written above.
    """
    require_some(maps, "prompt maps")
    shape = image.shape[0] / image.shape[1]
    inks = (MARKS[True][2], MARKS[False][2], CLASS_COLOURS["background"])
    legend = dict(zip(("clicks on the pet", "others", "mask before"), inks, strict=True))
    figure, cells = new_sheet([shape], 1 + len(maps), note=note, legend=legend)
    place(cells[0, 0], image, "photo and clicks")
    draw_points(cells[0, 0], points)
    for axes, (title, prompt) in zip(cells[0, 1:], maps.items(), strict=True):
        extent = (0, 1, 0, shape)
        place(axes, _painted(prompt, inks), title, extent=extent)
        frame(axes)
    return figure


def _painted(prompt: np.ndarray, colours: Iterable[str]) -> np.ndarray:
    """Maps (3, h, w) in [0, 1] as inks on white paper, the mask below the clicks: (h, w, 3)."""
    paper = np.ones((*prompt.shape[1:], 3))
    for strength, colour in reversed([*zip(prompt, colours, strict=True)]):
        paper += strength[..., None] * (np.array(to_rgb(colour)) - paper)
    return (255 * paper).round().astype(np.uint8)
