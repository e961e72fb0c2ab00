"""The Makefile and CI, driven with a stand-in for Python: what is installed, what fails how."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from common.config import ROOT

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
    assert calls[:3] == [VENV, INSTALL, f"{INSTALL} -r requirements-dev.txt"]
    for call, marked in ((calls[3], "not long"), (*checkout.make("check")[1], "long")):
        assert call.startswith("-m pytest -n ") and call.endswith(f" -m {marked}")


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


@pytest.mark.parametrize("target", ["report", "test", "check", "demo"])
def test_a_failing_command_fails_the_target(checkout, target):
    assert checkout.make(target, STUB_RUN="5")[0].returncode != 0


def test_the_demo_takes_options(checkout):
    calls = checkout.make("demo", "ARGS=--Voila.ip=0.0.0.0 --Voila.port=9000")[1]
    assert calls == [VENV, INSTALL, "-m common.web.demo --Voila.ip=0.0.0.0 --Voila.port=9000"]


def test_make_alone_lists_every_target(checkout):
    done, calls = checkout.make()
    assert not calls
    for target in ("report", "test", "check", "lab", "demo", "clean"):
        assert f"make {target} " in done.stdout


def run_ci(folder: Path, broken: str = "", chromium: bool = True, **more: str) -> int:
    """Exit code of CI in a folder where make only notes what it is asked, or fails at it."""
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    (folder / ".ci").mkdir(exist_ok=True)
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci")
    made = {"make": f'echo "$1" >> log; [ "$1" != "{broken}" ]', "id": "echo 1000"}
    made |= {"chromium": ""} if chromium else {}
    for name, body in made.items():
        (tools / name).write_text(f"#!/bin/sh\n{body}\n")
        (tools / name).chmod(0o755)
    for name in ("bash", "dirname", "sh"):
        (tools / name).exists() or (tools / name).symlink_to(shutil.which(name))
    done = subprocess.run(["bash", ".ci/run"], cwd=folder, env={"PATH": str(tools), **more})
    return done.returncode


@pytest.mark.parametrize("broken", ["", "test", "check"])
def test_ci_runs_both_targets_and_fails_if_either_does(tmp_path, broken):
    assert os.access(ROOT / ".ci" / "run", os.X_OK)
    assert bool(run_ci(tmp_path, broken)) == bool(broken)
    assert (tmp_path / "log").read_text().split() == ["test", "check"]


def test_ci_skips_no_browser_test(tmp_path):
    """By hand, and not as root, what can run does."""
    assert run_ci(tmp_path, chromium=False, CI="true")
    assert not (tmp_path / "log").exists()
    assert run_ci(tmp_path, chromium=False) == 0
