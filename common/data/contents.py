"""What files hold, hashed once: again only where size or times say that one was touched."""

import hashlib
import json
import os
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from common.config import UserError, atomic_path, cache_root
from common.provenance import file_sha256

RECENT = 2.0  # seconds within which a file may change again under the same time stamp


def contents_sha256(folder: Path, files: Sequence[Path]) -> str:
    """Hash of the contents of a folder's files, in this order.

    The hash of each file is remembered in the cache folder beside its size and times. Where that
    cannot be written, every call reads all.
    """
    place = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]
    record = cache_root() / f"contents-{place}.json"
    known, now = _read(record), time.time()
    found: dict[str, Any] = {}
    for file in files:
        at = file.stat()
        stamp = [at.st_size, at.st_mtime_ns, at.st_ctime_ns]
        before = known.get(name := file.relative_to(folder).as_posix())
        settled = max(at.st_mtime, at.st_ctime) < now - RECENT
        sha256 = before[3] if before and before[:3] == stamp else file_sha256(file)
        found[name] = [*stamp, sha256, settled]
    if found != known:
        with suppress(UserError), atomic_path(record) as path:
            path.write_text(json.dumps(found), encoding="utf-8")
    return hashlib.sha256("".join(entry[3] for entry in found.values()).encode()).hexdigest()


def _read(record: Path) -> dict[str, Any]:
    """What is remembered of files that were at rest by then; nothing where that is unreadable."""
    try:
        known = json.loads(record.read_text(encoding="utf-8"))
        return {name: entry for name, entry in known.items() if len(entry) == 5 and entry[4]}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}
