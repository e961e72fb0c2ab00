"""Other machines, by simulation: a small part of the README's two commands on each.

``python -m tests.faults machines`` writes what was seen into ``results/machines.csv``, which the
report shows and `tests.long.test_machines` repeats.
"""

import csv
import ctypes
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import psutil

from common.config import RESULTS, atomic_path, cli
from tests.documents import fresh_copy

REPORT = 'make report ARGS="--force --only 06_imagenet_baseline"'
TEST = 'make test ARGS="-p no:cacheprovider tests/test_files.py tests/test_config.py"'
COMMANDS = (REPORT, TEST)
DROP = 24  # PR_CAPBSET_DROP of prctl(2)
BEYOND_MODES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: root, too, keeps to modes of files
MEMORY = 2 << 30  # bytes


@dataclass(frozen=True)
class Machine:
    """What is different there.

    Attributes:
        how: it is simulated, in words.
        environment: of a process; HERE is an empty folder that ``furnish`` is given.
        begin: is called in a process before the command begins.
        read_only: whether the project is.
    """

    how: str
    environment: Mapping[str, str] = field(default_factory=dict)
    furnish: Callable[[Path], object] = lambda here: None
    begin: Callable[[], None] = lambda: None
    read_only: bool = False


class Seen(NamedTuple):
    """Exit code of a command, what it said, seconds, and the most bytes that it held at once."""

    code: int
    said: str
    seconds: float
    held: int

    def verdict(self) -> str:
        """That it works, or the line that says why not."""
        lines = self.said.strip().splitlines()
        wrong = [line for line in lines if line.startswith("error: ")]
        return "works" if self.code == 0 else (wrong or lines or ["says nothing"])[-1]


def at_start(*lines: str) -> Callable[[Path], object]:
    """Every Python begins with them."""
    return lambda here: (here / "sitecustomize.py").write_text("\n".join(lines))


def no_privileges() -> None:
    """What is read-only is so for root, too."""
    for capability in BEYOND_MODES:
        ctypes.CDLL(None).prctl(DROP, capability, 0, 0, 0)


def one_core() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


SMALL = (
    "import psutil",
    "all_there_is = psutil.virtual_memory()",
    f"some = all_there_is._replace(total={MEMORY}, available={MEMORY})",
    "psutil.virtual_memory = lambda: some",
)
SPAWN = ("import multiprocessing", "multiprocessing.set_start_method('spawn')")
SINGLE = (
    "import sys",
    "from tests.devices import NoDoubleMoved, NothingDouble",
    "in_tests = any('pytest' in word or 'exec(eval' in word for word in sys.orig_argv)",
    "(NoDoubleMoved if in_tests else NothingDouble)().__enter__()",
)
NARROW = {"LANG": "C", "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
MACHINES = {
    "spawn start": Machine(
        "multiprocessing starts by spawn in every process",
        {"PYTHONPATH": "HERE"},
        at_start(*SPAWN),
    ),
    "no float64": Machine(
        "float64 tensors are refused; by tests, where they move to a device",
        {"PYTHONPATH": "HERE:."},
        at_start(*SINGLE),
    ),
    "read-only checkout": Machine(
        "the project's files and folders cannot be written", begin=no_privileges, read_only=True
    ),
    "read-only home": Machine(
        "HOME is a folder of mode 555",
        {"HOME": "HERE"},
        lambda here: here.chmod(0o555),
        no_privileges,
    ),
    "LANG=C": Machine("the locale is C; Python's UTF-8 mode and coercion are off", NARROW),
    "one core": Machine("processes are bound to one core", begin=one_core),
    "2 GB of memory": Machine(
        "2 GB are told, and the memory of all processes is added up",
        {"PYTHONPATH": "HERE"},
        at_start(*SMALL),
    ),
}


def try_out(name: str, command: str, project: Path, here: Path) -> Seen:
    """Run a command in a copy of the project on a machine of `MACHINES`, as if for the first time.

    Paths of the project are told without its place.
    """
    shutil.rmtree(project / "results" / "local", ignore_errors=True)
    machine = MACHINES[name]
    machine.furnish(here)
    own = {"PYTHONPATH": "", "OMP_NUM_THREADS": "1", "PYTHON": sys.executable}
    own |= {key: value.replace("HERE", str(here)) for key, value in machine.environment.items()}
    _let_write(project, not machine.read_only)
    start = time.perf_counter()
    try:
        with (here.parent / f"{here.name}.log").open("w+b") as log:
            process = subprocess.Popen(
                shlex.split(command),
                cwd=project,
                env=os.environ | own,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=machine.begin,
            )
            most = 0
            while process.poll() is None:
                most = max(most, held(process.pid))
                time.sleep(0.5)
            log.seek(0)
            said = log.read().decode(errors="replace").replace(f"{project}/", "")
    finally:
        _let_write(project, True)
    return Seen(process.returncode, said, time.perf_counter() - start, most)


def _let_write(project: Path, allowed: bool) -> None:
    """Of the project, but of nothing that a link in it leads to."""
    subprocess.run(["chmod", "-R", "u+w" if allowed else "a-w", str(project)], check=True)


def held(pid: int) -> int:
    """Resident bytes of a process and those that it started; what they share counts once."""
    total = 0
    with suppress(psutil.NoSuchProcess):
        for one in (tree := psutil.Process(pid), *tree.children(recursive=True)):
            with suppress(psutil.NoSuchProcess, FileNotFoundError):
                total += one.memory_full_info().pss
    return total


@cli
def main(out: Path = RESULTS / "machines.csv") -> int:
    """Write the table; 1 where a command neither worked nor said why in one line."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        project = fresh_copy(Path(folder) / "clone of it")
        for name, machine in MACHINES.items():
            for command in COMMANDS:
                here = Path(tempfile.mkdtemp(dir=folder))
                seen = try_out(name, command, project, here)
                numbers = [round(seen.seconds), seen.held >> 20]
                rows.append([name, machine.how, command, seen.verdict(), *numbers])
                print(f"{name}, {command[:11]}: {seen.verdict()}, {numbers}", flush=True)
    head = ["machine", "simulated", "command", "seen", "seconds", "mb"]
    with atomic_path(out) as path, path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *rows])
    return int(any(not seen.startswith(("works", "error: ")) for *_, seen, _, _ in rows))
