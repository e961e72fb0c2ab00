"""One file to hand in: executed notebooks become a single HTML document that needs nothing else.

Nothing in it runs but its own few lines of script, whose hash its security policy names, and
no request leaves it: pictures are embedded, formulas are MathML, fonts are the system's.
"""

from __future__ import annotations

import base64
import hashlib
import re
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from html import escape
from pathlib import Path

import nbformat
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from common.config import UserError, atomic_path
from common.report.blocks import Page, Slots, clean, number_captions, table_html
from common.report.outputs import LEFT_OUT, document, tags
from common.report.prose import render
from common.report.tables import text_table

__all__ = ["build_report"]

HERE = Path(__file__).parent
TITLE = "Point-prompted Segmentation of cats and dogs"
SUBTITLE = (
    "Semantic segmentation of the Oxford-IIIT Pet photos, from a custom UNet "
    "through pretrained encoders to a mask from a single click"
)
HEADINGS = {"minutes": "Minutes per notebook", "test_reads": "Scorings of the test split"}


@dataclass(frozen=True)
class Section:
    """One notebook in the report; ``body`` and ``summary`` are finished HTML."""

    anchor: str
    number: str
    title: str
    body: Markup
    summary: Markup
    contents: list[tuple[str, str]]


def build_report(
    notebooks: list[Path],
    out: Path,
    *,
    provenance: dict,
    title: str = TITLE,
    subtitle: str = SUBTITLE,
) -> Path:
    """Write executed ``notebooks``, in their order, as one HTML file; return its path.

    Args:
        notebooks: executed ``.ipynb`` files; their stems become the anchors.
        out: the file to write; replaced only when the new one is complete.
        provenance: how the numbers came about. ``date``, ``commit`` and ``profile`` stand under
            the title; every plain value is a row of the last section's table, a dict (such as
            ``minutes``) or a list of dicts (such as ``test_reads``) a table of its own.
        title, subtitle: the document's name and one sentence under it.

    Raises:
        UserError: a notebook is missing or no notebook, or a picture in its text is missing.
    """
    read = {Path(path): _read(Path(path)) for path in notebooks}
    stems = frozenset(path.stem for path in read)
    figures = frozenset(name for notebook in read.values() for name in _figure_names(notebook))
    sections = [
        _section(notebook, Page(path, stems, figures), index)
        for index, (path, notebook) in enumerate(read.items(), start=1)
    ]
    html = _page(
        title=title,
        subtitle=subtitle,
        byline=_byline(provenance),
        sections=sections,
        provenance=_provenance(provenance),
    )
    with atomic_path(out) as temporary:
        temporary.write_text(number_captions(html), encoding="utf-8", newline="\n")
    return Path(out)


def _read(path: Path) -> nbformat.NotebookNode:
    try:
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror or error}; run this notebook first") from error
    except Exception as error:  # nbformat, jsonschema and json each raise kinds of their own
        reason = str(error).strip().split("\n")[0]
        raise UserError(f"{path}: not a valid notebook ({reason}); run it again") from error
    return notebook


def _figure_names(notebook: nbformat.NotebookNode) -> list[str]:
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    metadata = [output.get("metadata", {}) for output in outputs]
    return [entry["name"] for entry in metadata if "name" in entry]


def _section(notebook: nbformat.NotebookNode, page: Page, index: int) -> Section:
    cells = [cell for cell in notebook.cells if not tags(cell) & LEFT_OUT]
    body = [cell for cell in cells if "summary" not in tags(cell)]
    summary = [cell for cell in cells if "summary" in tags(cell)]
    html = _html(body, page)
    title = page.title or page.name
    apart = replace(page, prefix=f"summary-{page.name}", title=title, contents=[], slots=Slots())
    number = re.match(r"\d+", page.name)
    return Section(
        anchor=page.name,
        number=number[0] if number else f"{index:02d}",
        title=title,
        body=html,
        summary=_html(summary, apart),
        contents=page.contents,
    )


def _html(cells: list[nbformat.NotebookNode], page: Page) -> Markup:
    return Markup(page.slots.fill(render(document(cells, page), page)))


def _byline(provenance: dict) -> str:
    day = str(provenance.get("date", ""))
    with suppress(ValueError):
        parsed = date.fromisoformat(day[:10])
        day = f"{parsed.day} {parsed:%B %Y}"
    known = [f"{key} {provenance[key]}" for key in ("commit", "profile") if key in provenance]
    line = " · ".join(part for part in [day, *known] if part)
    return re.sub(r"\b([0-9a-f]{10})[0-9a-f]{30}\b", r"\1", line)


def _provenance(provenance: dict) -> Markup:
    """One table of the plain values, then one for each dict and each list of records."""
    plain = {key: value for key, value in provenance.items() if not isinstance(value, dict | list)}
    tables = [("", [{"": _words(key), " ": value} for key, value in plain.items()])]
    for key, value in provenance.items():
        heading = HEADINGS.get(key, _words(key))
        if isinstance(value, dict):
            value = [{"": name, " ": entry} for name, entry in value.items()]
        if isinstance(value, list):
            tables.append((heading, value))
    return Markup("".join(_titled_table(heading, rows) for heading, rows in tables if rows))


def _titled_table(heading: str, rows: list[dict]) -> str:
    title = f"<h3>{escape(heading)}</h3>" if heading else ""
    return title + table_html(clean(text_table(rows)))


def _words(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _page(**content: object) -> str:
    """Fill the template; the policy admits only this page's own script, by its hash."""
    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = (HERE / "page.js").read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    style = (HERE / "page.css").read_text(encoding="utf-8")
    return environment.get_template("page.html.j2").render(
        content, script=Markup(script), digest=digest, style=Markup(style)
    )
