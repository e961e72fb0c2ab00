"""A notebook's cells as one markdown document, their outputs waiting in its slots; no code."""

import base64
import re
from html import escape

from nbformat import NotebookNode

from common.report.blocks import Page, clean, figure_html, parse, table_html
from common.report.prose import inline
from common.report.tables import restyle

LEFT_OUT = {"hide", "parameters", "injected-parameters", "setup"}
SVG_LIMIT = 300_000  # bytes; above it the PNG is smaller and quicker to draw
IMAGES = ("image/png", "image/jpeg", "image/gif", "image/svg+xml")
ANSI = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
PROGRESS = re.compile(r"\d+%\|.*\|.*(it|s|\?)[/\]]|^\s*\d+it \[")
OBJECT = re.compile(r"<[^\n]*>")  # "<Figure size 640x480 …>", "<Axes: …>", "<… at 0x7f…>"
BETWEEN = "\n\n<!-- -->\n\n"  # keeps two cells' lists or tables apart


def document(cells: list[NotebookNode], page: Page) -> str:
    """Markdown of ``cells``, with an empty slot element for each picture, table and print-out."""
    return BETWEEN.join(
        _prose(cell, index, page) if cell.cell_type == "markdown" else _results(cell, page)
        for index, cell in enumerate(cells)
        if cell.cell_type in ("markdown", "code")
    )


def tags(cell: NotebookNode) -> set[str]:
    """The cell's tags, such as ``hide`` or ``summary``."""
    return set(cell.metadata.get("tags", []))


def _prose(cell: NotebookNode, index: int, page: Page) -> str:
    """The cell's text; attachments get its index, for their names repeat from cell to cell."""
    attachments = cell.get("attachments", {})
    for name, bundle in attachments.items():
        mime, data = next(iter(bundle.items()))
        page.attachments[f"attachment:{index}/{name}"] = mime, base64.b64decode(data)
    address = f"attachment:{index}/" if attachments else "attachment:"
    return cell.source.replace("attachment:", address)


def _results(cell: NotebookNode, page: Page) -> str:
    printed = ""
    parts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            printed += output.text if output.name == "stdout" else ""
            continue
        parts += [_printed(printed, page), _shown(output, page)]
        printed = ""
    return "\n\n".join(part for part in [*parts, _printed(printed, page)] if part)


def _printed(text: str, page: Page) -> str:
    """What was printed, as a terminal would leave it: no colours, no progress bars."""
    lines = (line.rsplit("\r", 1)[-1] for line in ANSI.sub("", text).split("\n"))
    kept = "\n".join(line.rstrip() for line in lines if not PROGRESS.search(line)).strip("\n")
    return page.slots.put(f'<pre class="output">{escape(kept)}</pre>') if kept.strip() else ""


def _shown(output: NotebookNode, page: Page) -> str:
    """The richest harmless form of a displayed output; a bare widget has none."""
    if output.output_type == "error":
        return _printed(f"{output.ename}: {output.evalue}", page)
    data = {mime: _text(value) for mime, value in output.data.items()}
    caption = output.metadata.get("caption", "")
    name = output.metadata.get("name") or (next(page.unnamed) if caption else "")
    labels = {"caption": inline(caption, page), "name": name}
    mime = _best_image(data)
    if mime:
        html = figure_html(mime, _bytes(mime, data[mime]), alt=caption, **labels)
        return page.slots.put(html)
    if "text/html" in data:
        return _markup(data["text/html"], labels, page)
    for mime in ("text/markdown", "text/latex"):
        if mime in data:
            return data[mime]
    text = "" if any("widget" in mime for mime in data) else data.get("text/plain", "")
    return "" if OBJECT.fullmatch(text.strip()) else _printed(text, page)


def _best_image(data: dict[str, str]) -> str | None:
    """SVG stays sharp at any size, so it wins while it is small."""
    present = [mime for mime in IMAGES if mime in data]
    if "image/svg+xml" in present and len(data["image/svg+xml"].encode()) < SVG_LIMIT:
        return "image/svg+xml"
    return present[0] if present else None


def _markup(html: str, labels: dict[str, str], page: Page) -> str:
    """Sanitized HTML output; each table gets its box, the first one the caption."""
    soup = parse(html)
    tables = soup.find_all("table")
    for box in soup.find_all("div"):  # pandas wraps its tables in one
        box.unwrap()
    for table in tables:
        restyle(table)
        boxed = table_html(clean(str(table)), **labels)
        table.replace_with(parse(page.slots.put(boxed)))
        labels = {}
    if not tables and not soup.get_text(strip=True):
        return ""
    return page.slots.put(page.slots.fill(clean(str(soup))))


def _bytes(mime: str, value: str) -> bytes:
    return value.encode() if mime == "image/svg+xml" else base64.b64decode(value)


def _text(value: object) -> str:
    return "".join(value) if isinstance(value, list) else str(value)
