"""Wrong words and broken sources end in one line; a second pipeline ends at once."""

from pathlib import Path

import filelock
import pytest

from common.run_all import main
from tests.pipeline.projects import MODULE, ran, write_notebook


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
