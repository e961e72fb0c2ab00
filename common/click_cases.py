"""The best, the median and the worst photos after a click: `cases` for clicked models."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from .cases import pick_cases, store_cases
from .click_scores import iou_curves
from .config import CLASSES
from .interact.predictor import Predictor
from .interact.prompts import pet_truth
from .interact.robot import first_click, replies
from .pets import read_pair


def select_click_cases(table: pd.DataFrame, clicks: int = 1, each: int = 4) -> pd.DataFrame:
    """The photos a reader should see, by the IoU of the pet after so many clicks.

    Args:
        table: counts of `common.evaluate_clicks`.

    Returns:
        Columns group, image, species, iou, as `common.cases.select_cases`.
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
        first = first_click("robot", truth, np.random.default_rng(0))
        *_, reply = replies(predictor, truth, first, clicks)
        animal = CLASSES.index(reply.species[0]) if reply.species else case.species
        maps.append((mask, (reply.mask * animal).astype(np.uint8)))
    store_cases(file, cases, maps)
