"""A command, and how it is killed at any moment of its work."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from common.config import ROOT

PATIENCE = 300  # seconds, on a machine that does other things


@dataclass(frozen=True)
class Work:
    """A command to kill.

    Attributes:
        argv: from the folder it may write in, the arguments for Python.
        begun: whether its work has begun, from that folder, what it printed and when it started.
        result: what must be the same in the end, from that folder.
        before: fills the folder with what was there before.
        kept: what has been achieved; it may only grow.
    """

    argv: Callable[[Path], list[str]]
    begun: Callable[[Path, str, float], bool]
    result: Callable[[Path], object]
    before: Callable[[Path], object] = Path.mkdir
    kept: Callable[[Path], int] = lambda place: 0


def run(
    work: Work, place: Path, how: signal.Signals | None = None, wait: float = 0
) -> tuple[int, float]:
    """Exit code of the command, and the seconds that it lived after its work began."""
    log = place.with_suffix(".log")
    started = time.time()
    with log.open("w") as file:
        process = subprocess.Popen(
            [sys.executable, *work.argv(place)],
            cwd=ROOT,
            stdout=file,
            stderr=file,
            env={**os.environ, "PYTHONUNBUFFERED": "1", "OMP_NUM_THREADS": "1"},
            start_new_session=True,
            # a background job ignores Ctrl-C, and its children would too
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
    try:
        while process.poll() is None and not work.begun(place, log.read_text(), started):
            assert time.time() < started + PATIENCE
            time.sleep(0.02)
        begun = time.time()
        if how:
            time.sleep(wait)
            if process.poll() is None:
                (os.killpg if how == signal.SIGINT else os.kill)(process.pid, how)
        process.wait(PATIENCE)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # of its own children, which it may have left
    assert how or process.returncode == 0, log.read_text()[-3000:]
    return process.returncode, time.time() - begun


def kill(work: Work, place: Path, how: signal.Signals, wait: float) -> None:
    """Kill the command, which loses nothing; where it had ended by then, all begins once more."""
    kept = work.kept(place)
    for attempt in range(8):
        code, _ = run(work, place, how, wait / 2**attempt)
        if code:
            said = place.with_suffix(".log").read_text()
            assert code in (-how, 130), said[-3000:]
            assert code != 130 or "stopped; run the same command again to go on\n" in said
            assert work.kept(place) >= kept
            return
        shutil.rmtree(place)
        work.before(place)
        kept = 0
    pytest.fail("the command ended before each kill")


def says(text: str) -> Callable[[Path, str, float], bool]:
    """The work has begun when this is printed."""
    return lambda place, said, started: text in said


def makes(pattern: str) -> Callable[[Path, str, float], bool]:
    """The work has begun when there is such a file that is newer than the process."""

    def made(place: Path, said: str, started: float) -> bool:
        with suppress(FileNotFoundError):
            return any(path.stat().st_mtime > started for path in place.glob(pattern))
        return False

    return made
