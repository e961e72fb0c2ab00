#!/usr/bin/env bash
# opencv-python-headless 5.0.0.93 and pycocotools 2.0.11: a second ring is a hole in one only.
#
# Expected: an outline and, inside it, a second outline describe a ring in both: cv2.findContours
#   with RETR_CCOMP returns holes this way, and cv2.fillPoly draws them back as holes.
# Seen: for pycocotools the polygons of an object are parts to be joined, whatever their direction.
#   The ring of 112 pixels that fillPoly draws from two outlines is a solid 100 in pycocotools
#   (its borders lie differently): the same pixels as from the outer outline alone.
# Why it matters: COCO polygons cannot hold a hole. An exporter that writes all contours into
#   `segmentation` fills the gap between a cat's legs; only a run-length mask keeps it.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-deps pycocotools==2.0.11 numpy==2.4.6 \
    opencv-python-headless==5.0.0.93

"$work/venv/bin/python" - <<'PY'
import sys

import cv2
import numpy as np
from pycocotools import mask as masks

outer = np.array([[2, 2], [12, 2], [12, 12], [2, 12]])
inner = np.array([[5, 5], [9, 5], [9, 9], [5, 9]])


def coco_mask(*rings):
    polygons = [ring.ravel().astype(float).tolist() for ring in rings]
    return masks.decode(masks.merge(masks.frPyObjects(polygons, 20, 20)))


drawn = cv2.fillPoly(np.zeros((20, 20), np.uint8), [outer, inner], 1)
back = inner[::-1]
seen = {"opencv": int(drawn.sum()), "opencv centre": int(drawn[7, 7]),
        "coco": int(coco_mask(outer, inner).sum()),
        "coco, hole turned round": int(coco_mask(outer, back).sum()),
        "coco, outer only": int(coco_mask(outer).sum())}
print(seen)
if list(seen.values()) != [112, 0, 100, 100, 100]:
    sys.exit("changed: OpenCV no longer keeps the hole, or pycocotools no longer fills it")
PY
