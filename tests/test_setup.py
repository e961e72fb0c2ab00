"""Set-up: the requirement lists, the Makefile, CI and the licences say the same and say it true."""

from __future__ import annotations

import ast
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from importlib.metadata import packages_distributions
from pathlib import Path

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from common.config import ROOT

PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13), (3, 14))
PIN = re.compile(
    r"(?P<name>[\w.-]+)==(?P<version>[\w.]+)"
    r'(?: ; python_version (?P<side><|>=) "3\.(?P<minor>\d+)")?(?: +# .+)?'
)
# Colab ships these, or (JupyterLab, Voilà) is itself what they are for.
LEFT_TO_COLAB = set(
    """accelerate beautifulsoup4 bleach einops filelock ipykernel ipython ipywidgets jinja2
    jupyter-client jupyterlab markupsafe matplotlib mistune nbclient nbconvert nbformat numpy
    pandas pillow pyarrow safetensors scikit-image scipy seaborn torch torchvision tqdm
    voila""".split()
)


def normal(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str, python: tuple[int, int] = (3, 11)) -> dict[str, str]:
    """Package → version that ``file`` gives to ``python``; fails on any line that is no pin."""
    found: dict[str, str] = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pin = PIN.fullmatch(line)
        assert pin, f"{file}: {line!r} is no exact pin"
        below = pin["minor"] and python < (3, int(pin["minor"]))
        if pin["side"] and bool(below) != (pin["side"] == "<"):
            continue
        assert normal(pin["name"]) not in found, f"{file}: {pin['name']} is pinned twice"
        found[normal(pin["name"])] = pin["version"]
    return found


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_python_gets_one_exact_version_of_the_same_packages(file):
    names = {frozenset(pins(file, python)) for python in PYTHONS}
    assert len(names) == 1


def test_the_lists_do_not_repeat_each_other():
    assert not pins("requirements.txt").keys() & pins("requirements-dev.txt").keys()


def test_colab_gets_the_same_pins_and_keeps_its_torch():
    everything, colab = pins("requirements.txt"), pins("requirements-colab.txt")
    assert colab.items() <= everything.items()
    assert everything.keys() - colab.keys() == LEFT_TO_COLAB


def test_conda_installs_the_same_list_on_a_python_that_make_accepts():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert "name: pets-segmentation\n" in text
    assert re.search(r"- pip\n +- pip:\n +- -r requirements\.txt\n", text)
    major, minor = re.search(r"- python=(\d+)\.(\d+)\n", text).groups()
    assert (int(major), int(minor)) in PYTHONS
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"{PYTHONS[0]} <= sys.version_info[:2] <= {PYTHONS[-1]}" in makefile


def sources(folder: str) -> Iterator[tuple[Path, str]]:
    """Python text of every module and notebook below ``folder``, magics made into Python."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path, path.read_text(encoding="utf-8")
    for path in sorted((ROOT / folder).glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                yield path, TransformerManager().transform_cell(cell.source)


def imported(text: str) -> set[str]:
    """Top-level names of the modules that ``text`` imports from outside project and Python."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    # google.colab exists only there
    known = sys.stdlib_module_names | {"common", "tests", "conftest", "google"}
    return {name.partition(".")[0] for name in names} - known


@cache
def distributions() -> dict[str, list[str]]:
    """Importable name → packages that bring it, in the running environment."""
    return dict(packages_distributions())


@pytest.mark.parametrize(
    ("folder", "files"),
    [
        ("common", ["requirements.txt"]),
        ("notebooks", ["requirements.txt"]),
        ("tests", ["requirements.txt", "requirements-dev.txt"]),
    ],
)
def test_every_import_is_a_listed_requirement(folder, files):
    listed = {name for file in files for name in pins(file)}
    unlisted = {
        f"{path.relative_to(ROOT)}: {module}"
        for path, text in sources(folder)
        for module in imported(text)
        if not listed & {normal(name) for name in distributions().get(module, [module])}
    }
    assert not unlisted


STUB = """#!/bin/sh
echo "$*" >> "$STUB_LOG"
case "$*" in
  -V) echo "Python 3.9.1" ;;
  -c*) exit "${STUB_FITS:-0}" ;;
  "-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
  "-m pip install"*) exit "${STUB_PIP:-0}" ;;
  "-m pip"*) ;;
  *) exit "${STUB_RUN:-0}" ;;
esac
"""


