"""What a reader is told about the runs: status lines, durations, and where results come from."""

from __future__ import annotations

import csv
from pathlib import Path

from common.pipeline.notebook import Notebook
from common.pipeline.plan import Plan, Step
from common.provenance import git_commit, processor, versions

SHOWN = 4  # reasons on a status line


def duration(seconds: float) -> str:
    """Seconds for a reader: ``41 s``, ``3 min 05 s``, ``1 h 12 min``."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def status_line(plan: Plan, step: Step) -> str:
    """Why a notebook will run, or since when it is up to date."""
    if step.action == "keep":
        entry = plan.state.get(step.notebook.name)
        when = entry["finished"][:16].replace("T", " ")
        return f"up to date (ran {when} in {duration(entry['seconds'])})"
    more = len(step.reasons) - SHOWN
    return "; ".join(step.reasons[:SHOWN]) + (f"; and {more} more" if more > 0 else "")


def finished(plan: Plan) -> list[Notebook]:
    """Notebooks whose executed copy is there, in running order."""
    state = plan.state
    return [n for n in plan.notebooks if plan.output(n).is_file() and "key" in state.get(n.name)]


def provenance(plan: Plan, results: Path) -> dict[str, object]:
    """Where the results of a plan come from.

    Args:
        plan: notebooks that have run.
        results: folder whose ``test_reads.csv`` lists the scorings of the test split.

    Returns:
        Plain values, one dict (minutes a notebook) and one list of dicts (test reads).
    """
    entries = {notebook.name: plan.state.get(notebook.name) for notebook in finished(plan)}
    data = sorted({entry["parts"].get("data") for entry in entries.values()} - {None})
    reads = results / "test_reads.csv"
    return {
        "date": max((entry["finished"] for entry in entries.values()), default="never"),
        "commit": git_commit(plan.root),
        "data": ", ".join(data) or "none: the project's own sample photos",
        "processor": processor(),
        "versions": versions(),
        "minutes": {name: round(entry["seconds"] / 60, 1) for name, entry in entries.items()},
        "test_reads": (
            list(csv.DictReader(reads.read_text(encoding="utf-8").splitlines()))
            if reads.is_file()
            else []
        ),
    }
