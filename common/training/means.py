"""A network whose weights are the mean of two trainings' that began alike.

The mean keeps much of what one learnt last, and of what the other has not unlearnt (Wortsman et
al. 2022, "Robust fine-tuning of zero-shot models").
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd
import torch
from torch import Tensor

from common.checkpoint import load_checkpoint, read_card, save_checkpoint
from common.config import CHECKPOINTS, RESULTS, UserError, atomic_path
from common.data.cache import PetCache
from common.provenance import json_sha256
from common.training.finished import Run, load_run
from common.training.runs import Training, run_or_load_last


def mean_or_load(
    name: str,
    lessons: Sequence[Training],
    caches: Sequence[PetCache | None],
    early: str,
    share: float,
    results: Path = RESULTS,
) -> Run:
    """The mean of the last of some lessons and an earlier one: loaded if it is made of them.

    Args:
        name: of its checkpoint.
        lessons, caches: of `run_or_load_last`; done only where the mean has to be made.
        early: the earlier lesson's name.
        share: of the last one's weights.
        results: the results folder.
    """
    folder = results / CHECKPOINTS.name
    parts = [folder / early, folder / lessons[-1].name]
    if caches[-1] is not None and _key_there(folder / name) != _key(parts, share):
        run_or_load_last(lessons, caches, results)
        first, card = load_checkpoint(parts[0])
        last = load_checkpoint(parts[1])[0].state_dict()
        first.load_state_dict(mean(first.state_dict(), last, share))
        training = {"key": _key(parts, share), "start": parts[1].name, "mean_with": early}
        card = replace(card, training={**training, "share": share})
        save_checkpoint(folder / name, first, card)
        with atomic_path(results / "history" / f"{name}.csv") as file:  # it took no epoch
            pd.DataFrame({"epoch": [], "seconds": []}).to_csv(file, index=False)
    return load_run(name, results)


@torch.no_grad()
def mean(first: dict[str, Tensor], last: dict[str, Tensor], share: float) -> dict[str, Tensor]:
    """Tensors between those of two networks; counts of batches are the first one's."""
    return {
        name: value.lerp(last[name], share) if value.is_floating_point() else value
        for name, value in first.items()
    }


def _key(parts: Sequence[Path], share: float) -> str:
    """What the mean follows from; "" where a part has not even its card."""
    try:
        tensors = [read_card(part)["tensors_sha256"] for part in parts]
    except UserError:
        return ""
    return json_sha256({"tensors": tensors, "share": share})


def _key_there(stem: Path) -> str | None:
    try:
        return read_card(stem)["training"]["key"]
    except (UserError, KeyError):
        return None
