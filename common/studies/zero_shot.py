"""What a `PetClip` makes of photos by text alone: names ranked, species told, names compared.

One row a photo is kept, so that every share follows from a table. ``rank`` is the place of the
photo's own breed among all 37 names, the best 1: recall at k is the share of ranks up to k.
"""

from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from common.checkpoint import load_checkpoint, read_card
from common.config import RESULTS
from common.data.cache import PetCache
from common.files import artifacts
from common.models.pretraining.captions import BREEDS, HELD_OUT
from common.models.pretraining.clip import PetClip
from common.scoring.click_scores import mean_intervals
from common.training.validation import photo_batches

VERSION = 1  # raise it when a photo would be asked in another way
RECALLS = (1, 5)


@torch.inference_mode()
def zero_shot(model: PetClip, cache: PetCache) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The validation photos and every photo of trainval of a breed that training never saw.

    Returns:
        A row a photo: image, breed, species (1 cat, 2 dog), held_out, rank, guess (a breed),
        species_right. And mean similarities: a row for the photos of a breed, a column a name.
    """
    table = cache.manifest[cache.manifest["split"].isin(["train", "val"])]
    table = table[(table["split"] == "val") | table["breed"].isin(HELD_OUT)]
    rows = table.index.to_numpy()
    batches = [model.eval().similarity(x) for _, x in photo_batches(cache, rows, model.size)]
    of_breeds, of_species = (torch.cat(part).numpy() for part in zip(*batches, strict=True))
    own = of_breeds[np.arange(len(table)), table["breed_id"] - 1]
    found = pd.DataFrame(
        {
            "image": table["name"],
            "breed": table["breed"],
            "species": table["species"],
            "held_out": table["breed"].isin(HELD_OUT),
            "rank": 1 + (of_breeds > own[:, None]).sum(1),
            "guess": np.array(BREEDS)[of_breeds.argmax(1)],
            "species_right": of_species.argmax(1) + 1 == table["species"],
        }
    )
    names = np.array(BREEDS)[table["breed_id"] - 1]
    similarity = pd.DataFrame(of_breeds, columns=BREEDS).groupby(names).mean()
    return found.reset_index(drop=True), similarity.rename_axis("photos")


def zero_shot_or_load(
    name: str, cache: PetCache | None, results: Path = RESULTS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`zero_shot` of a checkpoint, stored in ``results/zero_shot``; without photos as stored."""
    files = [results / "zero_shot" / f"{name}_{part}.parquet" for part in ("photos", "names")]
    stem, key = results / "checkpoints" / name, None
    if cache is not None:
        key = {"checkpoint": read_card(stem)["tensors_sha256"], "data": cache.info["data"]}
    found, similarity = artifacts(files, partial(_asked, stem, cache), key=key)
    return found, similarity


def _asked(stem: Path, cache: PetCache) -> tuple[pd.DataFrame, pd.DataFrame]:
    return zero_shot(load_checkpoint(stem)[0], cache)


def zero_shot_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Shares with 95 % intervals over photos, seen and held-out breeds apart.

    Returns:
        group, label, value, low, high, n; ``balanced``, the mean of both species' shares; and
        ``guess``, what always naming the commoner species or drawing names would reach.
    """
    hits = pd.DataFrame({"species": table["species_right"]})
    hits = hits.assign(**{f"breed within {k}": table["rank"] <= k for k in RECALLS})
    found = []
    for held_out, photos in hits.groupby(table["held_out"]):
        rows = mean_intervals(photos).rename_axis("label").reset_index()
        rows.insert(0, "group", "held-out breeds" if held_out else "seen breeds, validation")
        species = table.loc[photos.index, "species"]
        balanced = photos.groupby(species).mean().mean().to_numpy()
        guess = [species.value_counts(normalize=True).max(), *(k / len(BREEDS) for k in RECALLS)]
        found.append(rows.assign(n=len(photos), balanced=balanced, guess=guess))
    return pd.concat(found, ignore_index=True)


def in_words(scores: pd.DataFrame) -> str:
    """What `zero_shot_scores` says: "seen breeds: species **98.0%** (balanced 97.0%, …); …"."""
    groups = [
        f"{group}: "
        + ", ".join(
            f"{row.label} **{row.value:.1%}** (balanced {row.balanced:.1%}; a guess"
            f" {row.guess:.1%})"
            for row in rows.itertuples()
        )
        for group, rows in scores.groupby("group", sort=False)
    ]
    return "; ".join(groups)
