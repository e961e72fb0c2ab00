"""Hashes follow what code does, and closures follow what it imports."""

import hashlib
import subprocess
from pathlib import Path

import pytest

from common import provenance
from common.config import UserError
from common.provenance import code_hash, git_commit, module_closure, module_path, raised


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Package ``common`` with a registry, two models, a widget and relative imports."""
    files = {
        "common/__init__.py": "",
        "common/names.py": "CAT = 1\n",
        "common/models/__init__.py": "from .unet import UNet\nfrom . import mae\n",
        "common/models/layers.py": "import numpy\nfrom ..names import CAT\n",
        "common/models/unet.py": "from common.models.layers import CAT\nclass UNet: ...\n",
        "common/models/mae.py": "def load():\n    import common.late as late\n    return late\n",
        "common/late.py": "",
        "common/interact/__init__.py": "",
        "common/interact/widget.py": "",
        "common/interact/widget.js": "let a = 1",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def write(folder: Path, text: str) -> Path:
    path = folder / "module.py"
    path.write_text(text)
    return path


BASE = 'def f(x):\n    """Double."""\n    return 2 * x\n'


@pytest.mark.parametrize(
    "same",
    [
        "def f(x):  # doubles\n    return 2*x\n",
        '"""A module."""\n\n\ndef f(x):\n    """Twice\n    as much."""\n    return (2 * x)\n',
    ],
)
def test_comments_docstrings_and_layout_do_not_count(tmp_path: Path, same: str) -> None:
    assert code_hash(write(tmp_path, BASE)) == code_hash(write(tmp_path, same))


@pytest.mark.parametrize(
    "other",
    [
        BASE.replace("2", "3"),
        BASE.replace("2 *", "2.0 *"),
        BASE.replace("x", "y"),
        BASE + "'a string that is no docstring'\n",
        BASE.replace("return", "yield"),
        BASE.replace("def f(x)", "def f(x, *, k=None)"),
    ],
)
def test_any_other_change_counts(tmp_path: Path, other: str) -> None:
    assert code_hash(write(tmp_path, BASE)) != code_hash(write(tmp_path, other))


def test_hash_is_the_same_under_every_python(tmp_path: Path) -> None:
    """Pinned, since a checkpoint of one Python version must be known to another."""
    text = "class A:\n    def f(self): ...\n"
    text += (
        "async def g(*a, k: int = 3, **o) -> None:\n    print(f'{k!r:>{k}} {o=}', a[1:, ...])\n"
    )
    assert code_hash(write(tmp_path, text)) == (
        "b111db6fc527ddc0d6a4dd2a5afaae1ef69d5a0100738934cf1392b6fcb56aa7"
    )


def test_hash_of_another_file_is_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.js"
    path.write_bytes(b"let a")
    assert code_hash(path) == hashlib.sha256(b"let a").hexdigest()


def test_broken_module_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"module\.py, line 2: "):
        code_hash(write(tmp_path, "x = 1\ny = (\n"))


@pytest.mark.parametrize(
    ("source", "reached"),
    [
        ("import numpy, os", ""),
        ("from common import names", "common.names"),
        ("from common.models import unet", "common.models.layers common.models.unet common.names"),
        (
            "from common.models import UNet",
            "common.late common.models common.models.layers common.models.mae common.models.unet "
            "common.names",
        ),
        ("import common.models.mae as m", "common.late common.models.mae"),
        ("import common.interact.widget", "common common.interact common.interact.widget"),
        ("def f():\n    from common.late import x", "common.late"),
        ("from common.names import *", "common.names"),
        ("from common import nothing", "common"),
    ],
)
def test_closure(project: Path, source: str, reached: str) -> None:
    assert list(module_closure(source, project)) == reached.split()


def test_closure_of_a_module_holds_itself(project: Path) -> None:
    closure = module_closure(project / "common/models/unet.py", project)
    assert closure["common.models.unet"] == project / "common/models/unet.py"
    assert list(closure) == ["common.models.layers", "common.models.unet", "common.names"]


def test_versions_above_one_are_found_by_import(project: Path) -> None:
    """And under a module's last name alone, wherever it stands."""
    unet = "common.models.unet"
    assert raised(unet, project) == raised("numpy", project) == []
    (project / "common/names.py").write_text('"""Names."""\nCAT = 1\nVERSION = 3  # three kinds')
    (project / "common/late.py").write_text("VERSION = 2")
    assert raised(unet, project) == [["names", 3]], "late.py is not reached"
    (project / "common/models/layers.py").write_text(
        "from common.names import CAT as C\nVERSION = 1"
    )
    assert raised(unet, project) == [["names", 3]]


@pytest.mark.parametrize(
    "module", ["scoring.photos", "scoring.clicking", "robustness.run", "studies.agreement"]
)
def test_what_a_border_pixel_is_counts_in_all_scoring(module: str) -> None:
    assert "common.data.pets" in module_closure(module_path(f"common.{module}"))


def test_commit_is_marked_dirty_and_unknown_outside_git(tmp_path: Path) -> None:
    assert git_commit(tmp_path) == "unknown"
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.org"]
    subprocess.run([*git, "init", "-q"], check=True)
    assert git_commit(tmp_path) == "unknown"
    write(tmp_path, "x = 1")
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "first"], check=True)
    clean = git_commit(tmp_path)
    assert len(clean) == 40
    write(tmp_path, "x = 2")
    assert git_commit(tmp_path) == f"{clean}-dirty"


def test_commit_is_unknown_without_git(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert git_commit() == "unknown"


def test_versions_and_processor_are_readable() -> None:
    assert {"python", "numpy", "papermill"} <= provenance.versions().keys()
    name, _, cores = provenance.processor().rpartition(", ")
    assert name and cores.split()[0].isdigit()
