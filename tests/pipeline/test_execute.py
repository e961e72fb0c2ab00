"""What a kernel is given: the project's packages, memory that is kept, its share of the cores."""

import os
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

from common.pipeline import execute

NAMES = ("PYTHONPATH", *execute.KEEP_MEMORY, "OMP_NUM_THREADS")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)


def seen_inside(root: Path) -> dict[str, str]:
    with execute._environment(root, 2):
        return {name: os.environ[name] for name in NAMES}


def test_a_kernel_is_told_where_the_project_is_to_keep_memory_and_its_cores(tmp_path: Path):
    code = f"import os; print([os.environ[name] for name in {NAMES}])"
    node = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    step = SimpleNamespace(notebook=SimpleNamespace(name="a", node=node), given={})
    execute._run(step, tmp_path / "a.ipynb", tmp_path, 2)
    (output,) = nbformat.read(tmp_path / "a.ipynb", as_version=4).cells[0].outputs
    assert output.text.strip() == str([str(tmp_path), "0", str(16 * 2**30), "2"])
    assert not os.environ.keys() & set(NAMES)


def test_what_the_user_has_set_stays(monkeypatch, tmp_path: Path):
    monkeypatch.setenv("MALLOC_MMAP_MAX_", "1000")
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    monkeypatch.setenv("PYTHONPATH", "mine")
    seen = seen_inside(tmp_path)
    assert (seen["MALLOC_MMAP_MAX_"], seen["OMP_NUM_THREADS"]) == ("1000", "3")
    assert seen["PYTHONPATH"] == f"{tmp_path}{os.pathsep}mine"
    assert (os.environ["PYTHONPATH"], os.environ["MALLOC_MMAP_MAX_"]) == ("mine", "1000")
    assert "MALLOC_TRIM_THRESHOLD_" not in os.environ


def test_the_environment_is_mended_after_a_failure(tmp_path: Path):
    with pytest.raises(ZeroDivisionError), execute._environment(tmp_path, 2):
        raise ZeroDivisionError
    assert not os.environ.keys() & set(NAMES)
