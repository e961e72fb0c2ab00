"""A project of three notebooks to plan and run, and what became of it."""

from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from common.run_all import main

MODULE, RUNS = "common/figures.py", "results/local/runs/replay"
RAN = "with open('ran.txt', 'a') as log:\n    log.write('{} ')"
COUNTS = "from pathlib import Path\nprint(sum(map(int, Path('{}').read_text().split())))"


def write_notebook(root: Path, name: str, *cells: str, parameters: str = "", **metadata) -> Path:
    """A notebook with a line of text, a parameters cell and code cells; logs that it ran."""
    node = new_notebook(metadata={"pipeline": metadata})
    node.cells = [new_markdown_cell(f"# {name}")]
    if parameters:
        node.cells.append(new_code_cell(parameters, metadata={"tags": ["parameters"]}))
    node.cells += [new_code_cell(source) for source in (RAN.format(name), *cells)]
    path = root / "notebooks" / f"{name}.ipynb"
    nbformat.write(node, path)
    return path


def edit(path: Path, old: str, new: str) -> None:
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))


def ran(root: Path) -> str:
    """Names of the notebooks that ran since the last call."""
    log = root / "ran.txt"
    text = log.read_text().strip() if log.exists() else ""
    log.unlink(missing_ok=True)
    return text


def status(root: Path, capsys: pytest.CaptureFixture, *arguments: str) -> dict[str, str]:
    """Notebook → what ``--status`` says."""
    capsys.readouterr()
    assert main(["--status", *arguments], root=root) == 0
    lines = capsys.readouterr().out.splitlines()
    return dict(line.split(": ", 1) for line in lines)
