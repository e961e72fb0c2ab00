"""What leaves the tool: animals as files that other tools read.

COCO's run lengths and labelme's ``mask`` shapes keep each pixel, holes and parts; polygons fill
the holes, which is why they are made only on request. README says which tool keeps what.

Shapes: H W pixels of the photo.
"""

import base64
import io
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from PIL import Image
from skimage.measure import find_contours

from common.clicks.objects import Segmented
from common.config import CLASSES
from common.data.coco import bounding_box, encode_rle, polygons_mask

OPAQUE, CLEAR = 0.95, 0.05  # probabilities between which a cut-out's outline is soft
Found = tuple[str, Sequence[Segmented]]
"""A photo's name and its animals."""


def alpha(logits: np.ndarray) -> np.ndarray:
    """Opacity (H, W) uint8 of a cut-out: 128 and more where logits (H, W) are above 0."""
    chance = 1 / (1 + np.exp(-logits))
    soft = np.round(255 * ((chance - CLEAR) / (OPAQUE - CLEAR)).clip(0, 1))
    return np.where(logits > 0, soft.clip(128), soft.clip(None, 127)).astype(np.uint8)


def cutout(image: np.ndarray, objects: Sequence[Segmented]) -> Image.Image:
    """The animals of a photo (H, W, 3) on transparent ground, their outlines soft."""
    opacity = np.max([alpha(one.logits) for one in objects], axis=0)
    return Image.fromarray(np.dstack([image, opacity]))


def outlines(mask: np.ndarray) -> list[list[float]]:
    """Polygons x, y, x, y, … round the parts of a mask (H, W) bool; holes are filled.

    They pass half-way between a pixel of the mask and the one beside it, so that whoever fills the
    pixels whose centres they hold gets all but the holes back.
    """
    lines = find_contours(np.pad(mask, 1), 0.5, fully_connected="high")
    closed = (line[:-1, ::-1] - 0.5 for line in lines if _goes_round(line))
    return [np.round(points, 1).ravel().tolist() for points in closed]


def _goes_round(line: np.ndarray) -> bool:
    """Whether (row, column) points go round a part, and not round a hole."""
    (y0, x0), (y1, x1) = line[:-1].T, line[1:].T
    return float((x0 * y1 - x1 * y0).sum()) > 0


def lost(mask: np.ndarray) -> int:
    """Pixels that differ from a mask (H, W) bool once it went through `outlines`."""
    return int((polygons_mask(outlines(mask), *mask.shape) != mask).sum())


def segmentation(mask: np.ndarray, polygons: bool = False) -> Any:
    """A mask (H, W) bool as COCO holds it: compressed run lengths or, on request, polygons."""
    return outlines(mask) if polygons else encode_rle(mask)


def told_clicks(one: Segmented) -> dict[str, Any]:
    """How an animal was pointed at, as JSON."""
    clicks = [{"x": c.x, "y": c.y, "label": int(c.positive)} for c in one.clicks]
    return {"clicks": clicks, **({"prompt_box": list(one.box)} if one.box else {})}


def coco_file(photos: Iterable[Found], polygons: bool = False) -> dict[str, Any]:
    """What COCO's tools read of photos and their animals: images, annotations, categories."""
    images: list[dict[str, Any]] = []
    annotations: list[dict[str, Any]] = []
    for photo, objects in photos:
        height, width = objects[0].logits.shape
        about = {"id": len(images) + 1, "file_name": photo, "height": height, "width": width}
        images.append(about)
        for one in objects:
            mask = one.mask
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": about["id"],
                    "category_id": one.category,
                    "name": one.name,
                    "segmentation": segmentation(mask, polygons),
                    "area": int(mask.sum()),
                    "bbox": bounding_box(mask),
                    "iscrowd": 0,
                    "score": round(one.score, 4),
                    **told_clicks(one),
                }
            )
    names = ("animal", *CLASSES[1:])
    categories = [{"id": number, "name": name} for number, name in enumerate(names)]
    return {"images": images, "annotations": annotations, "categories": categories}


def labelme_file(photo: str, objects: Sequence[Segmented]) -> dict[str, Any]:
    """What labelme opens beside a photo: a ``mask`` shape an animal; the photo is not in it."""
    height, width = objects[0].logits.shape
    return {
        "version": "5.5.0",
        "flags": {},
        "shapes": [_mask_shape(one) for one in objects if one.mask.any()],
        "imagePath": photo,
        "imageData": None,
        "imageHeight": height,
        "imageWidth": width,
    }


def _mask_shape(one: Segmented) -> dict[str, Any]:
    """Its points are the first and the last pixel of the box that the picture of it fills."""
    mask = one.mask
    x, y, width, height = bounding_box(mask)
    inside = Image.fromarray(mask[y : y + height, x : x + width].astype(np.uint8))
    return {
        "label": one.species[0] if one.species else "animal",
        "points": [[x, y], [x + width - 1, y + height - 1]],
        "group_id": None,
        "description": one.name,
        "shape_type": "mask",
        "flags": {},
        "mask": base64.b64encode(png(inside)).decode("ascii"),
    }


def png(picture: Image.Image) -> bytes:
    """A picture as a PNG file."""
    stream = io.BytesIO()
    picture.save(stream, "png", compress_level=4)
    return stream.getvalue()
