"""What a folder of runs remembers, and the lock that keeps a second pipeline out of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import filelock

from common.config import UserError, atomic_path

DONE, RUNNING, FAILED = "done", "running", "failed"


class State:
    """The pipeline's own memory: one JSON file, notebook name → what is known of its last run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def get(self, name: str) -> dict:
        """Entry of a notebook; empty if it never ran (or the file cannot be read)."""
        try:
            return json.loads(self.path.read_text(encoding="utf-8")).get(name, {})
        except (OSError, ValueError):
            return {}

    def put(self, name: str, **fields: object) -> None:
        """Merge ``fields`` into the entry of a notebook, atomically."""
        try:
            entries = json.loads(self.path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            entries = {}
        entries[name] = {**entries.get(name, {}), **fields}
        with atomic_path(self.path) as temporary:
            temporary.write_text(json.dumps(entries, indent=1, sort_keys=True), encoding="utf-8")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold ``folder`` for one pipeline, and sweep up what a killed one left in it.

    Raises:
        UserError: another process holds it, or the folder cannot be written.
    """
    lock = filelock.FileLock(folder / ".lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise UserError(
            f"another pipeline is already running in {folder}; wait for it to end"
        ) from error
    except OSError as error:
        raise UserError(
            f"{folder}: could not be written ({error.strerror or error}); "
            "free some space or choose a writable folder"
        ) from error
    try:
        for leftover in folder.glob(".*.tmp*"):
            leftover.unlink()
        yield
    finally:
        lock.release()
