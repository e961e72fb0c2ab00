"""Some cells of a notebook, run with no more of the cells before them than they need.

What a cell needs follows from the names that it reads, back through the cells that give them
their values. So the sentences and exercises of a notebook run without its figures.
"""

import ast
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any
from unittest.mock import patch

import nbformat
from nbformat import NotebookNode

from common.config import ROOT
from common.lab import Lab

CHANGES = {"append", "extend", "update", "insert", "pop", "setdefault", "add"}  # what they are of


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def notebooks() -> list[Path]:
    return sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))


def _names(tree: ast.AST) -> Iterator[tuple[str, bool]]:
    """Names that a cell reads (False) and gives a value (True)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id, isinstance(node.ctx, ast.Store)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from (((a.asname or a.name).split(".")[0], True) for a in node.names)
        elif (changed := _changes(node)) is not None:
            yield changed, True


def _surely(tree: ast.Module) -> set[str | None]:
    """Names that get a new value whatever was there: assigned, and not below a condition."""
    plain = [s for s in tree.body if isinstance(s, ast.Assign | ast.Import | ast.ImportFrom)]
    given = {name for s in plain for name, is_given in _names(s) if is_given}
    return given - {_changes(node) for node in ast.walk(tree)}


def _changes(node: ast.AST) -> str | None:
    """Name of what a node changes: ``a`` of ``a[0] = 1``, ``a.b = 1`` and ``a.append(1)``."""
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    if called and node.func.attr in CHANGES:
        node = node.func
    elif not (isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)):
        return None
    return node.value.id if isinstance(node.value, ast.Name) else None


def needed(notebook: NotebookNode, wanted: Collection[int]) -> list[int]:
    """Numbers of the cells to run for those that are wanted, in order, these among them."""
    cells = notebook.cells
    trees = {i: ast.parse(c.source) for i, c in enumerate(cells) if c.cell_type == "code"}
    chosen, alive = set(wanted), set[str]()
    for number in sorted(trees, reverse=True):
        names = list(_names(trees[number]))
        given = {name for name, is_given in names if is_given}
        if "setup" in tags(cells[number]) or not (number in chosen or given & alive):
            continue
        chosen.add(number)
        read_here = {name for name, is_given in names if not is_given}
        alive = (alive - _surely(trees[number])) | read_here
    return sorted(chosen)


def run(path: Path, wanted: Collection[int]) -> dict[int, list[str]]:
    """Run cells of a notebook in the project's folder; what the wanted ones say, by number."""
    notebook, said, space = read(path), dict[int, list[str]](), dict[str, Any]()
    with (
        patch.object(Lab, "show", lambda *_, **__: None),
        patch.object(Lab, "table", lambda *_, **__: None),
        patch.object(Lab, "say", lambda _, text: said[number].append(text)),
    ):
        for number in needed(notebook, wanted):
            said[number] = []
            cell = notebook.cells[number]
            exec(compile(cell.source, f"{path.stem}, cell {number}", "exec"), space)
    return {number: said[number] for number in sorted(wanted)}
