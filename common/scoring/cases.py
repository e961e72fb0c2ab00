"""The best, the median and the worst photos of a model, kept as class maps without the photo.

A model that takes clicks is judged by its masks after some of them.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn

from common.checkpoint import Card
from common.clicks.predictor import Predictor
from common.clicks.prompts import pet_truth
from common.clicks.robot import replies
from common.config import CLASSES, UserError, atomic_path
from common.data.geometry import fit_mask, to_input
from common.data.pets import read_pair
from common.inference import predict_mask
from common.samples import Sample
from common.scoring.click_scores import iou_curves
from common.scoring.scores import image_iou

SIZE = 160  # longest side of a stored map
GROUPS = ("best", "median", "worst")


def select_cases(counts: pd.DataFrame, each: int = 4) -> pd.DataFrame:
    """The photos a reader should see: ``each`` of the best, around the median, of the worst.

    Returns:
        Columns group, image, species, iou (of the photo), in order of falling IoU.
    """
    return pick_cases(counts[["image", "species"]].assign(iou=image_iou(counts)), each)


def select_click_cases(table: pd.DataFrame, clicks: int = 1, each: int = 4) -> pd.DataFrame:
    """The photos a reader should see, by the IoU of the pet after so many clicks.

    Args:
        table: counts of `common.scoring.clicking`.

    Returns:
        Columns group, image, species, iou, as `select_cases`.
    """
    species = table.drop_duplicates("image").set_index("image")["species"]
    ranked = pd.DataFrame({"species": species, "iou": iou_curves(table)[clicks]}).reset_index()
    return pick_cases(ranked, each)


def pick_cases(table: pd.DataFrame, each: int = 4) -> pd.DataFrame:
    """`select_cases` from a table of image, species and the IoU of each photo."""
    table = table.sort_values(["iou", "image"], ascending=[False, True], ignore_index=True)
    middle = max(0, len(table) // 2 - each // 2)
    places = {"best": 0, "median": middle, "worst": max(0, len(table) - each)}
    parts = [table.iloc[at : at + each].assign(group=group) for group, at in places.items()]
    return pd.concat(parts, ignore_index=True)[["group", "image", "species", "iou"]]


def inputs(samples: Sequence[Sample], size: int, fit: str = "stretch") -> Tensor:
    """The sample photos as a batch (B, 3, size, size)."""
    return torch.stack([to_input(sample.image, size, fit) for sample in samples])


def save_cases(file: Path, model: nn.Module, card: Card, root: Path, cases: pd.DataFrame) -> None:
    """Predict the selected photos and store truth and prediction as small letterboxed maps."""
    maps = []
    for case in cases.itertuples():
        image, mask = read_pair(root, case.image, case.species)
        maps.append((mask, predict_mask(model, card, image)))
    store_cases(file, cases, maps)


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


def store_cases(
    file: Path, cases: pd.DataFrame, maps: Sequence[tuple[np.ndarray, np.ndarray]]
) -> None:
    """Write truth and prediction of each case, class maps (H, W), as small letterboxed maps.

    Cases of several models have a column ``model``, which is kept.
    """
    truths, guesses = (
        np.stack([fit_mask(classes, SIZE, "letterbox") for classes in kind])
        for kind in zip(*maps, strict=True)
    )
    with atomic_path(file) as path:
        np.savez_compressed(
            path,
            truth=truths,
            predicted=guesses,
            group=cases["group"].to_numpy(str),
            iou=cases["iou"].to_numpy(float),
            image=cases["image"].to_numpy(str),
            **({"model": cases["model"].to_numpy(str)} if "model" in cases else {}),
        )


def load_cases(file: Path) -> list[dict]:
    """Stored cases: group, image, iou, truth (S, S) and predicted (S, S), 255 border and bars."""
    try:
        with np.load(file, allow_pickle=False) as stored:
            columns = {name: stored[name] for name in stored.files}
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: no readable cases ({error}); run the cpu profile") from None
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
