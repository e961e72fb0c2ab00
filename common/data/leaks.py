"""No photo in two splits: the same file by sha256, the same picture by a perceptual hash."""

import imagehash
import numpy as np
import pandas as pd
from PIL import Image

HELD_OUT = ("test", "val")  # in order of precedence: test keeps its copy, then val
NEAR = 4  # bits of 64; on this dataset all pairs up to 6 are one scene, from 8 on most are not


def photo_hash(image: Image.Image) -> str:
    """The picture's 64-bit perceptual hash (DCT of a 32×32 grey copy) as 16 hex digits."""
    return str(imagehash.phash(image))


def near_duplicates(table: pd.DataFrame, near: int = NEAR) -> pd.DataFrame:
    """Pairs of rows in different splits that show one picture: a, b, bits that differ.

    ``bits`` is 0 to ``near``, or more where two equal files carry different hashes.

    Args:
        table: columns split, sha256, phash.
    """
    codes = np.array([int(code, 16) for code in table["phash"]], np.uint64)
    file, _ = pd.factorize(table["sha256"])
    split, _ = pd.factorize(table["split"])
    pairs = []
    for row, code in enumerate(codes[:-1]):
        bits = np.bitwise_count(codes[row + 1 :] ^ code)
        alike = (bits <= near) | (file[row + 1 :] == file[row])
        for other in np.flatnonzero(alike & (split[row + 1 :] != split[row])):
            pairs.append((table.index[row], table.index[row + 1 + other], int(bits[other])))
    return pd.DataFrame(pairs, columns=["a", "b", "bits"])


def drop_leaks(table: pd.DataFrame) -> pd.DataFrame:
    """The table with ``split`` = "leak" where a photo's copy is held out more strictly."""
    rank = {split: order for order, split in enumerate((*HELD_OUT, "train"))}
    table = table.reset_index(drop=True)
    split = table["split"].copy()
    for a, b, _ in near_duplicates(table).itertuples(index=False):
        looser = max((a, b), key=lambda row: rank[table.at[row, "split"]])
        split[looser] = "leak"
    return table.assign(split=split)
