"""Scores and columns as readers know them: one name each, in every table.

`MAIN` are the scores that README and model cards give of a segmentation.
"""

from __future__ import annotations

import re

MAIN = ("miou", "iou_background", "iou_cat", "iou_dog", "foreground_iou", "species_accuracy")
PLAIN = {
    "miou": "mIoU",
    "iou_background": "background",
    "iou_cat": "cat",
    "iou_dog": "dog",
    "foreground_iou": "pet vs ground",
    "species_accuracy": "species",
    "boundary_iou": "boundary",
    "mean_image_iou": "mean over photos",
    "pixel_accuracy": "pixels right",
    "dice": "Dice",
    "ece": "ECE",
    "auc": "area under the curve",
    "difference_low": "from",
    "difference_high": "to",
    "ms_click": "ms a click",
    "n": "photos",
}


def wording(name: str) -> str:
    """What a reader calls a score or a column; what has no such name keeps its own.

    >>> wording("iou_at_3"), wording("noc90"), wording("miou")
    ('IoU, 3 clicks', 'NoC@90', 'mIoU')
    """
    if clicks := re.fullmatch(r"iou_at_(\d+)", str(name)):
        number = int(clicks[1])
        return f"IoU, {number or 'no'} click{'s' * (number > 1)}"
    if share := re.fullmatch(r"no([cf])(\d+)", str(name)):
        return f"No{share[1].upper()}@{share[2]}"
    return PLAIN.get(name, name)
