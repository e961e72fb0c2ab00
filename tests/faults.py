"""Provoke faults and hostile input, count them, and write the table: ``python -m tests.faults``.

The trials are those of the tests below (`record_property`, else one each); a loss is a test in
which something was lost, crashed, hung, or did what it must not. The report shows the table.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pytest

from common.config import RESULTS, ROOT, atomic_path, cli

KILLS, DISKS = "tests/test_faults_kills.py", "tests/test_faults_disks.py"
COMMANDS, REQUESTS = "tests/test_fuzz_commands.py", "tests/test_fuzz_requests.py"
FILES = "tests/test_fuzz_files.py"
KINDS: dict[str, str] = {  # what the report says -> what pytest is told
    "killed while data are prepared, exported, imported": f"{KILLS} -k data",
    "killed while training": f"{KILLS} -k training",
    "killed while evaluating": f"{KILLS} -k evaluation",
    "killed while the pipeline runs": f"{KILLS} -k pipeline",
    "killed at each step of writing a checkpoint": "tests/test_runs.py -k a_kill_at_any_moment",
    "disk full": f"{DISKS} -k full",
    "folder read-only": f"{DISKS} -k read_only",
    "two at once": "tests/test_faults_two.py",
    "hostile photos": f"{FILES} -k photos",
    "hostile archives": f"{FILES} -k archives",
    "hostile checkpoints": f"{FILES} -k checkpoints",
    "hostile messages of a page": f"{REQUESTS} -k messages",
    "impossible parameters": f"{REQUESTS} -k parameters",
    "impossible command lines": COMMANDS,
    "code in a checkpoint or in a training's progress":
        "tests/test_checkpoint.py tests/test_train.py -k 'pickle or unpickled'",
    "archive that writes elsewhere": "tests/test_archive.py -k 'foreign or place'",
    "upload too large, others served": "tests/test_demo_browser.py -k 'bad_upload or too_long'",
    "committed files with a secret": "tests/test_faults_secrets.py -k no_file",
}  # fmt: skip


class Ledger:
    """A pytest plugin that counts trials and failed tests."""

    def __init__(self) -> None:
        self.trials = self.losses = self.skipped = 0

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Of each phase of a test; its call, or what fails before it, counts."""
        self.losses += report.failed
        self.skipped += report.skipped
        if report.when == "call" and not report.skipped:
            counts = [count for name, count in report.user_properties if name == "trials"]
            self.trials += max(counts, default=1)


def provoke(tests: str) -> Ledger:
    """Run some tests, and count."""
    ledger = Ledger()
    words = tests.replace("'", "").split(" -k ")
    chosen = [str(ROOT / file) for file in words[0].split()]
    pytest.main([*chosen, *(["-k", words[1]] if words[1:] else []), "-p", "no:cacheprovider"],
                plugins=[ledger])  # fmt: skip
    return ledger


@cli
def main(out: Path = RESULTS / "faults.csv") -> int:
    """Write the table; 1 where there was a loss, or where nothing could be tried."""
    rows = []
    for kind, tests in KINDS.items():
        ledger = provoke(tests)
        rows.append([kind, ledger.trials, ledger.losses, f"python -m pytest {tests}"])
        print(f"{kind}: {ledger.trials} trials, {ledger.losses} losses, {ledger.skipped} skipped",
              flush=True)  # fmt: skip
    with atomic_path(out) as path, path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows(
            [["kind", "trials", "losses", "command"], *rows]
        )
    return int(any(losses or not trials for _, trials, losses, _ in rows))


if __name__ == "__main__":
    sys.exit(main())
