"""Breeds in groups of a look, so that scores can be compared where single breeds are too few.

Dogs by the groups of the American Kennel Club (the two breeds that it does not list stand with
their next of kin), cats by the length of their coat.
"""

from __future__ import annotations

import pandas as pd

from common.config import UserError
from common.scoring.scores import bootstrap

GROUPS: dict[str, tuple[str, ...]] = {
    "cats, long hair": ("Birman", "Maine Coon", "Persian", "Ragdoll"),
    "cats, short hair": (
        "Abyssinian",
        "Bengal",
        "Bombay",
        "British Shorthair",
        "Egyptian Mau",
        "Russian Blue",
        "Siamese",
    ),
    "cats, no hair": ("Sphynx",),
    "dogs, toy": (
        "Chihuahua",
        "Havanese",
        "Japanese Chin",
        "Miniature Pinscher",
        "Pomeranian",
        "Pug",
        "Yorkshire Terrier",
    ),
    "dogs, terriers": (
        "American Pit Bull Terrier",
        "Scottish Terrier",
        "Staffordshire Bull Terrier",
        "Wheaten Terrier",
    ),
    "dogs, hounds": ("Basset Hound", "Beagle"),
    "dogs, sporting": ("English Cocker Spaniel", "English Setter", "German Shorthaired"),
    "dogs, working": (
        "American Bulldog",
        "Boxer",
        "Great Pyrenees",
        "Leonberger",
        "Newfoundland",
        "Saint Bernard",
        "Samoyed",
    ),
    "dogs, others": ("Keeshond", "Shiba Inu"),
}
GROUP_OF = {breed.lower(): group for group, breeds in GROUPS.items() for breed in breeds}


def by_breed(counts: pd.DataFrame) -> pd.Series:
    """Group of each photo, in the order above.

    Args:
        counts: one row a photo, with ``breed`` (spaces or underscores, in any case).

    Raises:
        UserError: a breed is in no group.
    """
    names = counts["breed"].str.replace("_", " ").str.lower()
    if strange := sorted(set(names) - set(GROUP_OF)):
        raise UserError(f"breed {strange[0]!r} is in no group; add it to common/scoring/breeds.py")
    return pd.Series(pd.Categorical(names.map(GROUP_OF), list(GROUPS)), counts.index)


def group_scores(counts: pd.DataFrame, score: str = "foreground_iou") -> pd.DataFrame:
    """A score of each group of breeds with its 95 % interval over photos, in the order above.

    Args:
        counts: as in `by_breed`.
        score: of `common.scoring.scores`; one that mixes classes says little inside one species.

    Returns:
        label (the group and its photos), value, low, high, colour (the species), n.
    """
    rows = []
    for group, photos in counts.groupby(by_breed(counts), observed=True):
        found = bootstrap(photos, [score]).loc[score].to_dict()
        label, species = f"{group} (n {len(photos)})", group[:3]
        rows.append({"label": label, **found, "colour": species, "n": len(photos)})
    return pd.DataFrame(rows)
