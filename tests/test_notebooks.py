"""Every notebook has the same anatomy, holds no helper code, and shows no photo it may not."""

import ast
import json
import re
import statistics
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from common.config import ROOT
from common.pipeline.notebook import read_notebook
from common.pipeline.parameters import assign
from common.report.mathml import to_mathml
from common.run_all import profiles

PATHS = sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
LINES, MEDIAN = 20, 6
DESK = "Lab(data_root, results_dir, figures_dir, stamp, train)"
SHOWS = r"^\s*lab\.(show|table|canvas)\("
PIPELINE = {"needs", "reads", "writes"}
BREED_PHOTO = re.compile(
    r"(?<!trimaps/)\b[A-Za-z]+(?:_[A-Za-z]+)*_\d{1,3}\.(?:jpe?g|png)\b"  # left-out ones are listed
)
ABSOLUTE = re.compile(
    r"""(?:^|[\s"'(=:\[])(/(?:work|home|root|tmp|Users|mnt|var|opt|usr)/\w|[A-Z]:\\\\?\w)""", re.M
)


def read(path: Path) -> NotebookNode:
    return nbformat.read(path, as_version=4)


def code_cells(path: Path) -> list[NotebookNode]:
    return [cell for cell in read(path).cells if cell.cell_type == "code"]


