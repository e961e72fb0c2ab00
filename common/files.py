"""A folder that appears whole or not at all, made by one process at a time."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from common.config import UserError


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold the folder ``target`` for this process; another one that wants it waits.

    What a killed process left half made beside it is swept up.

    Raises:
        UserError: an operation on files in the block failed, as on a full disk.
    """
    lock = FileLock(target.with_name(f".{target.name}.lock"))
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _acquire(lock, target)
        for leftover in target.parent.glob(f".{target.name}.*.tmp"):
            shutil.rmtree(leftover)
        yield
    except OSError as error:
        raise UserError(
            f"{target}: could not be written ({error.strerror or error}); free some space or "
            "choose another folder; what was there before is untouched"
        ) from error
    finally:
        lock.release()


def _acquire(lock: FileLock, target: Path) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        print(f"waiting for another process, which is making {target}", flush=True)
        lock.acquire()


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
