"""The README's two commands that run every notebook, in a fresh copy of the project."""

from pathlib import Path

import pytest

from tests.notebook_cells import notebooks, read, tags
from tests.test_readme_blocks import WHOLE, pets, project, said, started  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.long, pytest.mark.timeout(2400)]
SPOKEN = {"summary", "finding", "verdict"}  # tags of cells that say what was found
RUNS = "results/local/runs/replay"


def spoken(path: Path) -> list[list[str]]:
    """What each of these cells of a notebook says."""
    return [
        [
            out.data["text/markdown"]
            for out in cell.outputs
            if "text/markdown" in out.get("data", ())
        ]
        for cell in read(path).cells
        if SPOKEN & set(tags(cell))
    ]


@pytest.mark.parametrize("command", WHOLE)
def test_the_report_of_a_fresh_copy(command: str, project: Path, pets: Path):  # noqa: F811
    """Every notebook in one file: replayed, or everything done on a tiny generated set."""
    assert "report: " in said(started(command, project, pets))
    page = (project / WHOLE[command] / "report.html").read_text(encoding="utf-8")
    for path in notebooks():
        assert f'id="{path.stem}"' in page
        if command == "make report":
            same = spoken(project / RUNS / path.name) == spoken(path)
            assert same, f"{path.stem} says what the stored tables no longer do: replay it"
