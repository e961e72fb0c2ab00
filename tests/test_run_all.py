"""The pipeline redoes what changed and nothing else, and ends clearly when something breaks.

Planning is tested with a stand-in for the kernel; what only a kernel can do runs one.
"""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import filelock
import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from common.config import ROOT
from common.data.synthetic import make_pets
from common.pipeline import execute, run
from common.pipeline.account import duration
from common.run_all import main

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


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Project of three notebooks: 02 needs 01 and uses a module, 03 reads a table.

    They run one after the other, in this process, where a test does not say otherwise. Its folder
    is called so that papermill, which formats paths, would look for a parameter.
    """
    tmp_path /= "we{ird}"
    monkeypatch.setattr(run, "side_by_side", lambda: 1)
    for name in ("PETS_ROOT", "PYTHONPATH"):
        monkeypatch.delenv(name, raising=False)
    for folder in ("notebooks", "common", "results/counts"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "common/__init__.py").write_text("")
    (tmp_path / "common/figures.py").write_text("def double(x):\n    return 2 * x\n")
    (tmp_path / "results/counts/unet.txt").write_text("1 2")
    declared = "train = True\ndata_root = 'x'\nepochs = 3\nstamp = ''"
    write_notebook(tmp_path, "01_prep", "print(train, [data_root], epochs)", parameters=declared)
    use = "from common.figures import double\nprint(double(21))"
    write_notebook(tmp_path, "02_model", use, needs=["01_*"])
    table = COUNTS.format("results/counts/unet.txt")
    write_notebook(tmp_path, "03_table", table, reads=["results/counts/*"])
    return tmp_path


@pytest.fixture
def no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run notebooks without a kernel: the output is the source, and `ran.txt` gets its line."""

    def execute_(step, output: Path, root: Path, threads: int) -> None:
        nbformat.write(step.notebook.node, output)
        with (root / "ran.txt").open("a") as log:
            log.write(f"{step.notebook.name} ")

    monkeypatch.setattr(execute, "_run", execute_)


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


def test_a_stale_notebook_runs_again_with_those_downstream(root: Path, capsys) -> None:
    assert main([], root=root) == 0
    assert ran(root) == "01_prep 02_model 03_table"
    assert "False [''] 3" in (root / "results/local/runs/replay/01_prep.log").read_text()
    assert "42" in (root / "results/local/runs/replay/02_model.ipynb").read_text()
    assert "42" in (root / "results/local/runs/replay/02_model.log").read_text()
    assert "42" in (root / "results/report.html").read_text()
    out = capsys.readouterr().out
    assert "[2/3] 02_model … running\n[2/3] 02_model … done in " in out
    assert all(line.startswith("up to date (ran 20") for line in status(root, capsys).values())

    edit(root / "notebooks/01_prep.ipynb", "epochs = 3", "epochs = 4")
    said = status(root, capsys)
    assert said["01_prep"] == "code cells changed; parameter epochs changed: 3 -> 4"
    assert said["02_model"] == "upstream 01_prep will run"
    assert said["03_table"].startswith("up to date")
    assert main([], root=root) == 0
    assert ran(root) == "01_prep 02_model"

    edit(root / "notebooks/02_model.ipynb", "# 02_model", "# New words")
    assert status(root, capsys)["02_model"] == "only the text changed"
    assert main([], root=root) == 0
    assert ran(root) == ""
    report = (root / "results/report.html").read_text()
    assert "New words" in report and "42" in report
    assert status(root, capsys)["02_model"].startswith("up to date")


MODULE, UNET, MAE = "common/figures.py", "results/counts/unet.txt", "results/counts/mae.txt"
RUNS = "results/local/runs/replay"
CHANGES = {  # what is changed in a project -> who runs, and why
    "a module": (
        lambda root: edit(root / MODULE, "2 * x", "x + x"),
        "02_model",
        f"{MODULE} changed",
    ),
    "a comment": (lambda root: edit(root / MODULE, "return", "# twice\n    return"), "", ""),
    "a table": (lambda root: (root / UNET).write_text("1 3"), "03_table", f"{UNET} changed"),
    "a new table": (lambda root: (root / MAE).write_text("1 3"), "03_table", f"{MAE} is new"),
    "no table": (lambda root: (root / UNET).unlink(), "03_table", f"{UNET} is gone"),
    "no output": (
        lambda root: (root / RUNS / "01_prep.ipynb").unlink(),
        "01_prep",
        "output notebook missing",
    ),
    "an output": (
        lambda root: edit(root / RUNS / "01_prep.ipynb", "# 01_prep", "# other"),
        "01_prep",
        "output notebook changed",
    ),
    "the state": (
        lambda root: (root / RUNS / "state.json").write_text("{"),
        "01_prep 02_model 03_table",
        "never ran",
    ),
}


