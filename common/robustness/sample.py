"""The sample of test photos under one perturbation after the other, for several models at once."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from common.config import UserError
from common.data.pets import balanced_sample, find_root, read_index, read_pair
from common.robustness.entrants import Entrant, count_versions
from common.robustness.perturb import LEVELS, perturb, photo_seed
from common.robustness.scores import CLEAN
from common.scoring.photos import print_problems

SEED = 0  # of the sample, and of what is random in a perturbation
Photo = tuple[dict, np.ndarray, np.ndarray]  # its row of the index, (H, W, 3) pixels, truth (H, W)


def read_sample(root: Path, photos: int) -> list[Photo]:
    """The photos of the sample that can be read, with their truth: half of them cats.

    Raises:
        UserError: there is none.
    """
    root = find_root(root)
    index = read_index(root)
    chosen = balanced_sample(index[index["split"] == "test"], photos, SEED)
    sample, problems = [], []
    for record in chosen.to_dict("records"):
        try:
            sample.append((record, *read_pair(root, record["name"], record["species"])))
        except UserError as error:
            problems.append({"name": record["name"], "reason": str(error)})
    print_problems(pd.DataFrame(problems, columns=["name", "reason"]))
    if not sample:
        raise UserError(f"{root}: there is no test photo that can be read; copy it again")
    return sample


def count_sample(
    group: Sequence[Entrant], sample: Sequence[Photo], damage: str, levels: Sequence[int]
) -> pd.DataFrame:
    """Rows of all photos under one perturbation at some levels, or clean.

    Returns:
        model, image, species, perturbation, level, clicks and the confusion ``c{t}{p}``.
    """
    steps, rows = [0] if damage == CLEAN else list(levels), []
    for record, image, truth in tqdm(sample, damage, unit="photo", mininterval=1):
        seed = photo_seed(record["name"], SEED)
        versions = [perturb(image, damage, step, seed) if step else image for step in steps]
        about = {"image": record["name"], "species": record["species"], "perturbation": damage}
        rows += [
            {"model": name, **about, "level": steps[version], "clicks": clicks, **counts}
            for name, clicks, version, counts in count_versions(group, versions, truth)
        ]
    return pd.DataFrame(rows)


def forecast(group: Sequence[Entrant], photo: Photo, versions: int) -> None:
    """Measure one photo, and say how long so many perturbed photos will take."""
    _, image, truth = photo
    for _ in range(2):  # the first warms up
        for entrant in group:
            entrant.seconds = 0.0
        deque(count_versions(group, [image] * (LEVELS - 1), truth), maxlen=0)
    each = {entrant.name: 1000 * entrant.seconds / (LEVELS - 1) for entrant in group}
    minutes = sum(each.values()) * versions / 60_000
    told = ", ".join(f"{name} {ms:.0f}" for name, ms in each.items())
    print(
        f"about {minutes:.0f} minutes for {versions:,} perturbed photos; ms for each: {told}",
        flush=True,
    )
    for entrant in group:
        entrant.seconds = 0.0
