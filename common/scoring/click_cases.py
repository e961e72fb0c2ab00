"""The best, the median and the worst photos after a click: `cases` for clicked models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from common.clicks.predictor import Predictor
from common.clicks.prompts import pet_truth
from common.clicks.robot import replies
from common.config import CLASSES
from common.data.pets import read_pair
from common.scoring.cases import pick_cases, store_cases
from common.scoring.click_scores import iou_curves


def select_click_cases(table: pd.DataFrame, clicks: int = 1, each: int = 4) -> pd.DataFrame:
    """The photos a reader should see, by the IoU of the pet after so many clicks.

    Args:
        table: counts of `common.scoring.clicking`.

    Returns:
        Columns group, image, species, iou, as `common.scoring.cases.select_cases`.
    """
    species = table.drop_duplicates("image").set_index("image")["species"]
    ranked = pd.DataFrame({"species": species, "iou": iou_curves(table)[clicks]}).reset_index()
    return pick_cases(ranked, each)


def save_click_cases(
    file: Path, predictor: Predictor, root: Path, cases: pd.DataFrame, clicks: int = 1
) -> None:
    """Let the robot click on the selected photos and store truth and answer as small maps."""
    maps = []
    for case in cases.itertuples():
        image, mask = read_pair(root, case.image, case.species)
        truth = pet_truth(mask)
        predictor.set_image(image)
        *_, reply = replies(predictor, truth, clicks=clicks)
        animal = CLASSES.index(reply.species[0]) if reply.species else case.species
        maps.append((mask, (reply.mask * animal).astype(np.uint8)))
    store_cases(file, cases, maps)