def tags(cell: NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def tagged(path: Path, tag: str) -> list[tuple[int, NotebookNode]]:
    cells = enumerate(read(path).cells)
    return [(number, c) for number, c in cells if tag in tags(c)]


def python(path: Path) -> ast.Module:
    """All code of a notebook, its magics translated."""
    return ast.parse(read_notebook(path).code)


def printed(path: Path) -> Iterator[str]:
    """Everything textual that the saved outputs of a notebook hold."""
    for cell in code_cells(path):
        for output in cell.outputs:
            yield output.get("text", "")
            yield "\n".join(output.get("traceback", []))
            for kind, value in output.get("data", {}).items():
                if not kind.startswith("image/") or kind == "image/svg+xml":
                    yield value if isinstance(value, str) else json.dumps(value)


@pytest.fixture(params=PATHS, ids=lambda path: path.stem)
def path(request) -> Path:
    return request.param


def test_one_desk_of_the_parameters(path: Path):
    """What may be measured and where things lie follows from the parameters in one line."""
    made = [
        n
        for n in ast.walk(python(path))
        if isinstance(n, ast.Call) and ast.unparse(n.func) == "Lab"
    ]
    assert [ast.unparse(call) for call in made] == [DESK]
    assert "**save" not in read_notebook(path).code


def test_there_are_notebooks():
    """Data preparation and the first model at least, each number once."""
    assert len(PATHS) >= 2
    assert len({path.stem[:2] for path in PATHS}) == len(PATHS)
    assert all(re.fullmatch(r"\d\d_[a-z0-9_]+", path.stem) for path in PATHS)


def test_the_file_is_a_valid_notebook(path: Path):
    node = read(path)
    nbformat.validate(node)
    assert node.metadata.kernelspec.name == "python3"
    ids = [cell.get("id") for cell in node.cells]
    assert all(ids) and len(set(ids)) == len(ids)


def test_it_begins_with_title_question_and_badge(path: Path):
    first = read(path).cells[0]
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    badge = re.search(r"\]\((https://colab\.research\.google\.com/github/\S+)\)", first.source)
    assert badge, "no link to Colab"
    assert badge.group(1).endswith(f"/notebooks/{path.name}")
    assert "?" in first.source, "no question"


def test_it_is_set_up_outside_the_parameters(path: Path):
    ((setup, cell),) = tagged(path, "setup")
    ((parameters, _),) = tagged(path, "parameters")
    assert cell.cell_type == "code"
    assert setup < parameters


def test_parameters_are_literals(path: Path):
    ((_, cell),) = tagged(path, "parameters")
    assert cell.cell_type == "code"
    names = []
    for statement in ast.parse(cell.source).body:
        assert isinstance(statement, ast.Assign | ast.AnnAssign), ast.unparse(statement)
        ast.literal_eval(statement.value)
        target = statement.targets[0] if isinstance(statement, ast.Assign) else statement.target
        names.append(target.id)
    assert len(set(names)) == len(names)
    assert {"train", "data_root", "results_dir", "figures_dir", "stamp"} <= set(names)


@pytest.mark.parametrize("profile", sorted(profiles()))
def test_every_profile_fits(profile: str):
    if PATHS:
        assign(tuple(read_notebook(path) for path in PATHS), profiles()[profile])


def test_no_profile_is_known_by_name(path: Path):
    used = {n.value for n in ast.walk(python(path)) if isinstance(n, ast.Constant)}
    assert not {"smoke", "replay", "study"} & used


def test_helpers_live_in_the_package(path: Path):
    for node in ast.walk(python(path)):
        assert not isinstance(
            node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Lambda
        ), f"line {node.lineno}: {ast.unparse(node)[:60]}"


def imports_only(cell: NotebookNode) -> bool:
    return all(isinstance(s, ast.Import | ast.ImportFrom) for s in ast.parse(cell.source).body)


def test_cells_are_short(path: Path):
    """A thought each; the imports are one cell, as long as what the notebook uses."""
    cells = [cell for cell in code_cells(path) if not imports_only(cell)]
    lines = [sum(map(bool, map(str.strip, c.source.splitlines()))) for c in cells]
    listed = [
        count for count, cell in zip(lines, cells, strict=True) if "parameters" not in tags(cell)
    ]
    assert min(lines) >= 1 and max(listed) <= LINES and statistics.median(lines) <= MEDIAN
    assert len(code_cells(path)) - len(cells) == 1, "imports in one cell"


def test_cells_take_no_short_cuts(path: Path):
    """No star import, no shell beyond the set-up, no file of another site."""
    tree = python(path)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert "*" not in {alias.name for alias in node.names}
        if isinstance(node, ast.Call):
            assert ast.unparse(node.func) not in ("exec", "eval")
    for cell in code_cells(path):
        if "setup" not in tags(cell):
            assert not re.search(r"^\s*[!%]", cell.source, re.M), cell.source
            assert "http" not in cell.source


def test_prose_shows_no_picture_of_another_host(path: Path):
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            for target in re.findall(
                r"!\[[^\]]*\]\(([^)\s]+)|<img[^>]+src=.([^\"']+)", cell.source
            ):
                address = "".join(target)
                badge = "colab" in address
                assert badge or not address.startswith(("http", "//")), address


def test_every_formula_can_be_set(path: Path, recwarn):
    """The report has no commands that its converter does not know."""
    for cell in read(path).cells:
        if cell.cell_type == "markdown":
            for block in re.findall(r"\$\$(.+?)\$\$", cell.source, re.S):
                to_mathml(block, "block")
    assert not [str(warning.message) for warning in recwarn.list]


def test_every_code_cell_is_introduced(path: Path):
    """Three cells that show something, at most, stand in a row between words."""
    row = 0
    for number, cell in enumerate(read(path).cells, 1):
        shows = cell.cell_type == "code" and re.search(SHOWS, cell.source, re.M)
        row = 0 if cell.cell_type == "markdown" else row + bool(shows)
        assert row <= 3, f"cell {number}: a fourth exhibit without a word"


def test_the_pipeline_knows_its_files(path: Path):
    pipeline = read(path).metadata.get("pipeline", {})
    assert pipeline.keys() <= PIPELINE
    for kind, patterns in pipeline.items():
        assert isinstance(patterns, list) and all(isinstance(p, str) and p for p in patterns), kind
    earlier = [other.stem for other in PATHS if other.stem < path.stem]
    for pattern in pipeline.get("needs", []):
        assert any(fnmatch(name, pattern) for name in earlier), f"needs {pattern}"
    for pattern in [*pipeline.get("reads", []), *pipeline.get("writes", [])]:
        assert not pattern.startswith(("/", "~")) and ".." not in pattern
        assert pattern.split("/")[0] in ("results", "common", "figures"), pattern


def test_saved_outputs_hold_no_error(path: Path):
    for number, cell in enumerate(code_cells(path), 1):
        kinds = {output.output_type for output in cell.outputs}
        assert "error" not in kinds, f"code cell {number}"


def test_saved_outputs_name_no_place_of_a_machine(path: Path):
    for text in printed(path):
        assert not (found := ABSOLUTE.search(text)), found.group()
        assert str(ROOT) not in text


def test_saved_outputs_show_no_photo_of_the_dataset(path: Path):
    """Saved by a replay without the dataset: no file of it is named and none could be shown."""
    for text in printed(path):
        assert not (found := BREED_PHOTO.search(text)), found.group()
        assert "oxford-iiit-pet/images" not in text
    ((_, cell),) = tagged(path, "parameters")
    values = dict(re.findall(r"^(\w+)\s*(?::.*?)?=\s*(.+?)\s*(?:#.*)?$", cell.source, re.M))
    assert ast.literal_eval(values["data_root"]) == ""
    assert ast.literal_eval(values["train"]) is False


def test_saved_outputs_need_no_live_kernel(path: Path):
    node = read(path)
    assert "widgets" not in node.metadata
    for cell in code_cells(path):
        for output in cell.outputs:
            assert "application/vnd.jupyter.widget-view+json" not in output.get("data", {})


def test_saved_outputs_are_of_one_run(path: Path):
    """Cells ran from top to bottom, all of them or none (an injected cell takes a number too)."""
    counts = [cell.execution_count for cell in code_cells(path)]
    ran = [count for count in counts if count is not None]
    assert ran == sorted(set(ran))
    assert len(ran) in (0, len(counts))
