"""What a reader is told about the runs: status lines, durations, and where results come from."""

import csv
import json
from collections.abc import Iterable
from pathlib import Path

from common.pipeline.notebook import Notebook
from common.pipeline.plan import Plan, Step
from common.provenance import git_commit, processor, versions

SHOWN = 4  # reasons on a status line
TRAINED = ("seed", "epochs", "best_epoch", "minutes", "processor", "commit", "weights")
LICENCES = [  # the repository's LICENSE, NOTICE and results/LICENSE say it in full
    {"what": what, "source": source, "licence": licence}
    for what, source, licence in (
        (
            "Photos and masks",
            "Oxford-IIIT Pet (Parkhi et al., CVPR 2012); none is in this report",
            "CC BY-SA 4.0, for research",
        ),
        (
            "Sample photos shown",
            "Loliloli; Hans Kemperman; Stéfan van der Walt; GalgenTX",
            "public domain; public domain; CC0; CC BY 2.0",
        ),
        ("Weights and tables", "computed here from Oxford-IIIT Pet", "CC BY-SA 4.0, for research"),
        ("EfficientNet-Lite0, ImageNet weights", "ML Illustrated, 2020", "Apache 2.0"),
        ("Code", "this project", "MIT"),
    )
]


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
        results: folder of ``checkpoints/``, of ``test_reads.csv``, the scorings of the test split,
            of ``faults.csv``, the faults that were provoked on purpose, and of ``machines.csv``,
            the machines that were simulated; each may be missing.

    Returns:
        Plain values, dicts (versions; minutes a notebook) and lists of dicts (trained models,
        test reads, faults, machines, licences).
    """
    entries = {notebook.name: plan.state.get(notebook.name) for notebook in finished(plan)}
    shown = {str(entry["parts"]["data"]) for entry in entries.values() if "data" in entry["parts"]}
    cards = _cards(results / "checkpoints")
    return {
        "date": max((entry["finished"] for entry in entries.values()), default="never"),
        "commit": git_commit(plan.root),
        "data_hash": _several(card.get("data") for card in cards.values()),
        "photos_shown": _several(shown) or "none: the project's own sample photos",
        "seeds": _several(card.get("seed") for card in cards.values()),
        "processor": processor(),
        "minutes_in_all": round(sum(entry["seconds"] for entry in entries.values()) / 60, 1),
        "versions": versions(),
        "minutes": {name: round(entry["seconds"] / 60, 1) for name, entry in entries.items()},
        "models": [
            {"model": name, **{key: card.get(key) for key in TRAINED}}
            for name, card in cards.items()
        ],
        "test_reads": _records(results / "test_reads.csv"),
        "faults": _records(results / "faults.csv"),
        "machines": _records(results / "machines.csv"),
        "licences": LICENCES,
    }


def _cards(folder: Path) -> dict[str, dict]:
    """Checkpoint → what its card says of the training, the commit and the weights."""
    cards = {
        path.stem: json.loads(path.read_text("utf-8")) for path in sorted(folder.glob("*.json"))
    }
    return {
        name: {"commit": card.get("commit"), "weights": card.get("tensors_sha256")}
        | card.get("training", {})
        for name, card in cards.items()
    }


def _several(values: Iterable[object]) -> str:
    return ", ".join(sorted({str(value) for value in values} - {"None"}))


def _records(path: Path) -> list[dict[str, str]]:
    if not path.is_file():
        return []
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))
