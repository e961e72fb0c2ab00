"""Every animal without a click: matches and precision are those of pycocotools, and by hand."""

from contextlib import redirect_stdout
from io import StringIO

import numpy as np
import pandas as pd
import pytest
from pycocotools import mask as coding
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from common.clicks.objects import Segmented
from common.scoring import everything
from common.scoring.precision import COLUMNS, average_precision, everything_scores


def rectangle(rows: slice, columns: slice) -> np.ndarray:
    mask = np.zeros((40, 60), bool)
    mask[rows, columns] = True
    return mask


LEFT, RIGHT = rectangle(np.s_[5:30], np.s_[5:25]), rectangle(np.s_[5:30], np.s_[35:55])
CRUMB = rectangle(np.s_[34:38], np.s_[2:6])
PART, GROUND = rectangle(np.s_[5:21], np.s_[5:25]), rectangle(np.s_[31:39], np.s_[20:58])


def answer(mask: np.ndarray, score: float) -> Segmented:
    return Segmented("", (), np.where(mask, 1.0, -1.0), score, ("cat", 0.9))


def table(photos: dict[str, tuple[list, list]]) -> pd.DataFrame:
    """Of photos by name: their answers, and their truths with whether they count."""
    rows = list[dict]()
    for name, (answers, truths) in photos.items():
        about = {"image": name, "truths": sum(counts for _, counts in truths), "seconds": 1.0}
        rows += [{**about, **row} for row in everything.judged(answers, truths)] or [about]
    return pd.DataFrame(rows, columns=COLUMNS)


PHOTOS = {
    "a": (
        [answer(LEFT, 0.9), answer(GROUND, 0.8), answer(PART, 0.7), answer(CRUMB, 0.6)],
        [(LEFT, True), (RIGHT, True), (CRUMB, False)],
    ),
    "b": ([answer(PART, 0.95), answer(RIGHT, 0.5)], [(LEFT, True), (RIGHT, True)]),
    "c": ([], [(LEFT, True)]),
    "d": ([answer(LEFT, 0.85)], []),
}


def test_what_is_right_what_is_wrong_and_what_does_not_count():
    made = table(PHOTOS).set_index(["image", "score"])
    assert made.loc["a", ["hit_50", "shows"]].to_numpy().tolist() == [
        [1, 0],
        [0, -1],
        [0, 0],
        [-1, 2],
    ]
    assert made.loc[("b", 0.95), ["hit_60", "hit_65"]].tolist() == [1, 0], "IoU 16 / 25"
    assert np.isnan(made.loc["c"].index[0]) and made.loc["c", "truths"].tolist() == [1]


def test_precision_of_three_answers_by_hand():
    """Right, wrong, right of two animals: 1 up to a recall of 1/2, 2/3 beyond."""
    three = PHOTOS["a"][0][:2] + [answer(RIGHT, 0.5)]
    found = average_precision(table({"a": (three, PHOTOS["a"][1])}))
    assert found[0] == pytest.approx((51 + 50 * 2 / 3) / 101)


def coco_stats(photos: dict) -> np.ndarray:
    known, said = [], []
    for number, (answers, truths) in enumerate(photos.values(), 1):
        about = {"image_id": number, "category_id": 1, "bbox": [0, 0, 1, 1]}
        for mask, counts in truths:
            rle = coding.encode(np.asfortranarray(mask, np.uint8))
            shape = {"segmentation": rle, "area": int(mask.sum()), "iscrowd": int(not counts)}
            known.append({**about, **shape, "id": len(known) + 1})
        for one in answers:
            rle = coding.encode(np.asfortranarray(one.mask, np.uint8))
            said.append({**about, "segmentation": rle, "score": one.score})
    with redirect_stdout(StringIO()):
        coco = COCO()
        images = [{"id": i, "height": 40, "width": 60} for i in range(1, len(photos) + 1)]
        coco.dataset = {"images": images, "annotations": known, "categories": [{"id": 1}]}
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(said), "segm")
        run.evaluate(), run.accumulate(), run.summarize()
    return run.stats[:3]


def test_precision_is_that_of_pycocotools_and_of_photos_drawn_twice():
    scores = everything_scores(table(PHOTOS), 0.0)["value"]
    assert scores[["ap", "ap50", "ap75"]].tolist() == pytest.approx(coco_stats(PHOTOS).tolist())
    twice = {**PHOTOS, "b2": PHOTOS["b"]}
    weighted = average_precision(table(PHOTOS), np.array([[1, 2, 1, 1]]))
    assert weighted.mean() == pytest.approx(coco_stats(twice)[0])


def test_shares_of_the_answers_that_are_sure():
    scores = everything_scores(table(PHOTOS), 0.55)["value"]
    shares = scores[["doubles", "on_ground", "exactly_one", "cats"]].tolist()
    assert shares == pytest.approx([1 / 6, 2 / 6, 2 / 4, 1])
