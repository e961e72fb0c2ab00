"""What a folder of runs remembers."""

import json
from pathlib import Path

from common.config import atomic_path

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