class Checkout:
    """A folder with the Makefile and a stand-in for Python that only notes what it is asked."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.log = folder, folder / "log"
        folder.mkdir()
        for name in ("Makefile", "requirements.txt", "requirements-dev.txt"):
            shutil.copy(ROOT / name, folder)
        self.python = folder / "python"
        self.python.write_text(STUB)
        self.python.chmod(0o755)

    def make(self, *arguments: str, **stub: str) -> tuple[subprocess.CompletedProcess, list[str]]:
        """Run make; return how it ended and the calls after the probing of Python and pip."""
        self.log.write_text("")
        environment = {"PATH": os.environ["PATH"], "STUB_LOG": str(self.log), **stub}
        done = subprocess.run(
            ["make", *arguments, f"PYTHON={self.python}"],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        calls = self.log.read_text().splitlines()
        return done, [c for c in calls if not c.startswith(("-V", "-c", "-m pip --version"))]


VENV = "-m venv --clear .venv"
INSTALL = "-m pip install --disable-pip-version-check -r requirements.txt"
REPLAY = "-m common.run_all --profile replay"


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    if not shutil.which("make"):
        pytest.skip("needs make")
    return Checkout(tmp_path / "a folder with spaces")


def test_report_is_one_command_and_installs_once_without_the_test_tools(checkout):
    first, calls = checkout.make("report")
    assert first.returncode == 0 and calls == [VENV, INSTALL, REPLAY]
    assert "4 minutes and 6 GB" in first.stdout
    assert checkout.make("report", "PROFILE=cpu")[1] == ["-m common.run_all --profile cpu"]


def test_tests_bring_their_own_tools_and_split_off_the_long_ones(checkout):
    calls = checkout.make("test")[1]
    assert calls == [VENV, INSTALL, f"{INSTALL} -r requirements-dev.txt", "-m pytest -m not long"]
    assert checkout.make("check")[1] == ["-m pytest -m long"]


def test_an_install_that_failed_is_done_again(checkout):
    failed, calls = checkout.make("report", STUB_PIP="1")
    assert failed.returncode != 0 and calls == [VENV, INSTALL]
    assert "run the same command again" in failed.stderr
    assert checkout.make("report")[1] == [INSTALL, REPLAY]


def test_changed_requirements_are_installed(checkout):
    checkout.make("report")
    later = (checkout.folder / ".venv" / ".requirements-installed").stat().st_mtime + 5
    os.utime(checkout.folder / "requirements.txt", (later, later))
    assert checkout.make("report")[1] == [INSTALL, REPLAY]


def test_an_old_python_is_named_and_nothing_is_made(checkout):
    done, calls = checkout.make("report", STUB_FITS="1")
    assert done.returncode != 0 and not calls
    assert "needs Python 3.10 to 3.14" in done.stderr and "is Python 3.9.1" in done.stderr
    assert not (checkout.folder / ".venv").exists()


@pytest.mark.parametrize("target", ["report", "test", "check"])
def test_a_failing_command_fails_the_target(checkout, target):
    assert checkout.make(target, STUB_RUN="5")[0].returncode != 0


def test_the_demo_says_so_while_it_has_no_notebook(checkout):
    done, calls = checkout.make("demo")
    assert done.returncode != 0 and not calls and "not here yet" in done.stderr


def test_make_alone_lists_every_target(checkout):
    done, calls = checkout.make()
    assert not calls
    for target in ("report", "test", "check", "lab", "demo", "clean"):
        assert f"make {target} " in done.stdout


@pytest.mark.parametrize("broken", ["", "test", "check"])
def test_ci_runs_both_targets_and_fails_if_either_does(tmp_path, broken):
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    for name, body in {
        "make": f'echo "$1" >> log; [ "$1" != "{broken}" ]',
        "chromium": "",
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci")
    environment = {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}"}
    done = subprocess.run(["bash", ".ci/run"], cwd=tmp_path, env=environment, capture_output=True)
    assert (done.returncode != 0) == bool(broken)
    assert (tmp_path / "log").read_text().split() == ["test", "check"]


@pytest.mark.parametrize("file", ["NOTICE", "results/LICENSE"])
def test_the_dataset_is_credited_apart_from_the_code(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    for part in ("Oxford-IIIT Pet", "Parkhi", "Attribution-ShareAlike 4.0", "research"):
        assert part in text
    assert "Parkhi" not in (ROOT / "LICENSE").read_text(encoding="utf-8")


def test_no_file_names_a_folder_of_somebodys_machine():
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True)
    if listing.returncode:
        pytest.skip("not a git checkout")
    private = re.compile(rb"(?<![\w.}])/(?:work|root|home/\w+|Users/\w+)/|\.\./" + rb"shared\b")
    named = [
        f"{name}: {found[0].decode()}"
        for name in listing.stdout.split("\0")
        if (ROOT / name).is_file() and (found := private.search((ROOT / name).read_bytes()))
    ]
    assert not named
