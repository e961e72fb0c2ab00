"""A table as an artifact: made where it is not there as asked for, else read.

The key says what a table follows from: a checkpoint, photos, arguments, and the versions of the
code that makes it, which are derived from its imports.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from common.config import UserError, atomic_path
from common.provenance import raised


def artifact(file: Path, make: Callable[[], pd.DataFrame], *, key: Mapping | None) -> pd.DataFrame:
    """The table of a .parquet file, made first where the stored one has another key.

    Args:
        file: where it is stored.
        make: measures; a function of the project or a partial of one.
        key: JSON-able; what the table follows from beside ``make``. None reads what is stored.

    Raises:
        UserError: there is nothing to read; the message says what makes it.
    """
    whole = None if key is None else full_key(make, key)
    return artifacts([file], lambda: [make()], key=whole)[0]


def artifacts(
    files: Sequence[Path], make: Callable[[], Sequence[pd.DataFrame]], *, key: Mapping | None
) -> list[pd.DataFrame]:
    """Tables that are made together; arguments as `artifact`, a table a file."""
    if key is not None:
        key = full_key(make, key)
        if any(stored(file, key) is None for file in files):
            for file, table in zip(files, make(), strict=True):
                write_table(file, table, key)
    return [read_table(file) for file in files]


def full_key(make: Callable, key: Mapping) -> dict:
    """A key with the versions of the code that ``make`` reaches, as it will be read again."""
    maker = getattr(make, "func", make)  # of a partial
    versions = {} if "versions" in key else {"versions": raised(maker.__module__)}
    return json.loads(json.dumps({**key, **versions}))


def stored(file: Path, key: Mapping) -> pd.DataFrame | None:
    """The table of a file if it was made under this key."""
    table = read_table(file) if file.is_file() else None
    return table if table is not None and table.attrs.get("key") == key else None


def read_table(file: Path) -> pd.DataFrame:
    """A stored table, whatever its key."""
    try:
        return pd.read_parquet(file)
    except FileNotFoundError:
        raise UserError(f"{file}: no such table; run the pipeline with PROFILE=cpu") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: not a readable table ({error}); fetch it again") from None


def write_table(file: Path, table: pd.DataFrame, key: Mapping) -> None:
    """Store a table with its key; what else it says of itself (``attrs``) is kept."""
    table.attrs = {**table.attrs, "key": key}
    with atomic_path(file) as path:
        table.to_parquet(path, compression="zstd")
