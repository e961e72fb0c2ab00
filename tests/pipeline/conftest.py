"""A project of three notebooks, and a stand-in for the kernel."""

from pathlib import Path

import nbformat
import pytest

from common.pipeline import execute, run
from tests.pipeline.projects import COUNTS, write_notebook


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
