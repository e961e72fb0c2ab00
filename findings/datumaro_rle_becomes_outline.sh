#!/usr/bin/env bash
# datumaro 1.13.12: from COCO instances to COCO instances, each run-length mask loses pixels.
#
# Expected: the masks that went in come out. Datumaro does read them exactly (84 and 20 pixels).
# Seen: for `iscrowd: 0` the exporter turns a run-length mask into a polygon whose corners are the
#   numbers of the outermost pixels. Decoded by pycocotools 2.0.11 (`area` agrees),
#   a ring of 84 pixels is a filled square of 81: its hole is gone and so is one row and column;
#   an object of a 5 x 3 block and a strip 1 pixel high has 8 of its 20 pixels: the strip is gone,
#   though `bbox` still includes it.
# Why it matters: a mask exported with its holes and thin parts (a tail, a gap between the legs)
#   scores differently after a trip through datumaro. `segmentation_mode="mask"` at the export
#   keeps all pixels, and writes every object as `iscrowd: 1`, which COCOeval does not score.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet datumaro==1.13.12 pycocotools==2.0.11
cd "$work"

"$work/venv/bin/python" - <<'PY'
import json
import os
import sys

import numpy as np
from datumaro import AnnotationType, Dataset
from PIL import Image
from pycocotools import mask as masks

ring = np.zeros((20, 20), np.uint8, order="F")
ring[2:12, 2:12] = 1
ring[5:9, 5:9] = 0
parts = np.zeros((20, 20), np.uint8, order="F")
parts[0, :5] = 1
parts[15:18, 3:8] = 1


def annotation(number, mask):
    rle = masks.encode(mask)
    return {"id": number, "image_id": 1, "category_id": 1, "iscrowd": 0,
            "area": int(masks.area(rle)), "bbox": masks.toBbox(rle).tolist(),
            "segmentation": {"size": [20, 20], "counts": rle["counts"].decode()}}


os.makedirs("images/default")
os.makedirs("annotations")
Image.new("RGB", (20, 20)).save("images/default/a.png")
with open("annotations/instances_default.json", "w") as file:
    json.dump({"images": [{"id": 1, "file_name": "a.png", "width": 20, "height": 20}],
               "categories": [{"id": 1, "name": "cat"}],
               "annotations": [annotation(1, ring), annotation(2, parts)]}, file)

data = Dataset.import_from(".", "coco_instances")
read = {item.id: int(item.image.sum()) for photo in data for item in photo.annotations
        if item.type == AnnotationType.mask}


def export(folder, **options):
    """Per object: pixels in pycocotools, the written area, iscrowd."""
    data.export(folder, "coco_instances", **options)
    with open(f"{folder}/annotations/instances_default.json") as file:
        written = json.load(file)["annotations"]
    rows = {}
    for item in written:
        shape = masks.frPyObjects(item["segmentation"], 20, 20)
        shape = masks.merge(shape) if isinstance(shape, list) else shape
        rows[item["id"]] = int(masks.area(shape)), int(item["area"]), item["iscrowd"]
    return rows


plain, as_mask = export("plain"), export("as_mask", segmentation_mode="mask")
print("read:", read, "exported:", plain, "with segmentation_mode=mask:", as_mask)
if read != {1: 84, 2: 20}:
    sys.exit("changed: datumaro reads other pixels than it did")
if plain != {1: (81, 81, 0), 2: (8, 8, 0)}:
    sys.exit("changed: the default export no longer writes filled outlines of 81 and 8 pixels")
if as_mask != {1: (84, 84, 1), 2: (20, 20, 1)}:
    sys.exit("changed: segmentation_mode=mask no longer writes whole masks as crowds")
PY
