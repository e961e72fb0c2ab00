"""Notebooks that fail, run side by side or are stopped, with kernels of their own."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from common.config import ROOT
from common.pipeline import run
from common.pipeline.account import duration
from common.run_all import main
from tests.pipeline.projects import RUNS, edit, ran, status, write_notebook


def test_a_failing_cell_is_named_and_finished_work_kept(root: Path, capsys) -> None:
    path = write_notebook(root, "02_model", "import common.figures\nraise KeyError('a\\nb')")
    assert main(["--from", "02"], root=root) == 1
    error = capsys.readouterr().err
    log = root / "results/local/runs/replay/02_model.log"
    assert error == (
        f"error: 02_model, cell 3: KeyError: 'a\\nb'; log: {log}; "
        "fix it and run the same command: finished notebooks are kept\n"
    )
    assert "Traceback" in log.read_text()
    assert ran(root) == "02_model"
    assert not list(log.parent.glob("*.ipynb")) and not list(log.parent.glob(".*tmp*"))
    said = status(root, capsys)
    assert said["02_model"] == "last run failed: 02_model, cell 3: KeyError: 'a\\nb'"
    edit(path, "raise ", "")
    assert main(["--only", "02"], root=root) == 0


AWAIT = """
import os, time
from pathlib import Path
Path("{0}").touch()
while {1!r} not in "".join(path.read_text() for path in Path().glob({2!r})):
    time.sleep(0.02)
print(os.environ["OMP_NUM_THREADS"])
"""


def test_notebooks_run_side_by_side_and_one_that_fails_stops_no_other(
    root: Path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr(run, "side_by_side", lambda: 2)
    monkeypatch.setattr(run, "cores", lambda: 6)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    outlives = AWAIT.format("one", "failed", f"{RUNS}/state.json")
    write_notebook(root, "01_prep", outlives, "print(42)", "0")
    fails = AWAIT.format("two", "01", "ran.txt"), "1 / 0"
    path = write_notebook(root, "02_model", *fails, needs=["01_*"])
    assert main([], root=root) == 1
    said, error = capsys.readouterr()
    assert error.startswith("error: 02_model, cell 4: ZeroDivisionError: division by zero; log: ")
    begun, done = said.splitlines()[:3], said.splitlines()[3:]
    assert begun == [
        "[1/3] 01_prep … running",
        "[2/3] 02_model … running",
        "[2/3] 02_model … failed",
    ]
    assert len(done) == 1 and done[0].startswith("[1/3] 01_prep … done in ")
    assert "3" in (root / RUNS / "01_prep.ipynb").read_text()
    state = json.loads((root / RUNS / "state.json").read_text())
    assert [state[name]["status"] for name in sorted(state)] == ["done", "failed"]
    assert not list((root / RUNS).glob(".*tmp*"))
    ran(root)
    edit(path, "1 / 0", "1 / 1")
    (root / "ran.txt").write_text("01 ")
    assert main([], root=root) == 0
    assert sorted(ran(root).split()) == ["01", "02_model", "03_table"]


def test_a_training_runs_alone_and_in_order(root: Path, no_kernel, monkeypatch) -> None:
    monkeypatch.setattr(run, "side_by_side", lambda: 2)
    write_notebook(root, "03_table", *["0"] * 9)
    assert main(["--profile", "cpu"], root=root) == 0
    assert ran(root) == "01_prep 02_model 03_table"


def test_a_dead_kernel_is_named(root: Path, capsys) -> None:
    suicide = "import os\nos.kill(os.getpid(), 9)"
    write_notebook(root, "01_prep", suicide, parameters="train = True")
    assert main([], root=root) == 1
    assert "01_prep, cell 4: the kernel died (killed, crashed or" in capsys.readouterr().err
    assert ran(root) == "01_prep"
    assert status(root, capsys)["01_prep"].startswith("last run failed: 01_prep, cell 4: the ker")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "0 s"), (59.6, "1 min 00 s"), (185, "3 min 05 s"), (4320, "1 h 12 min")],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


WAIT = """
import os, time
from pathlib import Path
Path("{}.pid").write_text(str(os.getpid()))
while not Path("go").exists():
    time.sleep(0.1)
print(42)
"""
PROGRAM = """
import sys
from pathlib import Path
from common.pipeline import run
from common.run_all import main

if __name__ == "__main__":
    run.side_by_side = lambda: 2
    sys.exit(main([], root=Path(sys.argv[1])))
"""


def start_and_wait(root: Path) -> subprocess.Popen:
    """Start the pipeline in a process of its own, and wait until 02 and 03 run side by side."""
    for name in ("02_model", "03_table"):
        write_notebook(root, name, WAIT.format(name))
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(root)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # a background job ignores Ctrl-C, and its children would too
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 120
    while len([pid for pid in root.glob("*.pid") if pid.read_text()]) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.1)
    return process


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"


@pytest.mark.long
@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_a_stopped_pipeline_goes_on_where_it_was(root: Path, capsys, how: signal.Signals) -> None:
    process = start_and_wait(root)
    process.send_signal(how)
    _, error = process.communicate(timeout=60)
    assert process.returncode == (-9 if how == signal.SIGKILL else 130)
    said = [line for line in error.splitlines() if "resource_tracker" not in line]  # Python's own
    end = "stopped; run the same command again to go on"
    assert said == ([] if how == signal.SIGKILL else [end])
    said = status(root, capsys)
    assert said["01_prep"].startswith("up to date")
    assert said["02_model"] == said["03_table"] == "last run was stopped before its end"
    deadline = time.monotonic() + 20
    while any(alive(int(pid.read_text())) for pid in root.glob("*.pid")):
        assert time.monotonic() < deadline, "a kernel outlived its pipeline"
        time.sleep(0.2)

    (root / "go").touch()
    assert set(ran(root).split()) == {"01_prep", "02_model", "03_table"}
    assert main([], root=root) == 0
    assert set(ran(root).split()) == {"02_model", "03_table"}
    runs = root / "results/local/runs/replay"
    assert not list(runs.glob(".*tmp*"))
    resumed = (root / "results/report.html").read_text()
    assert main([], root=root) == 0
    assert ran(root) == ""
    assert (root / "results/report.html").read_text() == resumed
