#!/usr/bin/env bash
# pycocotools 2.0.11: an annotation's own `ignore: 1` has no effect on COCOeval.
#
# Expected: COCOeval reads the field `ignore`, so an annotation with `ignore: 1` stays out of the
#   score: one found object and one ignored object give a recall of 1.0.
# Seen: the next line of its preparation sets `ignore` anew, from `iscrowd` alone. The annotation
#   counts as missed: recall 0.5, average precision 0.505, as if the flag were not there.
#   `iscrowd: 1` does what one hoped `ignore: 1` would do: recall 1.0, average precision 1.0.
# Why it matters: whoever exports masks and wants to leave specks out of the score has to write
#   iscrowd 1, and with it the crowd rule for overlap. `ignore: 1` fails without a word.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet --no-deps pycocotools==2.0.11 numpy==2.4.6

"$work/venv/bin/python" - <<'PY'
import contextlib
import io
import sys

from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval


def score(**flags):
    """Average precision and recall when one of two objects is found; `flags` mark the other."""
    found = {"id": 1, "image_id": 1, "category_id": 1, "bbox": [0, 0, 40, 40], "area": 1600,
             "iscrowd": 0}
    speck = {"id": 2, "image_id": 1, "category_id": 1, "bbox": [60, 60, 4, 4], "area": 16, **flags}
    truth = COCO()
    truth.dataset = {"info": {}, "images": [{"id": 1, "width": 100, "height": 100}],
                     "categories": [{"id": 1, "name": "cat"}], "annotations": [found, speck]}
    truth.createIndex()
    answer = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 40, 40], "score": 0.9}
    evaluation = COCOeval(truth, truth.loadRes([answer]), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    evaluation.summarize()
    return round(float(evaluation.stats[0]), 3), round(float(evaluation.stats[8]), 3)


with contextlib.redirect_stdout(io.StringIO()):
    seen = {"plain": score(iscrowd=0), "ignore": score(iscrowd=0, ignore=1),
            "crowd": score(iscrowd=1)}
print("average precision and recall:", seen)
if seen != {"plain": (0.505, 0.5), "ignore": (0.505, 0.5), "crowd": (1.0, 1.0)}:
    sys.exit("changed: `ignore: 1` no longer counts like a plain annotation, or iscrowd differs")
PY
