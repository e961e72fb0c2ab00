"""Committed notebooks carry the outputs of a replay, so that the web shows figures and samples."""

from collections.abc import Sequence

import nbformat
from nbformat import NotebookNode

from common.config import UserError, atomic_path
from common.pipeline.notebook import Notebook, with_outputs
from common.pipeline.plan import Plan

WIDGET = "application/vnd.jupyter.widget-view+json"


def publish(plan: Plan, notebooks: Sequence[Notebook]) -> None:
    """Copy the outputs of the last run into the notebooks; all of them or none.

    Raises:
        UserError: code changed since the run, or an output names a folder of this machine.
    """
    ready = {}
    for notebook in notebooks:
        source = nbformat.read(notebook.path, as_version=4)
        node = publishable(source, nbformat.read(plan.output(notebook), as_version=4))
        for number, cell in enumerate(node.cells, 1):
            if str(plan.root) in _printed(cell):
                raise UserError(
                    f"{notebook.name}, cell {number} prints a path of this machine "
                    f"({plan.root}); print it relative to the project and run again"
                )
        ready[notebook.path] = node
    for path, node in ready.items():
        with atomic_path(path) as temporary:
            nbformat.write(node, temporary)


def publishable(source: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """The source with the executed outputs, without what needs a live kernel or a stopwatch."""
    result = with_outputs(source, executed)
    for key in ("papermill", "widgets"):
        result.metadata.pop(key, None)
    for cell in result.cells:
        for key in ("papermill", "execution"):
            cell.metadata.pop(key, None)
        if cell.cell_type == "code":
            cell.outputs = [out for out in cell.outputs if WIDGET not in out.get("data", {})]
    return result


def _printed(cell: NotebookNode) -> str:
    outputs = cell.get("outputs", [])
    return "\n".join(o.get("text", "") + o.get("data", {}).get("text/plain", "") for o in outputs)