@pytest.mark.parametrize(("change", "who", "reason"), CHANGES.values(), ids=CHANGES)
def test_only_what_depends_on_a_change_runs(
    root: Path, no_kernel, capsys, change, who: str, reason: str
) -> None:
    main([], root=root)
    ran(root)
    change(root)
    said = status(root, capsys)
    assert {name for name, text in said.items() if not text.startswith("up to")} == {*who.split()}
    assert all(said[name] == reason for name in who.split())
    assert main([], root=root) == 0
    assert ran(root) == who
    assert all(text.startswith("up to") for text in status(root, capsys).values())


def test_parameters_of_profile_and_command_line_count(root: Path, no_kernel, capsys) -> None:
    main([], root=root)
    said = status(root, capsys, "-p", "01.epochs=5", "-p", "*.train=True", "-p", "01.stamp=5")
    assert said["01_prep"] == (
        "parameter train changed: false -> true; parameter epochs changed: 3 -> 5; "
        'parameter stamp changed: "" -> "5"'
    )
    assert said["02_model"] == "upstream 01_prep will run"
    assert said["03_table"].startswith("up to date")


def test_only_takes_upstream_as_it_last_ran(root: Path, no_kernel, capsys) -> None:
    main([], root=root)
    edit(root / "notebooks/01_prep.ipynb", "epochs = 3", "epochs = 4")
    ran(root)
    assert main(["--only", "02_model"], root=root) == 0
    assert ran(root) == ""
    assert main(["--only", "01"], root=root) == 0
    assert ran(root) == "01_prep"
    assert status(root, capsys)["02_model"] == "upstream 01_prep ran since"
    assert main(["--from", "02"], root=root) == 0
    assert ran(root) == "02_model"
    assert main(["--force", "--only", "0[13]_*"], root=root) == 0
    assert ran(root) == "01_prep 03_table"
    assert main([], root=root) == 0
    assert ran(root) == ""


def test_a_notebook_that_trains_does_not_wait_for_its_own_results(
    root: Path, no_kernel, capsys
) -> None:
    rules = {"reads": ["results/counts/*"], "writes": ["results/counts/unet*"]}
    write_notebook(root, "03_table", parameters="train = False", **rules)
    main(["--profile", "cpu"], root=root)
    (root / UNET).write_text("1 3")
    assert status(root, capsys, "--profile", "cpu")["03_table"].startswith("up to date")
    (root / MAE).write_text("1 3")
    assert status(root, capsys, "--profile", "cpu")["03_table"] == f"{MAE} is new"


def test_smoke_writes_beside_the_real_results(root: Path, no_kernel, capsys) -> None:
    defaults = "results_dir = 'results'\nstamp = ''\nimage_size = 128\ntrain = False"
    write_notebook(root, "03_table", parameters=defaults, reads=["results/counts/*"])
    assert main(["--profile", "smoke"], root=root) == 0
    state = json.loads((root / "results/_smoke/runs/state.json").read_text())
    given = state["03_table"]["parameters"]
    assert given["results_dir"] == "results/_smoke/results"
    assert (given["image_size"], given["train"]) == (32, True)
    assert given["stamp"] == "smoke run: not a result"
    assert (root / "results/_smoke/report.html").exists()
    assert not (root / "results/report.html").exists()
    (root / UNET).write_text("1 3")  # the real one
    said = status(root, capsys, "--profile", "smoke")
    assert all(text.startswith("up to date") for text in said.values())


def test_changed_data_runs_who_reads_it(root: Path, no_kernel, capsys, monkeypatch) -> None:
    monkeypatch.setenv("PETS_ROOT", str(make_pets(root / "pets", n=8)))
    main([], root=root)
    assert all(text.startswith("up to date") for text in status(root, capsys).values())
    photo = next((root / "pets").rglob("*.jpg"))
    photo.write_bytes(photo.read_bytes() + b"x")
    said = status(root, capsys)
    assert said["01_prep"] == "data changed"
    assert said["02_model"] == "upstream 01_prep will run"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-p", "01_prep.epoch=3"], "01_prep has no parameter 'epoch'; it declares train, data"),
        (["-p", "*.epoch=3"], "no notebook declares a parameter 'epoch'"),
        (["-p", "01_prep.epochs=many"], "01_prep.epochs takes int values such as 3, not 'many'"),
        (["-p", "09_demo.epochs=1"], "no notebook is called '09_demo'; there are 01_prep,"),
        (["-p", "epochs=1"], "write it as NAME.key=value"),
        (["--only", "demo"], "no notebook is called 'demo'"),
        (["--publish", "--profile", "smoke"], "--publish takes a plain replay"),
        (["--publish", "-p", "01_prep.data_root=/pets"], "--publish takes a plain replay"),
    ],
)
def test_wrong_use_is_one_line(root: Path, no_kernel, capsys, arguments, message: str) -> None:
    assert main(arguments, root=root) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and message in error and error.count("\n") == 1
    assert ran(root) == ""


