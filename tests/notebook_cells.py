"""Some cells of a notebook, run with no more of the cells before them than they need.

What a cell needs follows from the names that it reads, back through the cells that give them
their values. So the exercises of a notebook run without its figures.
"""

import ast
import dis
from collections.abc import Collection
from pathlib import Path
from types import CodeType
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


def _given(tree: ast.Module, certainly: bool = False) -> set[str]:
    """Names that a cell changes or gives a value; ``certainly``: a new one, come what may."""
    plain = ast.Assign | ast.Import | ast.ImportFrom
    parts = [s for s in tree.body if isinstance(s, plain)] if certainly else [tree]
    nodes = [node for part in parts for node in ast.walk(part)]
    stored = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    imported = [a for n in nodes if isinstance(n, ast.Import | ast.ImportFrom) for a in n.names]
    names = stored | {(a.asname or a.name).split(".")[0] for a in imported}
    changed = {name for node in ast.walk(tree) if (name := _changes(node))}
    return names - changed if certainly else names | changed


def _changes(node: ast.AST) -> str | None:
    """Name of what a node changes: ``a`` of ``a[0] = 1``, ``a.b = 1`` and ``a.append(1)``."""
    called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    if called and node.func.attr in CHANGES:
        node = node.func
    elif not (isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store)):
        return None
    return node.value.id if isinstance(node.value, ast.Name) else None


def _read(tree: ast.Module) -> set[str]:
    """Names whose value a cell takes from those before it; a comprehension's own are not seen."""
    loops = [node.target for node in ast.walk(tree) if isinstance(node, ast.For)]
    own = {n.id for target in loops for n in ast.walk(target) if isinstance(n, ast.Name)}
    own |= _given(tree, certainly=True)
    code = compile(tree, "cell", "exec")
    first: dict[str, str] = {}
    for step in dis.get_instructions(code):
        if step.opname in ("LOAD_NAME", "STORE_NAME"):
            first.setdefault(step.argval, step.opname)
    inner = {
        name for part in code.co_consts if isinstance(part, CodeType) for name in part.co_names
    }
    outer = {name for name, how in first.items() if how == "LOAD_NAME" or name not in own}
    return outer | (inner - own)


def needed(notebook: NotebookNode, wanted: Collection[int]) -> list[int]:
    """Numbers of the cells to run for those that are wanted, in order, these among them."""
    cells = notebook.cells
    trees = {i: ast.parse(c.source) for i, c in enumerate(cells) if c.cell_type == "code"}
    chosen, alive = set(wanted), set[str]()
    for number in sorted(trees, reverse=True):
        tree = trees[number]
        if "setup" in tags(cells[number]) or not (number in chosen or _given(tree) & alive):
            continue
        chosen.add(number)
        alive = (alive - _given(tree, certainly=True)) | _read(tree)
    return sorted(chosen)


def run(path: Path, wanted: Collection[int]) -> None:
    """Run cells of a notebook in the project's folder, and show nothing."""
    notebook, space = read(path), dict[str, Any]()
    with patch.multiple(Lab, **dict.fromkeys(("show", "table", "say"), lambda *_, **__: None)):
        for number in needed(notebook, wanted):
            cell = notebook.cells[number]
            exec(compile(cell.source, f"{path.stem}, cell {number}", "exec"), space)
