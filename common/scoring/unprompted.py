"""What models make of photos from elsewhere without a click: all animals against the ground.

A table has one row a model and photo: model, image, inter and union (pixels of any animal against
the union of the annotated ones) and right (whether most of what is found is of their species).
"""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from common.checkpoint import load_checkpoint, read_card
from common.config import CLASSES, RESULTS, iou
from common.data.coco import read_instances
from common.data.photos import read_photo
from common.files import artifact, read_table
from common.inference import predict_mask
from common.provenance import file_sha256
from common.scoring.bootstrap import draw, intervals
from common.scoring.elsewhere import elsewhere_root

FILE = Path("everything") / "foreground_elsewhere.parquet"
EVERY = 8  # photo of the folder
VERSION = 1  # raise it when the same photos would give other numbers


def foreground_or_load(
    names: Sequence[str], *, results: Path = RESULTS, measure: bool = True
) -> pd.DataFrame:
    """The table of some checkpoints on the photos of ELSEWHERE_ROOT, or as stored."""
    root = elsewhere_root() if measure else None
    if root is None:
        there = results if (results / FILE).is_file() else RESULTS
        return read_table(there / FILE)
    stems = [results / "checkpoints" / name for name in names]
    tensors = {stem.name: read_card(stem)["tensors_sha256"] for stem in stems}
    annotations = file_sha256(root / "instances.json")
    key = {"checkpoints": tensors, "annotations": annotations, "every": EVERY}
    return artifact(results / FILE, partial(foreground, stems, root), key=key)


def foreground(checkpoints: Sequence[Path], root: Path) -> pd.DataFrame:
    """See the module."""
    rows = []
    photos = read_instances(root / "instances.json")[::EVERY]
    for stem in checkpoints:
        model, card = load_checkpoint(stem)
        for photo in tqdm(photos, desc=stem.name, unit="photo"):
            image = read_photo(root / "images" / photo.name)
            truth = np.zeros(image.shape[:2], bool)
            for one in photo.instances:
                truth |= one.mask()
            found = predict_mask(model, card, image)
            kinds = {one.category for one in photo.instances}
            said = CLASSES[1 + int((found == 2).sum() > (found == 1).sum())]
            about = {"model": stem.name, "image": photo.name}
            inter, union = (int(((found > 0) & truth).sum()), int(((found > 0) | truth).sum()))
            rows.append({**about, "inter": inter, "union": union, "right": {said} == kinds})
    return pd.DataFrame(rows)


def foreground_scores(table: pd.DataFrame, resamples: int = 1000, seed: int = 0) -> pd.DataFrame:
    """iou (pixels of all photos together) and species of each model, with 95 % intervals.

    Returns:
        Index model, score; columns value, low, high.
    """
    found = {}
    for name, rows in table.groupby("model", sort=False):
        rows = rows.sort_values("image")
        weights = draw(len(rows), resamples, seed)
        inter, union, right = (
            weights @ rows[c].to_numpy(float) for c in ("inter", "union", "right")
        )
        found[name] = intervals(
            pd.DataFrame({"iou": iou(inter, union), "species": right / len(rows)})
        )
    return pd.concat(found, names=["model", "score"])
