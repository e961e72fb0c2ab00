"""The first cell of the notebooks, as in Colab: no project beside it, torch already there."""

import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell

from common.config import NOTEBOOKS, ROOT, UserError
from common.publish.setup_cell import BADGE, CELL, RELEASE, REPOSITORY, badge, renew, set_up

COLAB = """\
from pathlib import Path

class _widgets:  # anywidget looks into it
    _installed_url = None

def enable_custom_widget_manager():
    _widgets._installed_url = "a manager"
    Path("asked").touch()
"""
LOOK = """
import torch
assert str(Path.cwd()) == common.__path__[0].removesuffix("/common"), "another copy"
print(Path.cwd().name, torch.__version__)"""


def git(folder: Path, *arguments: str) -> None:
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *who, *arguments], cwd=folder, check=True, capture_output=True)


@pytest.fixture(scope="module")
def origin(tmp_path_factory) -> Path:
    """A repository with the release as it stands, and a newer state that is broken."""
    folder = tmp_path_factory.mktemp("origin")
    away = shutil.ignore_patterns("__pycache__", "vendor")
    shutil.copytree(ROOT / "common", folder / "common", ignore=away)
    shutil.copy(ROOT / "requirements-colab.txt", folder)
    weights = folder / "results" / "checkpoints"
    weights.mkdir(parents=True)
    for file in (ROOT / "results" / "checkpoints").glob("unet.*"):
        shutil.copy(file, weights)
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "-m", "release")
    git(folder, "tag", RELEASE)
    (folder / "common" / "config.py").write_text("raise SystemExit('not the release')\n")
    git(folder, "commit", "--quiet", "-am", "later")
    return folder


@pytest.fixture
def colab(tmp_path: Path, origin: Path, monkeypatch) -> Path:
    """A working directory elsewhere; ``google.colab`` is importable, no index is reachable."""
    package = tmp_path / "site" / "google" / "colab"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "output.py").write_text(COLAB)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    monkeypatch.setenv("COLAB_RELEASE_TAG", "release-colab_today")
    monkeypatch.setenv("PROJECT_URL", origin.as_uri())
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    (tmp_path / "content").mkdir()
    return tmp_path / "content"


def run(folder: Path, code: str = CELL) -> subprocess.CompletedProcess:
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_all_notebooks_begin_alike_and_link_to_the_release(tmp_path: Path):
    """``python -m common.publish.setup_cell`` writes both."""
    paths = sorted(NOTEBOOKS.glob("[0-9]*.ipynb"))
    for path in paths:
        shutil.copy(path, tmp_path)
    assert renew(sorted(tmp_path.iterdir())) == [], "run python -m common.publish.setup_cell"
    for path in paths:
        assert CELL in [cell.source for cell in nbformat.read(path, as_version=4).cells]
    assert f'"{RELEASE}"' in CELL and f"https://github.com/{REPOSITORY}" in CELL


def test_in_colab_the_demo_runs_from_the_release_and_its_canvas_shows(colab: Path):
    """Set-up, imports, and a canvas to click on, in a real kernel."""
    node = nbformat.read(NOTEBOOKS / "09_demo.ipynb", as_version=4)
    shown = next(i for i, cell in enumerate(node.cells) if cell.source == "ClickCanvas(session)")
    node.cells = [*node.cells[: shown + 1], new_code_cell("import common" + LOOK)]
    NotebookClient(node, resources={"metadata": {"path": str(colab)}}, timeout=300).execute()
    torch = sys.modules["torch"].__version__
    assert node.cells[-1].outputs[0].text.split() == ["pets", torch]
    (canvas,) = node.cells[shown].outputs
    ((kind, told),) = canvas.metadata.items()
    assert kind in canvas.data and told["colab"]["custom_widget_manager"]["url"] == "a manager"


@pytest.mark.long
def test_after_a_restart_the_same_cell_goes_on_with_what_is_there(colab: Path):
    assert run(colab).returncode == 0
    assert (colab / "pets" / "asked").exists(), "custom widgets stay switched off"
    mark = colab / "pets" / "mine"
    mark.touch()
    again = run(colab)
    assert again.returncode == 0 and mark.exists(), again.stderr


@pytest.mark.long
def test_without_the_release_the_newest_state_is_taken_and_said(colab: Path, origin: Path):
    git(origin, "tag", "-d", RELEASE)
    try:
        done = run(colab)
    finally:
        git(origin, "tag", RELEASE, "HEAD~1")
    assert done.returncode == 0, done.stderr
    assert f"No release {RELEASE} there" in done.stdout
    assert "not the release" in (colab / "pets" / "common" / "config.py").read_text()


@pytest.mark.parametrize("lacking", ["project", "package"])
def test_what_cannot_be_fetched_stops_the_cell(colab: Path, origin: Path, lacking, monkeypatch):
    if lacking == "project":
        monkeypatch.setenv("PROJECT_URL", (colab / "nowhere").as_uri())
    else:
        shutil.copytree(origin, colab / "pets")
        (colab / "pets" / "common" / "config.py").touch()
        (colab / "pets" / "requirements-colab.txt").write_text("no-such-package-here==1.0\n")
    done = run(colab)
    assert done.returncode != 0 and "CalledProcessError" in done.stderr
    assert ("nowhere" if lacking == "project" else "no-such-package-here") in done.stderr


def test_beside_the_project_nothing_is_fetched_nor_needed(tmp_path: Path, monkeypatch):
    """In JupyterLab or papermill: no git, no pip, no Colab."""
    monkeypatch.setenv("PATH", str(tmp_path))
    for folder in (ROOT, NOTEBOOKS):
        done = run(folder, f"{CELL}\nimport common.config; print(Path.cwd())")
        assert done.stdout.strip() == str(ROOT), done.stderr
    assert not (ROOT / "asked").exists()


def test_elsewhere_nothing_is_fetched_and_the_way_is_told(tmp_path: Path, monkeypatch):
    """As by papermill from a folder outside the project."""
    monkeypatch.setenv("PATH", str(tmp_path))
    done = run(tmp_path)
    assert done.returncode != 0 and "papermill --cwd PROJECT IN OUT" in done.stderr
    assert not list(tmp_path.iterdir())


def test_a_notebook_without_its_place_for_them_is_refused():
    node = nbformat.read(NOTEBOOKS / "09_demo.ipynb", as_version=4)
    set_up(node, "10_new")
    assert badge("10_new") in node.cells[0].source
    node.cells[0].source = BADGE.sub("", node.cells[0].source)
    with pytest.raises(UserError, match="10_new.ipynb"):
        set_up(node, "10_new")
