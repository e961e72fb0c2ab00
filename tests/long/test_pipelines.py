"""The README's two commands that run every notebook, in a fresh copy of the project."""

from pathlib import Path

import pytest

from common.config import NOTEBOOKS
from tests.test_readme_blocks import WHOLE, pets, project, said, started  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.long, pytest.mark.whole, pytest.mark.timeout(2400)]


@pytest.mark.parametrize("command", WHOLE)
def test_the_report_of_a_fresh_copy(command: str, project: Path, pets: Path):  # noqa: F811
    """Every notebook in one file: replayed, or everything done on a tiny generated set."""
    assert "report: " in said(started(command, project, pets))
    page = (project / WHOLE[command] / "report.html").read_text(encoding="utf-8")
    assert all(f'id="{path.stem}"' in page for path in NOTEBOOKS.glob("[0-9]*.ipynb"))
