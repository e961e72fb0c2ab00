"""COCO's files of instances (Lin et al. 2014): their polygons and run lengths, read and written.

Shapes: H W pixels of a photo. Polygons are lists x0, y0, x1, y1, … in pixels of the photo, of
which (0, 0) is the upper left *corner*, so that a pixel's centre has the coordinates + 0.5.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from os import fspath
from pathlib import Path
from typing import Any

import numpy as np

from common.config import UserError

Rle = dict[str, Any]  # size [H, W] and counts, a list or (compressed) a string
LIMIT = 10**8  # pixels of a photo, at most


@dataclass(frozen=True)
class Instance:
    """An annotated animal: its number, the name of its category, and where it is.

    Attributes:
        segmentation: polygons or run lengths.
        height, width: of the photo.
        name, score: what this project's own files say besides.
    """

    id: int
    category: str
    segmentation: list | Rle
    height: int
    width: int
    name: str = ""
    score: float | None = None

    def mask(self) -> np.ndarray:
        """(H, W) bool; `UserError` if it has no outline, or a damaged one."""
        outline = self.segmentation
        try:
            if isinstance(outline, dict):
                mask = decode_rle(outline)
            elif isinstance(outline, list) and outline:
                polygons = outline if isinstance(outline[0], list) else [outline]
                mask = polygons_mask(polygons, self.height, self.width)
            else:
                raise UserError("it has no outline; export it with segmentation")
            if mask.shape != (self.height, self.width):
                raise UserError(f"its mask is {mask.shape}, not as its photo; export it again")
        except UserError as error:
            raise UserError(f"annotation {self.id}: {error}") from None
        return mask


@dataclass(frozen=True)
class Annotated:
    """A photo's file and its instances, in the order of the file."""

    name: str
    instances: tuple[Instance, ...]


def read_instances(file: str | Path) -> list[Annotated]:
    """The photos of a COCO file and what is annotated in them; ``iscrowd`` is left out.

    Raises:
        UserError: it cannot be read, or is no such file.
    """
    try:
        return parse_instances(Path(file).read_text(encoding="utf-8-sig"), str(file))
    except OSError as error:
        raise UserError(f"{file}: cannot be read ({error.strerror}); check the path") from None
    except UnicodeDecodeError as error:
        raise UserError(f"{file}: not a COCO file of instances ({error})") from None


def parse_instances(text: str, file: str) -> list[Annotated]:
    """`read_instances` of a file's text."""
    try:
        data = json.loads(text.removeprefix("\ufeff"))  # some begin with a mark
        names = {str(kind["id"]): str(kind["name"]) for kind in data.get("categories") or []}
        photos = {photo["id"]: photo for photo in data["images"]}
        found: dict[Any, list[Instance]] = {number: [] for number in photos}
        for one in data["annotations"]:
            if not int(one.get("iscrowd") or 0):  # numbers may be written as text
                size = _size(photos[one["image_id"]])
                name = names.get(str(one.get("category_id")), "")
                told = str(one.get("name") or ""), _score(one.get("score"))
                found[one["image_id"]].append(
                    Instance(int(one["id"]), name, one["segmentation"], *size, *told)
                )
        return [Annotated(fspath(photos[n]["file_name"]), tuple(found[n])) for n in photos]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UserError(
            f"{file}: not a COCO file of instances ({type(error).__name__}: {error}); it needs "
            "images (id, file_name, height, width) and annotations (id, image_id, segmentation)"
        ) from None


def _score(value: Any) -> float | None:
    """A probability; None where it is none."""
    is_number = isinstance(value, int | float) and 0 <= value <= 1
    return float(value) if is_number else None


def _size(photo: dict[str, Any]) -> tuple[int, int]:
    """Height and width that a COCO file gives a photo; `ValueError` if no photo has them."""
    height, width = int(photo["height"]), int(photo["width"])
    if min(height, width) < 1 or height * width > LIMIT:
        raise ValueError(f"image {photo['id']} is {width} × {height} pixels")
    return height, width


