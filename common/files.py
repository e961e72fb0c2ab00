"""What one process at a time makes, and a folder that appears whole or not at all."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from common.config import UserError


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
    lock = FileLock(target.with_name(f".{target.name}.lock"))
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
        lock.acquire(timeout=0)
    except Timeout:
        if not wait:
            raise UserError(
                f"another process is already at work in {target}; wait for it to end"
            ) from None
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
