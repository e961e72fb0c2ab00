#!/usr/bin/env bash
# supervision 0.31.2 and pycocotools 2.0.11: an exported object of two parts is not scored.
#
# Expected: `DetectionDataset.as_coco` writes each detection as one object (`iscrowd: 0`); where
#   a polygon cannot say it, a run-length mask can, with `iscrowd: 0` all the same.
# Seen: a mask with a hole or with two parts is written with `iscrowd: 1`, only masks of one
#   solid part get `iscrowd: 0`. For COCOeval a crowd is a region to leave out of the score:
#   of three photographed cats only the solid one counts. A model that finds this one and misses
#   the other two has a recall of 1.0; with `iscrowd: 0` it has 1/3.
# Why it matters: a pet behind a fence, or curled round a gap, silently drops out of the ground
#   truth. The data field {"iscrowd": 0} avoids it, but then forces polygons, which fill holes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet supervision==0.31.2 pycocotools==2.0.11 \
    opencv-python-headless==5.0.0.93
cd "$work"

"$work/venv/bin/python" - <<'PY'
import contextlib
import io
import json
import sys

import numpy as np
import supervision as sv
from PIL import Image
from pycocotools import mask as masks
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

solid, ring, parts = objects = np.zeros((3, 20, 20), bool)
solid[2:12, 2:12] = True
ring[13:19, 13:19] = True
ring[15:17, 15:17] = False
parts[14:18, 1:5] = True
parts[14:18, 7:11] = True

Image.new("RGB", (20, 20)).save("a.png")
found = sv.Detections(xyxy=sv.mask_to_xyxy(objects).astype(np.float32), mask=objects,
                      class_id=np.zeros(3, int))
sv.DetectionDataset(classes=["cat"], images=["a.png"],
                    annotations={"a.png": found}).as_coco(annotations_path="cats.json")
with open("cats.json") as file:
    flags = [item["iscrowd"] for item in json.load(file)["annotations"]]


def recall(all_single):
    """Recall of a model that finds the solid cat only."""
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO("cats.json")
        for item in truth.anns.values():
            item["iscrowd"] = 0 if all_single else item["iscrowd"]
        rle = masks.encode(np.asfortranarray(solid.astype(np.uint8)))
        answer = {"image_id": 1, "category_id": 1, "score": 0.9, "segmentation": rle}
        evaluation = COCOeval(truth, truth.loadRes([answer]), "segm")
        evaluation.params.iouThrs = np.array([0.5])
        evaluation.evaluate()
        evaluation.accumulate()
    return round(float(evaluation.eval["recall"][0, 0, 0, -1]), 3)


seen = flags, recall(all_single=False), recall(all_single=True)
print("iscrowd of solid, ring, two parts:", flags, "recall as written and as single:", *seen[1:])
if seen != ([0, 1, 1], 1.0, 0.333):
    sys.exit("changed: objects with holes or two parts are no longer written as unscored crowds")
PY
