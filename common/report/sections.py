"""Executed notebooks become the sections of the report: text, claims, exhibits, references."""

import copy
import re
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
from markupsafe import Markup
from nbformat import NotebookNode

from common.config import UserError
from common.report.blocks import Page, Slots
from common.report.claims import Claim, Exhibit, exhibits, seen_in
from common.report.outputs import LEFT_OUT, document, tags
from common.report.prose import render
from common.report.references import take

CLAIMS = ("finding", "summary")  # tags of cells that stand in the report's summary only


@dataclass(frozen=True)
class Section:
    """One notebook in the report.

    Attributes:
        anchor: its file's stem.
        number: the digits its name begins with, else its place.
        title: its first heading, without the number.
        body: finished HTML of its text and outputs.
        contents: (anchor, text) of its parts.
        findings, summary: what its cells with these tags show.
        exhibits: its captioned figures and tables.
        works: its references, as markdown.
        reads: patterns of the stored files that it is computed from.
    """

    anchor: str
    number: str
    title: str
    body: Markup
    contents: list[tuple[str, str]]
    findings: list[Claim]
    summary: list[Claim]
    exhibits: list[Exhibit]
    works: list[str]
    reads: list[str]


def read_sections(paths: list[Path]) -> list[Section]:
    """The sections of executed notebooks, in their order.

    Raises:
        UserError: a notebook is missing or no notebook, or a picture in its text is missing.
    """
    read = {Path(path): _read(Path(path)) for path in paths}
    stems = frozenset(path.stem for path in read)
    figures = frozenset(name for notebook in read.values() for name in _figure_names(notebook))
    return [
        _section(notebook, Page(path, stems, figures), index)
        for index, (path, notebook) in enumerate(read.items(), start=1)
    ]


def _read(path: Path) -> NotebookNode:
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; run this notebook first") from error
    except Exception as error:  # nbformat, jsonschema and json each raise kinds of their own
        reason = str(error).strip().split("\n")[0]
        raise UserError(f"{path}: not a valid notebook ({reason}); run it again") from error
    return notebook


def _figure_names(notebook: NotebookNode) -> list[str]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    metadata = [output.get("metadata", {}) for output in outputs]
    return [entry["name"] for entry in metadata if "name" in entry]


def _section(notebook: NotebookNode, page: Page, index: int) -> Section:
    cells = [cell for cell in notebook.cells if not tags(cell) & LEFT_OUT]
    body, works = _without_references([cell for cell in cells if not tags(cell) & set(CLAIMS)])
    html = _html(body, page)
    title = page.title or page.name
    apart = replace(page, prefix=f"summary-{page.name}", title=title, contents=[])
    claims = [_claims(cells, kind, apart) for kind in CLAIMS]
    number = re.match(r"\d+", page.name)
    return Section(
        page.name,
        number[0] if number else f"{index:02d}",
        title,
        html,
        page.contents,
        *claims,
        exhibits(html),
        works,
        list(notebook.metadata.get("pipeline", {}).get("reads", [])),
    )


def _without_references(cells: list[NotebookNode]) -> tuple[list[NotebookNode], list[str]]:
    """Copies of the cells, their lists of references taken out and returned beside them."""
    kept, works = copy.deepcopy(cells), []
    for cell in kept:
        if cell.cell_type == "markdown":
            cell.source, taken = take(cell.source)
            works += taken
    return kept, works


def _claims(cells: list[NotebookNode], kind: str, page: Page) -> list[Claim]:
    """What the cells of one kind show, the first kind of a cell's; each has ids of its own."""
    found = []
    for index, cell in enumerate(cells):
        if kind == next((each for each in CLAIMS if each in tags(cell)), None):
            own = replace(page, prefix=f"{page.prefix}-{index}", slots=Slots())
            found.append(Claim(_html([cell], own), seen_in(cell)))
    return [claim for claim in found if claim.html.strip()]


def _html(cells: list[NotebookNode], page: Page) -> Markup:
    return Markup(page.slots.fill(render(document(cells, page), page)))
