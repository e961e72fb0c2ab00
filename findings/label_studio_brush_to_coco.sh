#!/usr/bin/env bash
# label-studio-sdk 2.1.2: its export of brush masks to COCO changes the number of objects.
#
# Expected: one painted object gives one COCO annotation that decodes to the painted pixels
#   (COCO has run-length masks for holes, and several polygons for several parts).
# Seen: each part becomes an annotation of its own, with its own id and box; holes are filled;
#   and a polygon's corners are the numbers of the outermost pixels: a row and a column are lost.
#   One cat of a ring (84 pixels) and a square (16 pixels) comes out as two cats of 81 and 9
#   pixels in pycocotools 2.0.11, although the boxes written are 10 x 10 and 4 x 4.
#   An object all of whose parts are 1 pixel high is not written at all.
# Why it matters: counts of objects, areas and scores differ from the masks that were painted or
#   imported. To keep a mask, take the PNG or NumPy export and encode it with pycocotools.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet label-studio-sdk==2.1.2 pycocotools==2.0.11
cd "$work"

"$work/venv/bin/python" - <<'PY'
import json
import sys

import numpy as np
from label_studio_sdk.converter.brush import decode_rle, mask2rle
from label_studio_sdk.converter.exports.brush_to_coco import convert_to_coco
from pycocotools import mask as masks

cat = np.zeros((20, 20), np.uint8)
cat[2:12, 2:12] = 255
cat[5:9, 5:9] = 0
cat[14:18, 14:18] = 255
strip = np.zeros((20, 20), np.uint8)
strip[10, 2:12] = 255


def export(mask):
    """The annotations written for one brush object: pixels and box."""
    code = mask2rle(mask)
    assert (decode_rle(code).reshape(20, 20, 4)[..., 3] == mask).all(), "not a valid brush mask"
    brush = {"type": "brushlabels", "brushlabels": ["cat"], "rle": code,
             "original_width": 20, "original_height": 20}
    task = {"id": 1, "input": {"image": "a.png"}, "output": {"brush": [brush]},
            "completed_by": {"email": "a@example.org"}}
    with open(convert_to_coco([task], "out")) as file:
        written = json.load(file)["annotations"]
    return sorted((int(masks.area(masks.merge(masks.frPyObjects(item["segmentation"], 20, 20)))),
                   item["bbox"]) for item in written)


seen = export(cat), export(strip)
print("painted:", int((cat > 0).sum()), "and", int((strip > 0).sum()), "written:", *seen)
if seen[0] != [(9, [14, 14, 4, 4]), (81, [2, 2, 10, 10])]:
    sys.exit("changed: one object of two parts no longer becomes two without holes")
if seen[1] != []:
    sys.exit("changed: an object 1 pixel high is no longer left out")
PY