def polygons_mask(polygons: Sequence[Sequence[float]], height: int, width: int) -> np.ndarray:
    """The pixels (H, W) bool whose centres lie in any of some polygons.

    Raises:
        UserError: one is no list of at least three points.
    """
    from skimage.draw import polygon  # slow to import, and seldom needed

    mask = np.zeros((height, width), bool)
    for flat in polygons:
        try:
            points = np.asarray(flat, float)
        except (TypeError, ValueError):
            points = np.empty(0)
        if points.ndim != 1 or len(points) < 6 or len(points) % 2 or not _are_places(points):
            said = str(flat)[:40]
            raise UserError(f"a polygon is x, y, x, y, x, y, … in pixels of the photo, not {said}")
        columns, rows = points.reshape(-1, 2).T - 0.5
        mask[polygon(rows, columns, mask.shape)] = True
    return mask


def _are_places(points: np.ndarray) -> bool:
    """Whether coordinates are numbers that are no more off than a photo is wide."""
    return bool((np.abs(points) <= LIMIT).all())


def run_lengths(mask: np.ndarray) -> list[int]:
    """Lengths of the runs of 0 and 1 in turn, down the columns of (H, W) bool, 0 first."""
    mask = np.asarray(mask, bool)
    turns = np.empty_like(mask)  # found along the rows, as memory lies
    turns[1:], turns[0, 1:] = mask[1:] != mask[:-1], mask[0, 1:] != mask[-1, :-1]
    turns[0, 0] = mask[0, 0]
    rows, columns = np.nonzero(turns)
    ends = np.sort(columns * len(mask) + rows)
    return np.diff([0, *ends, mask.size]).tolist()


def encode_rle(mask: np.ndarray) -> Rle:
    """A mask (H, W) bool as COCO's compressed run lengths: ``size`` [H, W] and a string.

    Each length is written less the one two before it, in 5 bits a character, lowest first; a
    character's sixth bit says that more follow (the ``rleToString`` of COCO's API).
    """
    counts, text = run_lengths(mask), []
    for i, count in enumerate(counts):
        rest, more = count - (counts[i - 2] if i > 2 else 0), True
        while more:
            bits, rest = rest & 31, rest >> 5
            more = rest != (-1 if bits & 16 else 0)
            text.append(chr(48 + bits + 32 * more))
    return {"size": list(mask.shape), "counts": "".join(text)}


def decode_rle(rle: Rle) -> np.ndarray:
    """A mask (H, W) bool from run lengths, compressed or a list.

    Raises:
        UserError: they do not fill a mask of their size.
    """
    try:
        (height, width), counts = map(int, rle["size"]), rle["counts"]
        counts = _decompressed(counts) if isinstance(counts, str) else [int(n) for n in counts]
        if min(counts) < 0 or sum(counts) != height * width or not 0 < height * width <= LIMIT:
            raise ValueError(f"they count {sum(counts)} of {height} × {width} pixels")
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(f"damaged run lengths ({error}); export the annotations again") from None
    values = np.arange(len(counts)) % 2 == 1
    return np.repeat(values, counts).reshape(height, width, order="F")


def _decompressed(text: str) -> list[int]:
    """What `encode_rle` wrote: the lengths."""
    steps, value, shift = [], 0, 0
    for character in text:
        bits = ord(character) - 48
        value |= (bits & 31) << shift
        shift += 5
        if not bits & 32:
            steps.append(value - (1 << shift) if bits & 16 else value)
            value = shift = 0
    counts: list[int] = []
    for i, step in enumerate(steps):
        counts.append(step + (counts[i - 2] if i > 2 else 0))
    return counts


def bounding_box(mask: np.ndarray) -> list[int]:
    """x, y, width, height of the smallest box that holds a mask (H, W); zeros if it is empty."""
    if not mask.any():
        return [0, 0, 0, 0]
    rows, columns = (np.flatnonzero(mask.any(axis)) for axis in (1, 0))
    size = int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1
    return [int(columns[0]), int(rows[0]), *size]
