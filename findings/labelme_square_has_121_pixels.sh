#!/usr/bin/env bash
# labelme 6.3.1 and pycocotools 2.0.11: one polygon, 121 pixels here and 100 there.
#
# Expected: labelme's points are positions on the picture with fractions, so the polygon along the
#   outer corners of 10 x 10 pixels (x and y from 2 to 12) covers those 100 pixels.
# Seen: `labelme.utils.shape_to_mask` fills 121: the border counts as well, one row and one column
#   too many to the right and below. So does a rectangle from (2, 2) to (12, 12).
#   pycocotools decodes 100 pixels from the same numbers.
# Why it matters: class pictures made by labelme and COCO files made of the same points disagree
#   along every right and lower border, and `area` taken from the one does not fit the other.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet labelme==6.3.1 pycocotools==2.0.11

"$work/venv/bin/python" - <<'PY'
import sys

import numpy as np
from labelme.utils import shape_to_mask
from pycocotools import mask as masks

corners = [[2.0, 2.0], [12.0, 2.0], [12.0, 12.0], [2.0, 12.0]]
polygon = shape_to_mask((20, 20), corners, "polygon")
rectangle = shape_to_mask((20, 20), [corners[0], corners[2]], "rectangle")
coco = masks.decode(masks.frPyObjects([sum(corners, [])], 20, 20))[..., 0]
more = np.argwhere(polygon & ~coco.astype(bool))

seen = int(polygon.sum()), int(rectangle.sum()), int(coco.sum())
print("labelme polygon, rectangle, pycocotools:", *seen)
if seen != (121, 121, 100):
    sys.exit("changed: labelme no longer fills 121 pixels where pycocotools has 100")
if not (more.max(axis=1) == 12).all():
    sys.exit("changed: the surplus pixels are no longer the row below and the column to the right")
PY
