"""The same photos under several models, as silhouettes of agreement and error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from common.config import IGNORE, UserError
from common.figures.maps import ERRORS, errors
from common.figures.sheet import SMALL, frame, new_sheet, place
from common.figures.style import SOFT, label, require_some, styled


@styled
def gallery(cases: Sequence[Mapping], *, note: str = "") -> Figure:
    """A photo a row, a model a column; each row says why it was chosen.

    Args:
        cases: of `scoring.cases.load_cases`: group, image, model, iou, truth and predicted (S, S),
            photo by photo, every photo under the same models.
        note: data and n, written above.
    """
    require_some(cases, "gallery")
    models = list(dict.fromkeys(case["model"] for case in cases))
    photos = dict[str, list]()
    for case in cases:
        photos.setdefault(str(case["image"]), []).append(case)
    if any([case["model"] for case in row] != models for row in photos.values()):
        raise UserError("gallery: not every photo was seen by the same models; make it again")
    pictures = {photo: [_picture(case) for case in row] for photo, row in photos.items()}
    shapes = [row[0].shape[0] / row[0].shape[1] for row in pictures.values()]
    shapes = [min(1.2, shape) for shape in shapes]
    figure, cells = new_sheet(shapes, len(models), above=0.52, below=0.2, note=note, legend=ERRORS)
    for line, (photo, row) in zip(cells, photos.items(), strict=True):
        for axes, case, picture in zip(line, row, pictures[photo], strict=True):
            place(axes, picture, interpolation="nearest")
            axes.set_title(f"{case['iou']:.2f}", fontsize=11, loc="right", pad=4)
            axes.set_xlabel(label(case["model"]), fontsize=SMALL, color=SOFT, labelpad=3)
            frame(axes)
        line[0].annotate(
            row[0]["group"],
            (0, 1),
            (0, 22),
            xycoords="axes fraction",
            textcoords="offset points",
            fontsize=11,
            color=SOFT,
        )
    return figure


def _picture(case: Mapping) -> np.ndarray:
    """Agreement and errors as colours, the letterbox bars cut off."""
    inside = case["predicted"] != IGNORE
    rows, columns = (np.flatnonzero(inside.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise UserError("gallery: a prediction holds no class at all; predict it again")
    part = np.s_[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return errors(case["truth"][part], case["predicted"][part])
