"""What a run publishes into the notebooks, and what it refuses to."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_output

from common.pipeline import execute
from common.run_all import main
from tests.pipeline.projects import ran


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
