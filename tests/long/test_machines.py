"""On each simulated machine the README's two commands do what the committed table says."""

import csv
from pathlib import Path

import pytest

from common.config import RESULTS
from tests.fuzzing import EVERYTHING
from tests.machines import COMMANDS, MACHINES, MEMORY, REPORT, try_out
from tests.test_readme_blocks import project  # noqa: F401 (a fixture)

pytestmark = [pytest.mark.long, pytest.mark.timeout(2400)]
with (RESULTS / "machines.csv").open(encoding="utf-8", newline="") as file:
    TABLE = list(csv.DictReader(file))
READ_ONLY = [row for row in TABLE if row["machine"].startswith("read-only")]
TRIED = TABLE if EVERYTHING else [row for row in READ_ONLY if row["command"] == REPORT]


def test_every_machine_is_in_the_table_and_works_or_says_what_is_missing():
    assert [(row["machine"], row["command"].split(" ARGS=")[0]) for row in TABLE] == [
        (name, command.split(" ARGS=")[0]) for name in MACHINES for command in COMMANDS
    ]
    assert all(row["seen"] == "works" or row["seen"].startswith("error: ") for row in TABLE)
    assert all(int(row["mb"]) << 20 < MEMORY for row in TABLE if row["machine"].startswith("2 GB"))


@pytest.mark.parametrize("row", TRIED, ids=lambda row: f"{row['machine']}, {row['command'][:11]}")
def test_a_machine(row: dict[str, str], project: Path, tmp_path: Path):  # noqa: F811
    seen = try_out(row["machine"], row["command"], project, tmp_path)
    assert seen.verdict() == row["seen"], seen.said[-3000:]
