"""A new model costs two new files and one line: CONTRIBUTING.md's steps, taken in a copy."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell

from common.config import ROOT
from tests.documents import blocks, commands

STEPS = "CONTRIBUTING.md"
ASK = """from pathlib import Path
from common.publish.readme import results_block
assert "`colour`" in results_block(Path("results/_smoke/results")), "not in the tables"
"""


def register(registry: Path, diff: str) -> None:
    """Put the added lines of the document's diff before the lines they stand before."""
    text, added = registry.read_text(encoding="utf-8"), ""
    for line in diff.splitlines():
        if line.startswith("+"):
            added += f"{line[1:]}\n"
        elif line.startswith(" "):
            assert text.count(f"\n{line[1:]}\n") == 1, f"the registry holds no {line!r}"
            text, added = text.replace(f"\n{line[1:]}\n", f"\n{added}{line[1:]}\n"), ""
    registry.write_text(text, encoding="utf-8")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with a new module, a new notebook, and a line in the registry."""
    built, measured = ("__pycache__", "local", "_smoke"), ("counts", "clicks")
    for folder in ("common", "tests", "notebooks", "results"):
        away = shutil.ignore_patterns(*built, *(measured if folder == "results" else ()))
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=away)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    module, parameters, work = blocks(STEPS, "python")
    (tmp_path / "common" / "models" / "colour.py").write_text(module, encoding="utf-8")
    register(tmp_path / "common" / "models" / "__init__.py", blocks(STEPS, "diff")[0])
    node = nbformat.read(tmp_path / "notebooks" / "09_demo.ipynb", as_version=4)
    node.cells = [*node.cells[:2], new_code_cell(parameters), new_code_cell(work)]
    node.cells[2].metadata["tags"] = ["parameters"]
    node.metadata.pop("pipeline", None)
    nbformat.write(node, tmp_path / "notebooks" / "11_colour.ipynb")
    return tmp_path


def run(command: str, project: Path, pets: Path) -> str:
    """Output of a command of the document, run in the copy; fails if it does."""
    inside = {**os.environ, "PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"}
    if command.startswith("PETS_ROOT="):
        command, inside["PETS_ROOT"] = command.partition(" ")[2], str(pets)
    words = command.replace("python", sys.executable, 1).split()
    done = subprocess.run(words, cwd=project, env=inside, capture_output=True, text=True)
    assert done.returncode == 0, f"{command}\n{done.stdout[-3000:]}{done.stderr[-2000:]}"
    return done.stdout


@pytest.mark.long
@pytest.mark.timeout(1800)
def test_a_new_model_is_in_the_suite_and_in_the_tables(project: Path, pets: Path):
    """The suite of all models tests it, the pipeline trains it, the tables list it."""
    suite, *others = commands(STEPS)
    assert run(f"{suite} -q -p no:cacheprovider", project, pets).count(".") >= 10, "not found"
    for command in others:
        assert "11_colour" in run(command, project, pets)
    inside = {**os.environ, "PYTHONPATH": str(project)}
    subprocess.run([sys.executable, "-c", ASK], cwd=project, env=inside, check=True)
    assert (project / "results" / "checkpoints" / "colour.safetensors").is_file()
