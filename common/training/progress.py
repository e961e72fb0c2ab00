"""An unfinished run's progress, read again; that of another run is never written over."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import torch

from common.config import UserError
from common.provenance import json_sha256
from common.training.processes import is_main, wait


def read_progress(state: Path, key: str, recipe: dict[str, Any]) -> dict[str, Any] | None:
    """What a run of this key and recipe left in ``state``; None where there is none.

    Progress of another run is renamed, unless that run was at its end.

    Raises:
        UserError: the file is damaged.
    """
    if not state.is_file():
        return None
    try:
        progress = torch.load(state, weights_only=True, map_location="cpu")
        whose = progress["key"], progress["config"]
        progress["history"] = json.loads(progress["history"])
        total = json.loads(progress["config"])["epochs"]
    except Exception as error:  # torch raises many kinds for a damaged file
        reason = str(error).partition("\n")[0][:120]
        raise UserError(f"{state}: unreadable progress ({reason}); delete it") from None
    if whose == (key, json.dumps(recipe)):
        return progress
    wait()  # all processes have read it
    if is_main() and len(progress["history"]) < total:
        aside = state.with_name(f"{state.stem}-{json_sha256(whose)[:8]}.pt")
        os.replace(state, aside)
        print(
            f"{state.name} is of other settings, photos or code ({len(progress['history'])} of "
            f"{total} epochs): it is kept as {aside}, and this training begins anew; rename it "
            "back to go on with those"
        )
    return None
