"""Odd but valid label files, made on the spot: trimaps, COCO's instances, lists of photos.

Each comes with what it is read as, or with words of the one line that refuses it.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from tests.data.corpus import orientation, packed

Odd = Iterator[tuple[str, bytes, Any]]  # its name, its content, what it is read as or said
COLUMN = [[1], [2], [3]]  # a trimap of three pixels: pet, background, border
CLASSES = [[1], [0], [255]]  # the same of a cat
ONLY = "a trimap holds only 1 (pet), 2 (background) and 3 (border), here are {}; save it as"


def trimaps() -> Odd:
    """Read as classes of a cat."""
    grey = Image.fromarray(np.array(COLUMN, np.uint8))
    palette = Image.frombytes("P", (1, 3), grey.tobytes())
    palette.putpalette([0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255])
    notes = PngInfo()
    notes.add_text("Comment", "é" * 2_000_000, zip=True)
    for kind in ("PNG", "BMP", "TIFF"):
        yield f"grey {kind}", packed(grey, kind), CLASSES
    for kind in ("PNG", "BMP", "TIFF"):
        yield f"palette {kind}", packed(palette, kind), CLASSES
    for how in ({"bits": 2}, {"bits": 4}, {"transparency": 2}):
        yield f"palette {how}", packed(palette, "PNG", **how), CLASSES
    for how in ({"optimize": True}, {"transparency": 2}, {"dpi": (1, 1)}, {"pnginfo": notes}):
        yield f"grey {sorted(how)}", packed(grey, "PNG", **how), CLASSES
    for number in range(1, 9):  # trimaps are drawn on the stored pixels
        yield f"turned {number}", packed(grey, "PNG", exif=orientation(number, "<")), CLASSES
    for kind in (np.uint16, np.int32, np.float32):
        wide = Image.fromarray(np.array(COLUMN, kind))
        yield f"wide {kind.__name__}", packed(wide, "TIFF"), CLASSES
    yield "16 bits", packed(Image.fromarray(np.array(COLUMN, np.uint16)), "PNG"), CLASSES
    yield "moving", packed(grey, "PNG", save_all=True, append_images=[palette]), CLASSES
    yield "all pet, 1 bit", packed(Image.new("1", (1, 3), 1), "PNG"), [[1]] * 3
    for mode in ("RGB", "RGBA", "LA", "CMYK"):
        kind = "TIFF" if mode == "CMYK" else "PNG"
        yield mode, packed(grey.convert(mode), kind), ONLY.format("colours")
    for values, found in (([0, 1], "0, 1"), ([0, 255], "0, 255"), ([1, 4], "1, 4")):
        odd = Image.fromarray(np.array([values], np.uint8))
        yield f"values {values}", packed(odd, "PNG"), ONLY.format(found)
    yield "2 bits of grey", two_bits_of_grey(), ONLY.format("85, 170, 255")
    yield "1 bit", packed(Image.fromarray(np.array([[True, False]])), "PNG"), ONLY.format("0, 1")
    yield "in between", packed(Image.fromarray(np.array([[1.5]], np.float32)), "TIFF"), "1.5"
    yield "JPEG", packed(grey.resize((40, 40)), "JPEG", quality=10), "trimap holds only 1 (pet)"
    yield "GIF, whose numbers are its writer's", packed(grey, "GIF"), ONLY.format("0, 1, 2")
    yield "text", b"1 2 3", "not a trimap of a known kind"
    yield "cut", packed(grey.resize((400, 400)), "PNG")[:80], "damaged"


def two_bits_of_grey() -> bytes:
    """1, 2 and 3 of 2 bits are greys of 85, 170 and 255, as every reader has it."""
    chunks = [
        b"IHDR" + struct.pack(">IIBBBBB", 3, 1, 2, 0, 0, 0, 0),
        b"IDAT" + zlib.compress(bytes([0, 0b01_10_11_00])),
        b"IEND",
    ]
    framed = [struct.pack(">I", len(c) - 4) + c + struct.pack(">I", zlib.crc32(c)) for c in chunks]
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


SQUARE = [1, 1, 3, 1, 3, 3, 1, 3]
OUTLINES: dict[str, tuple[Any, int | str]] = {  # of a photo of 4×4: pixels of the mask, or said
    "a polygon": ([SQUARE], 4),
    "a polygon in no list": (SQUARE, 4),
    "closed": ([[*SQUARE, 1, 1]], 4),
    "numbers as text": ([[str(n) for n in SQUARE]], 4),
    "two parts": ([SQUARE, [0, 0, 1, 0, 1, 1, 0, 1]], 5),
    "beyond the photo": ([[-9, -9, 99, -9, 99, 99, -9, 99]], 16),
    "lengths": ({"size": [4, 4], "counts": [5, 2, 2, 2, 5]}, 4),
    "lengths as text": ({"size": ["4", "4"], "counts": ["5", "2", "2", "2", "5"]}, 4),
    "lengths, compressed": ({"size": [4, 4], "counts": "52203"}, 4),
    "an empty mask": ({"size": [4, 4], "counts": [16]}, 0),
    "a box alone": ([], "annotation 7: it has no outline"),
    "null": (None, "annotation 7: it has no outline"),
    "a number": (3, "annotation 7: it has no outline"),
    "text": ("1,1,3,1", "annotation 7: it has no outline"),
    "a point": ([[2.0, 2.0]], "annotation 7: a polygon is x, y"),
    "points in pairs": ([[[1, 1], [3, 1], [3, 3]]], "annotation 7: a polygon is x, y"),
    "pairs of any length": ([[[1, 1], [3]]], "annotation 7: a polygon is x, y"),
    "words": ([["a", "b"] * 3], "annotation 7: a polygon is x, y"),
    "no number": ([[float("nan"), *SQUARE[1:]]], "annotation 7: a polygon is x, y"),
    "too large": ([[1e300, *SQUARE[1:]]], "annotation 7: a polygon is x, y"),
    "an odd count": ([SQUARE[:-1]], "annotation 7: a polygon is x, y"),
    "lengths too few": ({"size": [4, 4], "counts": [5, 2]}, "annotation 7: damaged run lengths"),
    "lengths, cut": ({"size": [4, 4], "counts": "5220"}, "annotation 7: damaged run lengths"),
    "lengths of another photo": ({"size": [2, 8], "counts": [16]}, "annotation 7: its mask is"),
    "no lengths": ({"size": [4, 4]}, "annotation 7: damaged run lengths"),
}
PHOTO = {"id": 1, "file_name": "ä/a.jpg", "height": 4, "width": 4}
ONE = {"id": 7, "image_id": 1, "category_id": 1, "segmentation": [SQUARE]}
NONE = "not a COCO file of instances"
FILES: dict[str, tuple[dict[str, Any], int | str]] = {  # what is changed in a sound file
    "null crowd": ({"annotations": [{**ONE, "iscrowd": None}]}, 4),
    "crowd as text": ({"annotations": [ONE, {**ONE, "id": 8, "iscrowd": "1"}]}, 4),
    "no crowd as text": ({"annotations": [{**ONE, "iscrowd": "0"}]}, 4),
    "category as text": ({"annotations": [{**ONE, "category_id": "1"}]}, 4),
    "id as text": ({"annotations": [{**ONE, "id": "7"}]}, 4),
    "size as text": ({"images": [{**PHOTO, "height": "4", "width": 4.0}]}, 4),
    "more than is asked": ({"licenses": None, "info": {"year": "?"}, "images": [PHOTO]}, 4),
    "no photo": ({"images": []}, NONE),
    "nothing annotated": ({"annotations": None}, NONE),
    "no size": ({"images": [{"id": 1, "file_name": "a.jpg"}]}, "KeyError: 'height'"),
    "size of nothing": ({"images": [{**PHOTO, "height": 0}]}, "image 1 is 4 × 0 pixels"),
    "size below nothing": ({"images": [{**PHOTO, "width": -4}]}, "image 1 is -4 × 4 pixels"),
    "size of a terabyte": ({"images": [{**PHOTO, "width": 10**12}]}, "× 4 pixels"),
    "no name": ({"images": [{**PHOTO, "file_name": None}]}, NONE),
    "a name for an id": ({"annotations": [{**ONE, "id": "cat-7"}]}, NONE),
    "of no photo": ({"annotations": [{**ONE, "image_id": 2}]}, "KeyError: 2"),
    "no outline's key": ({"annotations": [{"id": 7, "image_id": 1}]}, "'segmentation'"),
    "categories by name": ({"categories": {"cat": 1}}, NONE),
    "words for annotations": ({"annotations": ["cat"]}, NONE),
}


def coco(**changes: Any) -> dict[str, Any]:
    """What a COCO file of one square cat in a photo of 4×4 holds."""
    kinds = [{"id": 1, "name": "cat"}]
    return {"images": [PHOTO], "annotations": [ONE], "categories": kinds, **changes}


def instances() -> Odd:
    """Read as so many pixels of annotation 7."""
    for name, (outline, expected) in OUTLINES.items():
        content = coco(annotations=[{**ONE, "segmentation": outline}])
        yield name, json.dumps(content).encode(), expected
    for name, (changes, expected) in FILES.items():
        yield name, json.dumps(coco(**changes)).encode(), expected
    text = json.dumps(coco(), indent=1)
    yield "a mark before it", text.encode("utf-8-sig"), 4
    yield "lines of Windows", text.replace("\n", "\r\n").encode(), 4
    yield "letters as they are", json.dumps(coco(), ensure_ascii=False).encode(), 4
    yield "UTF-16", text.encode("utf-16"), NONE
    yield "Latin-1", json.dumps(coco(), ensure_ascii=False).encode("latin-1"), NONE
    yield "results alone", json.dumps([ONE]).encode(), NONE
    yield "deep", b"[" * 100_000, NONE
    yield "half", text[: len(text) // 2].encode(), NONE
    yield "nothing", b"", NONE
    yield "null", b"null", NONE


def lists() -> Odd:
    """Read as names and species (1 cat, 2 dog)."""
    plain, read = "Pug_1 26 2 18\nSphynx_2 34 1 12\n", [("Pug_1", 2), ("Sphynx_2", 1)]
    yield "plain", plain.encode(), read
    yield "a mark before it", plain.encode("utf-8-sig"), read
    yield "a mark before a note", ("# names\n" + plain).encode("utf-8-sig"), read
    yield "lines of Windows", plain.replace("\n", "\r\n").encode(), read
    yield "lines of old Macs", plain.replace("\n", "\r").encode(), read
    yield "tabs", plain.replace(" ", "\t").encode(), read
    yield "gaps", b"\n\n  " + plain.replace("\n", "  \n \n").encode(), read
    yield "no end", plain.rstrip().encode(), read
    yield "notes", b"#Image CLASS-ID SPECIES BREED ID\n" + plain.encode() + b"# end", read
    yield "a note in a line", b"Pug_1 26 2 18 # note\n", read[:1]
    yield "three columns", b"Pug_1 26 2\n", read[:1]
    yield "letters", "Bärli_1 26 2 18\n".encode(), [("Bärli_1", 2)]
    yield "UTF-16", plain.encode("utf-16"), "not a readable list"
    yield "Latin-1", "Bärli_1 26 2 18\n".encode("latin-1"), "not a readable list"
    yield "a picture", b"\x89PNG\xff\x00", "not a readable list"
    yield "commas", b"Pug_1,26,2,18\n", "line 1: 'Pug_1,26,2,18' is not 'NAME BREED SPECIES"
    yield "two columns", b"\nPug_1 26\n", "line 2: 'Pug_1 26' is not"
    yield "words", b"Pug_1 pug dog 1\n", "line 1: 'Pug_1 pug dog 1' is not"
    yield "points", b"Pug_1 26.0 2.0 18\n", "line 1: 'Pug_1 26.0 2.0 18' is not"
    yield "a third species", b"Pug_1 26 3 18\n", "species 3 of Pug_1 is neither 1 (cat) nor 2"
    yield "species from 0", b"Pug_1 26 0 18\n", "species 0 of Pug_1 is neither"
    yield "a path", b"../../etc/passwd 1 1 1\n", "line 1: '../../etc/passwd' is a path"
    yield "a folder", b"images/Pug_1 26 2 18\n", "line 1: 'images/Pug_1' is a path"
    yield "twice", (plain + "Pug_1 26 2 18\n").encode(), "line 3: Pug_1 is listed already in "
    yield "nothing", b"", "list no photo"
    yield "notes alone", b"# nothing\n", "list no photo"
