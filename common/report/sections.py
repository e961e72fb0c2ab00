"""Executed notebooks become chapters and appendices: text, claims, exhibits, references.

A chapter is what is read first: the notebook's question, its cells tagged ``main``, what its
``summary`` cells found, and its limits. Everything else is the appendix of the same number, in
which a reference stands where a figure or table went to the chapter. Cells tagged ``opening``
stand above all, on the first screen.
"""

import copy
import re
from dataclasses import dataclass, replace
from pathlib import Path

import nbformat
from markupsafe import Markup
from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from common.config import UserError
from common.report.blocks import Page, Slots
from common.report.claims import Claim, Exhibit, exhibits, reference, seen_in
from common.report.outputs import LEFT_OUT, document, tags
from common.report.prose import render
from common.report.references import take

CLAIMS = ("finding", "summary")  # tags of cells that stand in the summary and as answers only
OPENING, MAIN = "opening", "main"  # tags of cells that are no part of the appendix
TOLD = re.compile(
    r"^\*\*(Question|Limits)\.\*\*\s*(.+?)\s*(?:\n\s*\n|\Z)", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True)
class Section:
    """One notebook in the report.

    Attributes:
        anchor: its file's stem.
        number: the digits its name begins with, else its place.
        title: its first heading, without the number.
        opening, question, chapter, limits: finished HTML of what is read first.
        body: that of the rest, for the appendix.
        contents: (anchor, text) of the appendix's parts.
        findings, summary: what its cells with these tags show.
        exhibits: its captioned figures and tables.
        works: its references, as markdown.
        reads: patterns of the stored files that it is computed from.
    """

    anchor: str
    number: str
    title: str
    opening: Markup
    question: Markup
    chapter: Markup
    limits: Markup
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
    prose, works = _without_references([cell for cell in cells if not tags(cell) & set(CLAIMS)])
    told = _taken(prose)
    body = _html([_pointer(c, page) if tags(c) & {OPENING, MAIN} else c for c in prose], page)
    title = page.title or page.name

    def apart(kind: str) -> Page:
        own = f"{kind}-{page.name}"
        return replace(page, prefix=own, title=title, contents=[], slots=Slots())

    tagged = {kind: [c for c in prose if kind in tags(c)] for kind in (OPENING, MAIN)}
    tagged |= {kind: [new_markdown_cell(text)] for kind, text in told.items()}
    first = [
        _html(tagged.get(kind, []), apart(kind.lower()))
        for kind in (OPENING, "Question", MAIN, "Limits")
    ]
    claims = [_claims(cells, kind, apart("summary")) for kind in CLAIMS]
    number = re.match(r"\d+", page.name)
    return Section(
        page.name,
        number[0] if number else f"{index:02d}",
        title,
        *first,
        body,
        page.contents,
        *claims,
        exhibits(Markup().join((first[0], first[2], body))),
        works,
        list(notebook.metadata.get("pipeline", {}).get("reads", [])),
    )


def _taken(cells: list[NotebookNode]) -> dict[str, str]:
    """Question and limits, taken out of the cells."""
    told: dict[str, str] = {}
    for cell in cells:
        if cell.cell_type == "markdown" and not tags(cell) & {OPENING, MAIN}:
            told |= {match[1]: match[2] for match in TOLD.finditer(cell.source)}
            cell.source = TOLD.sub("", cell.source)
    return told


def _pointer(cell: NotebookNode, page: Page) -> NotebookNode:
    """What the appendix keeps of a cell that stands before it: headings, and where it went."""
    if cell.cell_type == "markdown":
        lines = [line for line in cell.source.splitlines() if line.startswith("#")]
        return new_markdown_cell("\n\n".join(lines))
    named = [
        reference(f"{'tab' if 'text/html' in output.data else 'fig'}-{output.metadata.name}")
        for output in cell.get("outputs", [])
        if output.get("metadata", {}).get("name")
    ]
    links = Markup(", ").join(named)
    return new_markdown_cell(page.slots.put(f'<p class="seen">→ {links}</p>') if named else "")


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
