"""Provoke faults and hostile input, count them, and write the table: ``python -m tests.faults``.

``python -m tests.faults machines`` tries other machines instead (`tests.machines`).

The trials are those of the tests below (`record_property`, else one each); a loss is a test in
which something was lost, crashed, hung, or did what it must not. The report shows the table.
"""

import csv
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path
from xml.etree import ElementTree

from common.config import RESULTS, ROOT, atomic_path, cli
from tests import machines

RUNS = "tests/training/test_runs.py"
PICKLES = "tests/test_checkpoint.py tests/training/test_trainer.py"
DEMO = "tests/long/test_demo_browser.py"
KILLS, DISKS = "tests/long/test_faults_kills.py", "tests/long/test_faults_disks.py"
COMMANDS, REQUESTS = "tests/long/test_fuzz_commands.py", "tests/long/test_fuzz_requests.py"
FILES = "tests/long/test_fuzz_files.py"
LABELS = "tests/data/test_labels.py tests/long/test_labels_in.py"
KINDS: dict[str, str] = {  # what the report says -> what pytest is told
    "killed while data are prepared, exported, imported": f"{KILLS} -k data",
    "killed while training": f"{KILLS} -k training",
    "killed while evaluating": f"{KILLS} -k evaluation",
    "killed while the pipeline runs": f"{KILLS} -k pipeline",
    "killed at each step of writing a checkpoint": f"{RUNS} -k a_kill_at_any_moment",
    "disk full": f"{DISKS} -k full",
    "folder read-only": f"{DISKS} -k read_only",
    "two at once": "tests/long/test_faults_two.py",
    "hostile photos": f"{FILES} -k 'photos and not model'",
    "hostile photos, through a model": f"{FILES} -k photos_for_a_model",
    "odd but valid photos, through every way in": "tests/long/test_ways_in.py",
    "odd label files, read and by commands": LABELS,
    "hostile archives": f"{FILES} -k archives",
    "hostile checkpoints": f"{FILES} -k checkpoints",
    "hostile messages of a page": f"{REQUESTS} -k messages",
    "impossible parameters": f"{REQUESTS} -k parameters",
    "impossible command lines": COMMANDS,
    "code in a checkpoint or in a training's progress": f"{PICKLES} -k 'pickle or unpickled'",
    "archive that writes elsewhere": "tests/data/test_archive_refused.py -k 'foreign or place'",
    "upload too large, others served": f"{DEMO} -k 'bad_upload or too_long'",
    "committed files with a secret": "tests/long/test_faults_secrets.py -k no_file",
}


def provoke(tests: str) -> dict[str, int]:
    """Run some tests in a process of their own, and count what its report says."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", *shlex.split(tests), f"--junitxml={report}"]
        everything = os.environ | {"PROVOKE": "all"}
        subprocess.run([*command, "-p", "no:cacheprovider"], cwd=ROOT, env=everything)
        cases = ElementTree.parse(report).findall(".//testcase") if report.is_file() else []
    tried = [case for case in cases if case.find("skipped") is None]
    return {
        "trials": sum(map(_trials, tried)),
        "losses": sum(len(case.findall("failure") + case.findall("error")) for case in cases),
        "skipped": len(cases) - len(tried),
    }


def _trials(case: ElementTree.Element) -> int:
    """As many as a test says (`record_property`), else the one that it is."""
    counts = [int(p.get("value", 1)) for p in case.iterfind(".//property[@name='trials']")]
    return max(counts, default=1)


@cli
def main(out: Path = RESULTS / "faults.csv") -> int:
    """Write the table; 1 where there was a loss, or where nothing could be tried."""
    rows = []
    for kind, tests in KINDS.items():
        found = provoke(tests)
        command = f"PROVOKE=all python -m pytest {tests}"
        rows.append([kind, found["trials"], found["losses"], command])
        counted = ", ".join(f"{count} {what}" for what, count in found.items())
        print(f"{kind}: {counted}", flush=True)
    with atomic_path(out) as path, path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [["kind", "trials", "losses", "command"], *rows]
        )
    return int(any(losses or not trials for _, trials, losses, _ in rows))


if __name__ == "__main__":
    sys.exit(machines.main() if sys.argv[1:] == ["machines"] else main())
