"""The pipeline redoes what changed and nothing else, by a stand-in for the kernel."""

import json
from pathlib import Path

import pytest

from common.data.synthetic import make_pets
from common.run_all import main
from tests.pipeline.projects import MODULE, RUNS, edit, ran, status, write_notebook


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


UNET, MAE = "results/counts/unet.txt", "results/counts/mae.txt"
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