BROKEN = {  # what a source becomes -> what is said of it
    "json": (
        lambda root: (root / "notebooks/02_model.ipynb").write_text("{"),
        "02_model.ipynb is not a readable notebook",
    ),
    "syntax": (
        lambda root: write_notebook(root, "02_model", "%matplotlib inline\n!ls\nx = = 1"),
        "02_model.ipynb, cell 3, line 3: invalid syntax; mend the cell",
    ),
    "parameters": (
        lambda root: write_notebook(root, "02_model", parameters="a = 1\nb = a + 1"),
        "parameters cell, line 2: 'b = a + 1' is not `name = literal`",
    ),
    "tuple": (
        lambda root: write_notebook(root, "02_model", parameters="a = [(1, 2)]"),
        "line 1: 'a = [(1, 2)]' is not `name = literal` as in JSON (a list for a tuple)",
    ),
    "number as a key": (
        lambda root: write_notebook(root, "02_model", parameters="a = {1: 2}"),
        "line 1: 'a = {1: 2}' is not `name = literal` as in JSON",
    ),
    "needs": (
        lambda root: write_notebook(root, "02_model", needs=["03_*"]),
        "needs '03_*' (metadata: pipeline.needs), but no earlier notebook",
    ),
    "module": (
        lambda root: (root / MODULE).write_text("x ="),
        "figures.py, line 1: invalid syntax; mend the module",
    ),
}


@pytest.mark.parametrize(("damage", "message"), BROKEN.values(), ids=BROKEN)
def test_a_broken_source_is_named(root: Path, no_kernel, capsys, damage, message: str) -> None:
    damage(root)
    assert main([], root=root) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_second_pipeline_ends_at_once(root: Path, no_kernel, capsys) -> None:
    runs = root / "results/local/runs/replay"
    runs.mkdir(parents=True)
    with filelock.FileLock(runs.with_name(".replay.lock")):
        assert main([], root=root) == 2
        assert "another process is already at work in" in capsys.readouterr().err
        assert main(["--profile", "cpu", "--only", "02"], root=root) == 0
    assert main([], root=root) == 0


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


def test_publish_brings_outputs_and_nothing_else(root: Path, no_kernel, monkeypatch) -> None:
    widget = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "Canvas()"}

    def execute_(step, output: Path, root: Path, threads: int) -> None:
        node = nbformat.from_dict(step.notebook.node)
        node.metadata.update(papermill={"duration": 1}, widgets={"state": {}})
        for count, cell in enumerate((c for c in node.cells if c.cell_type == "code"), 1):
            cell.metadata.update(papermill={"duration": 1}, execution={"iopub.status.busy": "0"})
            cell.execution_count = count
            cell.outputs = [
                new_output("stream", text="seen\n"),
                new_output("display_data", data=widget),
            ]
        node.cells.insert(2, new_code_cell("a = 1", metadata={"tags": ["injected-parameters"]}))
        nbformat.write(node, output)

    monkeypatch.setattr(execute, "_run", execute_)
    path = root / "notebooks/01_prep.ipynb"
    before = nbformat.read(path, as_version=4)
    assert main(["--publish"], root=root) == 0
    after = nbformat.read(path, as_version=4)
    assert [cell.outputs for cell in after.cells[1:]] == [
        [{"output_type": "stream", "name": "stdout", "text": "seen\n"}]
    ] * 3
    assert [cell.execution_count for cell in after.cells[1:]] == [1, 2, 3]
    for cell in after.cells[1:]:
        cell.outputs, cell.execution_count = [], None
    assert after == before


def test_publish_refuses_the_dataset_and_machine_paths(
    root: Path, no_kernel, capsys, monkeypatch
) -> None:
    path = root / "notebooks/02_model.ipynb"
    node = nbformat.read(path, as_version=4)
    node.cells[1].outputs = [new_output("stream", text=f"{root}/results/x.csv\n")]
    nbformat.write(node, path)
    before = {p: p.read_bytes() for p in (root / "notebooks").iterdir()}
    assert main(["--publish"], root=root) == 2
    assert "02_model, cell 2 prints a path of this machine" in capsys.readouterr().err
    monkeypatch.setenv("PETS_ROOT", str(root))
    ran(root)
    assert main(["--publish"], root=root) == 2
    assert "unset PETS_ROOT" in capsys.readouterr().err
    assert ran(root) == ""
    assert {p: p.read_bytes() for p in (root / "notebooks").iterdir()} == before


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
