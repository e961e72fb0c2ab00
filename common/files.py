"""What one process at a time makes, whole or not at all, and tables that are made or read.

A table's key says what it follows from: a checkpoint, photos, arguments, and the versions of the
code that makes it, which are derived from its imports.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from common.config import UserError, atomic_path
from common.provenance import raised

if TYPE_CHECKING:
    import pandas as pd  # who only wants a lock does not wait for it


@contextmanager
def locked(target: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold a file or folder for this process, and sweep up what a killed one left half made.

    Args:
        target: may be made in the block.
        wait: for another process that holds it; else it is an error.

    Raises:
        UserError: another process holds it, or an operation on files in the block failed, as on a
            full disk.
    """
    lock = FileLock(target.with_name(f".{target.name}.lock"), mode=0o666)  # for whoever may write
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _acquire(lock, target, wait)
        for leftover in (*target.parent.glob(f".{target.name}.*.tmp"), *target.glob(".*.tmp*")):
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        yield
    except OSError as error:
        raise UserError(
            f"{target}: could not be written ({error.strerror or error}); free some space or "
            "choose another folder; what was there before is untouched"
        ) from error
    finally:
        lock.release()


def _acquire(lock: FileLock, target: Path, wait: bool) -> None:
    try:
        try:
            lock.acquire(timeout=0)
        except PermissionError:  # another user's, of before locks were anybody's
            if not Path(lock.lock_file).exists():  # nobody's: the folder is read-only
                raise
            _take_over(Path(lock.lock_file))
            lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise UserError(
                f"another process is already at work in {target}; wait for it to end"
            ) from None
        print(f"waiting for another process, which is making {target}", flush=True)
        lock.acquire()


def _take_over(file: Path) -> None:
    """Remove another user's lock that no living process holds.

    Raises:
        UserError: one does, or the file cannot be removed; the owner and the time are told.
    """
    try:
        import fcntl  # elsewhere than on POSIX there is no such lock

        with file.open("rb") as held:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            file.unlink()
    except (ImportError, OSError) as error:
        at = file.stat()
        if isinstance(error, PermissionError) and at.st_uid == os.geteuid():
            raise  # our own: the folder is read-only
        since = f"{datetime.fromtimestamp(at.st_mtime):%Y-%m-%d %H:%M}"
        raise UserError(
            f"{file} is the lock of user {at.st_uid} since {since}; wait for them, remove it, or "
            "set PETS_CACHE to a folder of your own"
        ) from error


@contextmanager
def fresh_folder(target: Path, needs: int) -> Iterator[Path]:
    """Yield an empty folder that takes the place of ``target`` if the block succeeds.

    Args:
        target: must be `locked`.
        needs: bytes that will be written; a disk with less room is refused at once.
    """
    free = shutil.disk_usage(target.parent).free
    if free < needs:
        message = f"needs {needs / 1e6:,.0f} MB, {free / 1e6:,.0f} MB are free"
        raise OSError(errno.ENOSPC, message)
    scratch, old = (target.with_name(f".{target.name}.{tag}.tmp") for tag in ("new", "old"))
    try:
        scratch.mkdir()
        yield scratch
        if target.exists():
            target.rename(old)
        scratch.rename(target)
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


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
    import pandas as pd

    try:
        return pd.read_parquet(file)
    except FileNotFoundError:
        raise UserError(f"{file}: no such table; run the pipeline with PROFILE=cpu") from None
    except (OSError, ValueError) as error:
        raise UserError(f"{file}: not a readable table ({error}); fetch it again") from None


def write_table(file: Path, table: pd.DataFrame, key: Mapping) -> None:
    """Store a table of numbers and texts with its key; what else it says of itself is kept.

    Written as small as the same values allow: numbers byte by byte, no statistics of columns, and
    of schemas none but the file's own; pandas' serves where the index has something to say.
    """
    import pandas as pd
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    table.attrs = {**table.attrs, "key": key}
    numbers = [str(name) for name in table.select_dtypes("number")]
    how = {
        "compression": "zstd",
        "compression_level": 19,
        "use_dictionary": [str(name) for name in table if str(name) not in numbers],
        "use_byte_stream_split": numbers,
        "store_schema": False,
        "write_statistics": False,
    }
    arrow = pa.Table.from_pandas(table)
    about = {**arrow.schema.metadata, b"PANDAS_ATTRS": json.dumps(table.attrs)}
    if table.index.equals(pd.RangeIndex(len(table))):
        del about[b"pandas"]
    with atomic_path(file) as path, ParquetWriter(path, arrow.schema, **how) as writer:
        writer.write_table(arrow)
        writer.add_key_value_metadata(about)
