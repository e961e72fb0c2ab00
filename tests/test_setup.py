"""Set-up: requirement lists that agree and are complete, credits, no private paths."""

import ast
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from platform import python_version as version

import nbformat
import pytest
from IPython.core.inputtransformer2 import TransformerManager

from common.config import ROOT

PYTHONS = ((3, 10), (3, 11), (3, 12), (3, 13), (3, 14))
CODE = (".py", ".so", ".pyd")
PIN = re.compile(
    r"(?P<name>[\w.-]+)==(?P<version>[\w.]+)"
    r'(?: ; python_version (?P<side><|>=) "3\.(?P<minor>\d+)")?(?: +# .+)?'
)
# Colab ships these, or (JupyterLab, Voilà) is itself what they are for.
LEFT_TO_COLAB = """
    accelerate beautifulsoup4 bleach filelock ipykernel ipython ipywidgets jinja2
    jupyter-client jupyter-server jupyterlab markupsafe matplotlib mistune nbclient
    nbconvert nbformat numpy onnx onnxscript pandas pillow pyarrow safetensors scikit-image scipy
    seaborn torch torchvision tqdm voila"""


def normal(name: str) -> str:
    """A package's name as registries compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins(file: str, python: tuple[int, int] = (3, 11)) -> dict[str, str]:
    """Package → version that ``file`` gives to ``python``; fails on any line that is no pin."""
    found: dict[str, str] = {}
    for line in (ROOT / file).read_text(encoding="utf-8").splitlines():
        if not line or line.startswith("#"):
            continue
        pin = PIN.fullmatch(line)
        assert pin, f"{file}: {line!r} is no exact pin"
        below = pin["minor"] and python < (3, int(pin["minor"]))
        if pin["side"] and bool(below) != (pin["side"] == "<"):
            continue
        assert normal(pin["name"]) not in found, f"{file}: {pin['name']} is pinned twice"
        found[normal(pin["name"])] = pin["version"]
    return found


@pytest.mark.parametrize("file", ["requirements.txt", "requirements-dev.txt"])
def test_every_python_gets_one_exact_version_of_the_same_packages(file):
    names = {frozenset(pins(file, python)) for python in PYTHONS}
    assert len(names) == 1


def test_the_lists_do_not_repeat_each_other():
    assert not pins("requirements.txt").keys() & pins("requirements-dev.txt").keys()


def test_colab_gets_the_same_pins_and_keeps_its_torch():
    everything, colab = pins("requirements.txt"), pins("requirements-colab.txt")
    assert colab.items() <= everything.items()
    assert everything.keys() - colab.keys() == set(LEFT_TO_COLAB.split())


def test_conda_installs_the_same_list_on_a_python_that_make_accepts():
    text = (ROOT / "environment.yml").read_text(encoding="utf-8")
    assert "name: pets-segmentation\n" in text
    assert re.search(r"- pip\n +- pip:\n +- -r requirements\.txt\n", text)
    major, minor = re.search(r"- python=(\d+)\.(\d+)\n", text).groups()
    assert (int(major), int(minor)) in PYTHONS
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert f"{PYTHONS[0]} <= sys.version_info[:2] <= {PYTHONS[-1]}" in makefile
    jobs = (ROOT / ".github" / "workflows" / "tests.yml").read_text(encoding="utf-8")
    matrix = ", ".join(f'"{major}.{minor}"' for major, minor in PYTHONS)
    assert f"python: [{matrix}]" in jobs


DOORS = {  # arguments with which each would begin its work
    "predict": "a.png --out out",
    "evaluate": "--model unet",
    "evaluate_clicks": "--model unet",
    "benchmark": "",
    "run_all": "--status",
    "data": "prepare",
    "training": "--model unet",
    "web.demo": "",
}


def bare(module: str, options: str) -> subprocess.CompletedProcess:
    """A command started without site-packages, as by another Python than that of ``.venv``."""
    command = [sys.executable, "-S", "-m", f"common.{module}", *options.split()]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


@pytest.mark.parametrize("module", DOORS)
def test_a_python_without_the_packages_is_told_what_to_do(module: str):
    done = bare(module, DOORS[module])
    (line,) = done.stderr.splitlines()
    assert done.returncode == 2 and " lacks " in line
    assert "pip install -r requirements.txt" in line


@pytest.mark.parametrize("module", [name for name in DOORS if name != "training"])
def test_help_and_bad_arguments_need_no_package(module: str):
    done = bare(module, "--help")
    assert done.returncode == 0 and f"usage: python -m common.{module}" in done.stdout
    if module != "web.demo":  # which passes on what it does not know
        done = bare(module, "--no-such-option")
        assert done.returncode == 2 and "usage: " in done.stderr


def test_an_old_python_is_told_which_it_takes():
    code = "import sys; sys.version_info = (3, 9, 1); from common.predict import main; main([])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.stderr == f"error: the project needs Python 3.10 or newer; this is {version()}\n"


def sources(folder: str) -> Iterator[tuple[Path, str]]:
    """Python text of every module and notebook below ``folder``, magics made into Python."""
    for path in sorted((ROOT / folder).rglob("*.py")):
        yield path, path.read_text(encoding="utf-8")
    for path in sorted((ROOT / folder).glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                yield path, TransformerManager().transform_cell(cell.source)


def imported(text: str) -> set[str]:
    """Top-level names of the modules that ``text`` imports from outside project and Python."""
    names = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module)
    # google.colab exists only there
    siblings = {path.stem for path in (ROOT / "tests").glob("*.py")}
    known = sys.stdlib_module_names | siblings | {"common", "tests", "google"}
    return {name.partition(".")[0] for name in names} - known


@cache
def distributions() -> dict[str, list[str]]:
    """Importable name → packages that bring it, in the running environment."""
    found: dict[str, list[str]] = defaultdict(list)
    for package in metadata.distributions():  # `packages_distributions` of 3.10 knows fewer
        for name in {f.parts[0].split(".")[0] for f in package.files or () if f.suffix in CODE}:
            found[name].append(package.metadata["Name"])
    return found


@pytest.mark.parametrize(
    ("folder", "files"),
    [
        ("common", ["requirements.txt"]),
        ("notebooks", ["requirements.txt"]),
        ("tests", ["requirements.txt", "requirements-dev.txt"]),
    ],
)
def test_every_import_is_a_listed_requirement(folder, files):
    listed = {name for file in files for name in pins(file)}
    if folder == "common":
        listed |= {"segmentation-models-pytorch"}  # the rival of a benchmark
    unlisted = {
        f"{path.relative_to(ROOT)}: {module}"
        for path, text in sources(folder)
        for module in imported(text)
        if not listed & {normal(name) for name in distributions().get(module, [module])}
    }
    assert not unlisted


@pytest.mark.long
def test_types_agree():
    """What `pyproject.toml` leaves out is named there, with the reason."""
    command = [sys.executable, "-m", "mypy", "common"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:]


@pytest.mark.parametrize("file", ["NOTICE", "results/LICENSE"])
def test_the_dataset_is_credited_apart_from_the_code(file):
    text = (ROOT / file).read_text(encoding="utf-8")
    for part in ("Oxford-IIIT Pet", "Parkhi", "Attribution-ShareAlike 4.0", "research"):
        assert part in text
    assert "Parkhi" not in (ROOT / "LICENSE").read_text(encoding="utf-8")
