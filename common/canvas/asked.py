"""What the command line asks of a photo: clicks, boxes, animals, and which files to write."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from common.canvas.exports import lost
from common.clicks.objects import Prompted, Segmented
from common.clicks.prompts import Box, Click
from common.config import UserError


def parse_click(text: str) -> Click:
    """ "120,80" or "120,80,0" -> a click."""
    try:
        x, y, label = [float(part) for part in [*text.split(","), "1"][:3]]
    except ValueError:
        raise UserError(f"--click {text!r} is not x,y or x,y,label: as in 120,80") from None
    if label not in (0, 1) or text.count(",") > 2:
        raise UserError(f"--click {text!r}: the label is 1 (the pet) or 0 (not the pet)")
    return Click(x, y, bool(label))


def parse_box(text: str) -> Box:
    """ "10,20,200,180" -> a box."""
    try:
        x0, y0, x1, y1 = (float(part) for part in text.split(","))
    except ValueError:
        raise UserError(f"--box {text!r} is not x0,y0,x1,y1: as in 10,20,200,180") from None
    return x0, y0, x1, y1


def parse_object(text: str, number: int) -> Prompted:
    """ "Tom: 120,80 300,40,0" or "10,20,200,180" -> an animal, its clicks and perhaps its box."""
    name, colon, prompts = text.rpartition(":")
    boxes = [parse_box(one) for one in prompts.split() if one.count(",") == 3]
    clicks = tuple(parse_click(one) for one in prompts.split() if one.count(",") != 3)
    pointed = len(boxes) == 1 or (not boxes and any(click.positive for click in clicks))
    if not pointed or (colon and not name.strip()):
        raise UserError(
            f"--object {text!r} is not NAME: x,y x,y,0 with a click on the animal or a box round "
            "it, as in 'Tom: 120,80 300,40,0' or 'Rex: 10,20,200,180'"
        )
    return Prompted(name.strip() or f"animal {number}", clicks, *boxes)


@dataclass(frozen=True)
class Asked:
    """Prompts for one animal or, as ``objects``, for several, and what is written beyond masks."""

    clicks: tuple[Click, ...] = ()
    box: Box | None = None
    objects: tuple[Prompted, ...] = ()
    polygons: bool = False
    cutout: bool = False
    labelme: bool = False

    def outputs(self, photo: Path, out: Path) -> list[Path]:
        """Files of a photo's mask (or label map), overlay, JSON (or COCO file), and others."""
        ends = ["_mask.png", "_overlay.png", ".json"]
        if self.objects:
            ends = ["_labels.png", "_overlay.png", "_coco.json"]
        ends += ["_cutout.png"] * self.cutout + ["_labelme.json"] * self.labelme
        return [out / f"{photo.stem}{end}" for end in ends]

    def loss(self, animals: Sequence[Segmented]) -> str:
        """What polygons lose, if they were asked for."""
        if not self.polygons:
            return ""
        return f"; as polygons {sum(lost(one.mask) for one in animals)} pixels differ (holes)"
