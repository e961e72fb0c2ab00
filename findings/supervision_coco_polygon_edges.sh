#!/usr/bin/env bash
# supervision 0.31.2 and pycocotools 2.0.11: one COCO polygon, two different masks.
#
# Expected: a polygon along the outer corners of a square of 10 x 10 pixels (x and y from 2 to 12)
#   means those 100 pixels to both, as its COCO box [2, 2, 10, 10] says.
# Seen: pycocotools decodes 100 pixels. Supervision takes the corners for pixels and includes the
#   border: `from_coco` loads 121 pixels, one row and one column too many.
#   The other way, `as_coco` writes a mask of 100 pixels as a polygon from 2 to 11 with `area` 100;
#   pycocotools decodes 81 pixels from it.
# Why it matters: neither side reports anything, and supervision reads its own files back
#   unchanged, so only a score against another tool shows it: the 81 pixels overlap the true mask
#   by 0.81. The smaller the object, the larger the loss. Run-length masks pass unharmed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet supervision==0.31.2 pycocotools==2.0.11 \
    opencv-python-headless==5.0.0.93
cd "$work"

"$work/venv/bin/python" - <<'PY'
import json
import os
import sys

import numpy as np
import supervision as sv
from PIL import Image
from pycocotools import mask as masks


def coco_pixels(polygons):
    return int(masks.area(masks.merge(masks.frPyObjects(polygons, 20, 20))))


os.mkdir("photos")
Image.new("RGB", (20, 20)).save("photos/a.png")
corners = [2, 2, 12, 2, 12, 12, 2, 12]
with open("in.json", "w") as file:
    json.dump({"images": [{"id": 1, "file_name": "a.png", "width": 20, "height": 20}],
               "categories": [{"id": 1, "name": "cat", "supercategory": "pet"}],
               "annotations": [{"id": 1, "image_id": 1, "category_id": 1, "iscrowd": 0,
                                "area": 100, "bbox": [2, 2, 10, 10],
                                "segmentation": [corners]}]}, file)
data = sv.DetectionDataset.from_coco("photos", "in.json", force_masks=True)
read = int(next(iter(data))[2].mask.sum())

square = np.zeros((1, 20, 20), bool)
square[0, 2:12, 2:12] = True
found = sv.Detections(xyxy=sv.mask_to_xyxy(square).astype(np.float32), mask=square,
                      class_id=np.zeros(1, int))
sv.DetectionDataset(classes=["cat"], images=["photos/a.png"],
                    annotations={"photos/a.png": found}).as_coco(annotations_path="out.json")
with open("out.json") as file:
    item = json.load(file)["annotations"][0]
wrote = coco_pixels(item["segmentation"]), int(item["area"])

print("read:", coco_pixels([corners]), "becomes", read, "wrote:", *wrote)
if (coco_pixels([corners]), read) != (100, 121):
    sys.exit("changed: the polygon of 100 pixels is no longer loaded as 121")
if wrote != (81, 100):
    sys.exit("changed: the mask of 100 pixels is no longer written as a polygon of 81")
PY
