"""Photos with their masks, and what a prediction got right, missed, added or took for the other.

The dataset's photos never reach a committed figure; `silhouettes` and `gallery` show its cases
without them.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

import numpy as np
from matplotlib.figure import Figure

from common.config import CLASSES, IGNORE, UserError
from common.figures.maps import ERRORS, errors, overlay, paint, species_iou
from common.figures.sheet import SMALL, frame, new_sheet, place
from common.figures.style import CLASS_COLOURS, SOFT, require_some, styled
from common.wording import label

ACROSS = 4  # cases in a row


class Shown(Protocol):
    """A photo to show: `common.samples.Sample` is one."""

    name: str
    image: np.ndarray  # (H, W, 3) uint8 RGB
    mask: np.ndarray  # (H, W) uint8 of classes, 255 border
    species: str
    title: str
    credit: str


@styled
def photo_grid(samples: Sequence[Shown]) -> Figure:
    """Each photo beside its mask, two pairs a row, with title and credit."""
    require_some(samples, "sample photos")
    pairs = [samples[at : at + 2] for at in range(0, len(samples), 2)]
    shapes = [max(_shape(sample.image) for sample in pair) for pair in pairs]
    colours = {name: CLASS_COLOURS[name] for name in (*CLASSES, "border")}
    figure, cells = new_sheet(shapes, 4, below=0.42, legend=colours)
    for (left, right), sample in zip(cells.reshape(-1, 2), samples, strict=False):
        place(left, sample.image, sample.title, sample.credit)
        place(right, paint(sample.mask), interpolation="nearest")
    return figure


@styled
def image_grid(
    images: Sequence[np.ndarray],
    titles: Sequence[str],
    columns: int,
    masks: Sequence[np.ndarray] | None = None,
    *,
    note: str = "",
) -> Figure:
    """Small pictures in a grid, as for augmentation.

    Args:
        images: (H, W, 3) uint8 each.
        titles: one an image; all may be empty.
        columns: pictures in a row.
        masks: (H, W) class maps, drawn as outlines.
        note: credits or data, written above.
    """
    require_some(images, "grid of images")
    rows = -(-len(images) // columns)
    above = 0.34 if any(titles) else 0.06
    shape = max(_shape(image) for image in images)
    figure, cells = new_sheet([shape] * rows, columns, above=above, below=0.06, note=note)
    masks = [None] * len(images) if masks is None else masks
    for axes, image, title, mask in zip(cells.flat, images, titles, masks, strict=False):
        place(axes, image if mask is None else overlay(image, mask, alpha=0), title)
    return figure


@styled
def predictions(samples: Sequence[Shown], predicted: Mapping[str, np.ndarray]) -> Figure:
    """Each sample in a row: photo, truth, prediction and errors, with the IoU of its pet.

    Args:
        samples: photos with their true masks.
        predicted: class map (H, W) of each, by the sample's name.

    Raises:
        UserError: no samples, or one without prediction or with one of another size.
    """
    require_some(samples, "predictions")
    for sample in samples:
        if sample.name not in predicted or predicted[sample.name].shape != sample.mask.shape:
            raise UserError(f"predictions: no mask for {sample.name} of the size of its photo")
    shapes = [_shape(sample.image) for sample in samples]
    figure, cells = new_sheet(shapes, 4, above=0.36, below=0.3, legend=ERRORS)
    for row, sample in zip(cells, samples, strict=True):
        guess = predicted[sample.name]
        iou = species_iou(sample.mask, guess)
        place(row[0], sample.image, "photo", sample.credit)
        place(row[1], overlay(sample.image, sample.mask), "truth")
        place(row[2], overlay(sample.image, guess), "prediction")
        place(row[3], errors(sample.mask, guess), f"{sample.species} IoU {iou:.2f}")
        frame(row[3])
    return figure


@styled
def silhouettes(cases: Sequence[Mapping], *, note: str = "") -> Figure:
    """Agreement and error of cases whose photo may not be shown.

    Args:
        cases: each with ``truth`` and ``predicted``, (S, S) class maps (letterbox bars, 255 in
            the prediction, are cut off); ``title``, or ``iou`` to make one; ``group`` such as
            "best", which begins a new row; ``aspect``, width : height of a stretched photo.
        note: data, split and n, written above.
    """
    require_some(cases, "silhouettes")
    groups: dict[str, list] = {}
    for case in cases:
        groups.setdefault(case.get("group", ""), []).append((case, _silhouette(case)))
    lines = [
        found[at : at + ACROSS] for found in groups.values() for at in range(0, len(found), ACROSS)
    ]
    shapes = [min(1.0, max(1 / _aspect(*each) for each in line)) for line in lines]
    figure, cells = new_sheet(shapes, ACROSS, note=note, legend=ERRORS)
    for row, line in zip(cells, lines, strict=True):
        for axes, (case, picture) in zip(row, line, strict=False):
            begin = f"{case['group']}: " if case.get("group") else ""
            title = case.get("title") or f"{begin}IoU {case['iou']:.2f}"
            extent = (0, _aspect(case, picture), 0, 1)
            place(axes, picture, title, extent=extent, interpolation="nearest")
            frame(axes)
    return figure


@styled
def gallery(cases: Sequence[Mapping], *, note: str = "") -> Figure:
    """The same photos under several models, as silhouettes: a photo a row, a model a column.

    Args:
        cases: of `scoring.cases.load_cases`: group (why the photo was chosen), image, model, iou,
            truth and predicted (S, S), photo by photo, every photo under the same models.
        note: data and n, written above.
    """
    require_some(cases, "gallery")
    photos: dict[str, list] = {}
    for case in cases:
        photos.setdefault(str(case["image"]), []).append((case, _silhouette(case)))
    models = list(dict.fromkeys(case["model"] for case in cases))
    if any([case["model"] for case, _ in row] != models for row in photos.values()):
        raise UserError("gallery: not every photo was seen by the same models; make it again")
    shapes = [min(1.2, _shape(row[0][1])) for row in photos.values()]
    figure, cells = new_sheet(shapes, len(models), above=0.52, below=0.2, note=note, legend=ERRORS)
    for line, row in zip(cells, photos.values(), strict=True):
        for axes, (case, picture) in zip(line, row, strict=True):
            place(axes, picture, interpolation="nearest")
            axes.set_title(f"{case['iou']:.2f}", fontsize=11, loc="right", pad=4)
            axes.set_xlabel(label(case["model"]), fontsize=SMALL, color=SOFT, labelpad=3)
            frame(axes)
        where = {"xycoords": "axes fraction", "textcoords": "offset points"}
        line[0].annotate(row[0][0]["group"], (0, 1), (0, 22), fontsize=11, color=SOFT, **where)
    return figure


def _silhouette(case: Mapping) -> np.ndarray:
    """Agreement and errors of a case as colours, the letterbox bars cut off."""
    inside = case["predicted"] != IGNORE
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise UserError("silhouettes: a prediction holds no class at all; predict it again")
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return errors(case["truth"][part], case["predicted"][part])


def _aspect(case: Mapping, picture: np.ndarray) -> float:
    """Width : height of the photo, which may have been stretched to the picture."""
    return case.get("aspect", 1 / _shape(picture))


def _shape(image: np.ndarray) -> float:
    """Height : width."""
    return image.shape[0] / image.shape[1]
