"""Building a preprocessed dataset: each photo is read, checked, fitted and written once.

Photos are written row by row, so that a full disk is an error and never a crash, as it is on a
memory map; the folder appears when it is whole.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from common.config import UserError
from common.data.cache import FILES, FORMAT, LICENCE
from common.data.geometry import fit_mask, fit_photo
from common.data.leaks import drop_leaks, photo_hash
from common.data.pets import find_root, photo_path, read_index, read_pair
from common.files import fresh_folder
from common.provenance import file_sha256


def build(source: Path, target: Path, *, size: int, fit: str, identity: str) -> None:
    """Decode every photo of ``source`` into a new cache at ``target``, which must be `locked`.

    Raises:
        UserError: the dataset has no list or no readable photo.
        OSError: the disk is full, or the folder cannot be written.
    """
    index = read_index(source)
    needs = len(index) * (size * size * 4 + 512)
    print(f"preparing {len(index):,} photos at {size} px: {needs / 1e6:,.0f} MB in {target}")
    with fresh_folder(target, needs) as scratch:
        problems = _fill(scratch, source, index, size, fit)
        info = {"format": FORMAT, "size": size, "fit": fit, "data": identity, "licence": LICENCE}
        info["files"] = {file: file_sha256(scratch / file) for file in FILES}
        (scratch / "info.json").write_text(json.dumps(info, indent=2), encoding="utf-8")
    if problems:
        print(
            f"{len(problems):,} of {len(index):,} photos were left out (first: "
            f"{problems[0]['reason']}), see {target / 'problems.csv'}"
        )


def _fill(scratch: Path, source: Path, index: pd.DataFrame, size: int, fit: str) -> list[dict]:
    """Write the arrays and tables of a cache; returns name and reason of what was left out."""
    root = find_root(source)
    kept, problems = [], []
    with (
        _Array(scratch / "images.npy", (size, size, 3)) as images,
        _Array(scratch / "masks.npy", (size, size)) as masks,
    ):
        bar = tqdm(index.to_dict("records"), desc="decoding", unit="photo", mininterval=1)
        for row in bar:
            try:
                image, mask = read_pair(root, row["name"], row["species"])
            except UserError as error:
                reason = str(error).replace(f"{root}{os.sep}", "")  # the table may travel
                problems.append({"name": row["name"], "reason": reason})
                continue
            images.append(fit_photo(image, size, fit))
            masks.append(fit_mask(mask, size, fit))
            kept.append({**row, **_describe(photo_path(root, row["name"]), image)})
    if not kept:
        raise UserError(
            f"{root}: none of {len(index)} photos could be read (first: {problems[0]['reason']}); "
            "copy the dataset again"
        )
    drop_leaks(pd.DataFrame(kept)).to_csv(scratch / "manifest.csv", index=False)
    table = pd.DataFrame(problems, columns=["name", "reason"])
    table.to_csv(scratch / "problems.csv", index=False)
    return problems


def _describe(path: Path, image: np.ndarray) -> dict[str, int | str]:
    height, width = image.shape[:2]
    phash = photo_hash(Image.fromarray(image))
    return {"height": height, "width": width, "sha256": file_sha256(path), "phash": phash}


class _Array:
    """A uint8 .npy file written row by row, so that a full disk is an error and not a SIGBUS.

    NumPy leaves room in the header for the number of rows, which is known at the end.
    """

    def __init__(self, path: Path, row_shape: tuple[int, ...]) -> None:
        self.path, self.row_shape, self.count = path, row_shape, 0

    def __enter__(self) -> _Array:
        self.file = self.path.open("wb")
        self._write_header()
        return self

    def _write_header(self) -> None:
        shape = (self.count, *self.row_shape)
        header = {"descr": "|u1", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(self.file, header)

    def append(self, row: np.ndarray) -> None:
        self.file.write(row.tobytes())
        self.count += 1

    def __exit__(self, *_: object) -> None:
        with self.file:
            self.file.seek(0)
            self._write_header()
