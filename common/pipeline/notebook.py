"""A notebook as a program: its code, its parameters, what it needs, reads and writes."""

import ast
import copy
import json
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager
from nbformat import NotebookNode

from common.config import UserError
from common.provenance import json_sha256


@dataclass(frozen=True)
class Notebook:
    """One notebook of the project.

    Attributes:
        path: the ``.ipynb`` file; its stem is the notebook's name.
        node: the notebook as it was read.
        declared: parameter name → default, from the cell tagged ``parameters``.
        code: the code cells as one Python program (magics translated).
    """

    path: Path
    node: NotebookNode
    declared: dict[str, object]
    code: str

    @property
    def name(self) -> str:
        """Stem of the file, such as ``02_unet``."""
        return self.path.stem

    def globs(self, kind: str) -> list[str]:
        """Patterns in the notebook's own metadata: ``needs``, ``reads`` or ``writes``."""
        return list(self.node.metadata.get("pipeline", {}).get(kind, []))

    def code_key(self) -> str:
        """Hash of what the code cells say."""
        return json_sha256([cell.source for cell in self.node.cells if cell.cell_type == "code"])

    def prose_key(self) -> str:
        """Hash of everything a reader sees that is not code: text, order of cells, tags."""
        return json_sha256(
            [
                [cell.cell_type != "code" and cell.source, cell.metadata.get("tags", [])]
                for cell in self.node.cells
            ]
        )


def read_notebook(path: Path) -> Notebook:
    """Read and check a notebook.

    Raises:
        UserError: the file is no notebook, a cell is no Python, or a parameter no literal.
    """
    try:
        node = nbformat.read(path, as_version=4)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0][:80]
        raise UserError(f"{path} is not a readable notebook ({reason}); restore it") from error
    transform = TransformerManager().transform_cell
    code = {n: transform(c.source) for n, c in enumerate(node.cells, 1) if c.cell_type == "code"}
    for number, source in code.items():
        try:
            ast.parse(source)
        except SyntaxError as error:
            where = f"{path.name}, cell {number}, line {error.lineno}"
            raise UserError(f"{where}: {error.msg}; mend the cell") from error
    return Notebook(path, node, _declared(path, node), "\n".join(code.values()))


def _declared(path: Path, node: NotebookNode) -> dict[str, object]:
    cells = (cell for cell in node.cells if "parameters" in cell.metadata.get("tags", []))
    cell = next(cells, None)
    values: dict[str, object] = {}
    for line in ast.parse(cell.source).body if cell else []:
        try:
            name, value = _assignment(line)
            values[name] = ast.literal_eval(value)
            if json.loads(json.dumps(values[name])) != values[name]:
                raise ValueError("JSON has no tuple, and no number as a key")
        except (TypeError, ValueError) as error:
            raise UserError(
                f"{path.name}, parameters cell, line {line.lineno}: {ast.unparse(line)!r} is not "
                "`name = literal` as in JSON (a list for a tuple); move it to a later cell"
            ) from error
    return values


def _assignment(line: ast.stmt) -> tuple[str, ast.expr]:
    match line:
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name, value
        case ast.AnnAssign(target=ast.Name(id=name), value=ast.expr() as value):
            return name, value
    raise ValueError("no assignment to a name")


def select(notebooks: Sequence[Notebook], name: str) -> list[str]:
    """Names of the notebooks that ``name`` means: a name, its number, or a pattern.

    Raises:
        UserError: there is none.
    """
    names = [notebook.name for notebook in notebooks]
    chosen = [stem for stem in names if fnmatch(stem, name) or fnmatch(stem, f"{name}_*")]
    if not chosen:
        raise UserError(f"no notebook is called {name!r:.80}; there are {', '.join(names)}")
    return chosen


def with_outputs(source: NotebookNode, executed: NotebookNode) -> NotebookNode:
    """The source notebook, its text as it stands, with the outputs of an executed copy.

    Raises:
        UserError: the two do not hold the same code cells.
    """
    result = copy.deepcopy(source)
    cells = [cell for cell in result.cells if cell.cell_type == "code"]
    ran = [
        cell
        for cell in executed.cells
        if cell.cell_type == "code" and "injected-parameters" not in cell.metadata.get("tags", [])
    ]
    if [cell.source for cell in cells] != [cell.source for cell in ran]:
        raise UserError("the notebook's code changed while it ran; run the same command again")
    for cell, done in zip(cells, ran, strict=True):
        cell.outputs, cell.execution_count = done.outputs, done.execution_count
    return result
