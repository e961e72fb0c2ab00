"""Tables that a run measured: made where photos are at hand, read where they are not."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from common.config import atomic_path
from common.provenance import json_sha256
from common.scoring.photos import read_counts


def made_or_stored(
    file: Path, make: Callable[[], pd.DataFrame], *, measure: bool, key: object
) -> pd.DataFrame:
    """The table of a file, made first where it is to be measured and is not there as asked for.

    Args:
        file: a .parquet file.
        make: measures.
        measure: False reads what is stored.
        key: JSON-able; what the table follows from. With another one it is made again.

    Raises:
        UserError: there is nothing to read; the message says what makes it.
    """
    identity = json_sha256(key)
    if measure and not (file.is_file() and read_counts(file).attrs.get("key") == identity):
        table = make()
        table.attrs = {**table.attrs, "key": identity}
        with atomic_path(file) as path:
            table.to_parquet(path, index=False)
    return read_counts(file)
