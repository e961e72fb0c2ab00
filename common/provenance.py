"""Where a result comes from: code it reached and its versions, commit, packages, processor."""

import ast
import functools
import hashlib
import json
import platform
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.util import resolve_name
from itertools import accumulate
from pathlib import Path

from common.config import ROOT, UserError, cores

PACKAGES = (
    "torch torchvision timm open_clip_torch accelerate safetensors numpy pandas scikit-image "
    "matplotlib papermill"
).split()
_DOCUMENTED = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)


def file_sha256(path: str | Path) -> str:
    """SHA-256 of a file's bytes as 64 hex digits."""
    digest = hashlib.sha256()
    with Path(path).open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def json_sha256(value: object) -> str:
    """SHA-256 of a JSON-able value; the order of dictionary keys does not count."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def code_hash(path: str | Path) -> str:
    """SHA-256 of what a file does: comments, docstrings and layout of a ``.py`` do not count.

    The hash of a module is the same under every Python version that can parse it.
    """
    path = Path(path)
    if path.suffix != ".py":
        return file_sha256(path)
    return _tree_hash(_parse(path))


@functools.lru_cache(maxsize=512)
def _tree_hash(tree: ast.Module) -> str:
    return hashlib.sha256(repr(_shape(tree)).encode()).hexdigest()


def _shape(node: object) -> object:
    """Syntax tree as nested tuples: no positions, no docstrings, no empty fields."""
    if isinstance(node, list):
        return [_shape(item) for item in node]
    if not isinstance(node, ast.AST):
        return node
    fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
    if isinstance(node, _DOCUMENTED) and ast.get_docstring(node, clean=False) is not None:
        fields["body"] = node.body[1:]
    if isinstance(node, ast.JoinedStr):  # early 3.12 puts empty strings between the parts
        fields["values"] = [part for part in node.values if getattr(part, "value", "") != ""]
    return type(node).__name__, [(name, _shape(fields[name])) for name in sorted(fields)]


def _parse(path: Path) -> ast.Module:
    try:
        return _tree(path.read_text(encoding="utf-8"))
    except SyntaxError as error:
        raise UserError(f"{path}, line {error.lineno}: {error.msg}; mend the module") from error


_tree = functools.lru_cache(maxsize=512)(ast.parse)  # text → the same tree each time


def module_path(name: str, root: Path = ROOT) -> Path | None:
    """File of the module ``name`` (dotted) under ``root``, or None if it is not the project's."""
    base = root.joinpath(*name.split("."))
    candidates = (base.with_name(base.name + ".py"), base / "__init__.py")
    return next((path for path in candidates if path.is_file()), None)


def assets(path: Path) -> list[Path]:
    """Script and style sheet that belong to a module: its ``.js`` and ``.css`` siblings."""
    siblings = (path.with_suffix(suffix) for suffix in (".js", ".css"))
    return [sibling for sibling in siblings if sibling.is_file()]


def module_closure(source: str | Path, root: Path = ROOT) -> dict[str, Path]:
    """Modules of the project that code reaches by import, at any depth.

    A package's ``__init__`` counts where something is taken from it, not where it is only
    passed through: ``from common.models import unet`` reaches ``unet`` and not the registry.

    Args:
        source: program text, or the file of a module (which is then part of the answer).
        root: folder that holds the project's packages.

    Returns:
        Dotted name → file, sorted by name.

    Raises:
        UserError: a module does not parse.
    """
    if isinstance(source, Path):
        parts = source.resolve().relative_to(root.resolve()).with_suffix("").parts
        pending = [".".join(parts).removesuffix(".__init__")]
    else:
        pending = list(_imports(ast.parse(source), "", root))
    found: dict[str, Path] = {}
    while pending:
        name = pending.pop()
        path = module_path(name, root)
        if path is None or name in found:
            continue
        found[name] = path
        package = name if path.name == "__init__.py" else name.rpartition(".")[0]
        pending += _imports(_parse(path), package, root)
    return dict(sorted(found.items()))


def _imports(tree: ast.Module, package: str, root: Path) -> Iterator[str]:
    """Dotted names that the import statements of a syntax tree ask for."""
    for base, name in _asked(tree, package):
        yield f"{base}.{name}" if name and module_path(f"{base}.{name}", root) else base


@functools.lru_cache(maxsize=512)
def _asked(tree: ast.Module, package: str) -> list[tuple[str, str]]:
    """A module, and what is taken from it ("" for nothing), of each import statement."""
    found: list[tuple[str, str]] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                # `import a.b` binds `a` and so reaches it too, `import a.b as x` does not
                steps = accumulate(alias.name.split("."), "{}.{}".format)
                found += [(step, "") for step in ([alias.name] if alias.asname else steps)]
        elif isinstance(node, ast.ImportFrom) and (package or not node.level):
            base = resolve_name("." * node.level + (node.module or ""), package)
            found += [(base, alias.name) for alias in node.names]
    return found


def raised(module: str, root: Path = ROOT) -> list[list]:
    """Versions above 1 of the modules that a module of the project reaches by import.

    What decides over stored results says ``VERSION = 1``, and whoever changes what comes out
    raises it. The 1 is not told: a move, a split or a new import makes nothing stale.

    Returns:
        Pairs of a module's last name and its version, sorted; none for foreign code.
    """
    path = module_path(module, root)
    closure = module_closure(path, root) if path else {}
    found = {name: _version(_parse(file)) for name, file in closure.items()}
    return sorted(
        [name.rpartition(".")[2], number] for name, number in found.items() if number > 1
    )


def _version(tree: ast.Module) -> int:
    for node in tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id="VERSION")], value=ast.Constant(value=int(number))
            ):
                return number
    return 1


def version_of(thing: object) -> int:
    """The version that stands beside a function or a class: ``VERSION`` of its module, else 1."""
    return getattr(sys.modules[thing.__module__], "VERSION", 1)


def git_commit(root: Path = ROOT) -> str:
    """Commit of the checkout, ``-dirty`` if files differ from it, ``unknown`` outside git."""
    git = ["git", "-C", str(root)]
    run = functools.partial(subprocess.run, capture_output=True, text=True, check=True)
    try:
        commit = run([*git, "rev-parse", "HEAD"]).stdout.strip()
        return commit + ("-dirty" if run([*git, "status", "--porcelain"]).stdout else "")
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def versions() -> dict[str, str]:
    """Versions of Python and of the main packages that are installed."""
    found = {"python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """Readable name of the processor and the number of cores this process may use."""
    count = cores()
    return f"{_processor_name()}, {count} core{'s' if count > 1 else ''}"


def _processor_name() -> str:
    try:
        if platform.system() == "Darwin":
            command = ["sysctl", "-n", "machdep.cpu.brand_string"]
            return subprocess.run(command, capture_output=True, text=True).stdout.strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
