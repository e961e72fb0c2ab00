"""One file to hand in: executed notebooks become a single HTML document that needs nothing else.

It opens with what the cells tagged ``opening`` and ``finding`` show, and tells each notebook in
one short chapter (`common.report.sections`). The rest of the notebooks, a marker's page
(`common.report.claims` says how a claim names its evidence) and the provenance are appendices
that open on demand. Code is left out: the notebooks have it.

Nothing in it runs but its own few lines of script, whose hash its security policy names, and
no request leaves it: pictures are embedded, formulas are MathML, fonts are the system's.
"""

import base64
import hashlib
import re
from contextlib import suppress
from datetime import date
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from common.config import atomic_path
from common.report.blocks import APPENDIX, Page, number_captions
from common.report.claims import reference
from common.report.prose import inline
from common.report.provenance import provenance_html
from common.report.references import merge
from common.report.sections import Section, read_sections
from common.report.terms import explained

__all__ = ["build_report"]

HERE = Path(__file__).parent
TITLE = "Point-prompted Segmentation of cats and dogs"
SUBTITLE = (
    "Semantic segmentation of the Oxford-IIIT Pet photos, from a custom UNet "
    "through pretrained encoders to a mask from a single click"
)


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
    sections = read_sections(notebooks)
    html = _page(
        title=title,
        subtitle=subtitle,
        byline=_byline(provenance),
        sections=sections,
        anchors={exhibit.anchor for section in sections for exhibit in section.exhibits},
        reference=reference,
        references=_references(sections),
        provenance=provenance_html(provenance),
        appendix_mark=Markup(APPENDIX),
    )
    start, mark, appendices = html.partition(APPENDIX)
    head, main, body = start.partition("<main")
    html = "".join([head, main, explained(body), mark, appendices])
    with atomic_path(out) as temporary:
        temporary.write_text(number_captions(html), encoding="utf-8", newline="\n")
    return Path(out)


def _references(sections: list[Section]) -> list[tuple[Markup, list[tuple[str, str]]]]:
    """Each work as finished HTML, with the anchors and numbers of the sections that cite it."""
    merged = merge((section.anchor, section.number, section.works) for section in sections)
    page = Page(Path("references"))
    return [(Markup(inline(work.text, page)), work.cited) for work in merged]


def _byline(provenance: dict) -> str:
    day = str(provenance.get("date", ""))
    with suppress(ValueError):
        parsed = date.fromisoformat(day[:10])
        day = f"{parsed.day} {parsed:%B %Y}"
    known = [f"{key} {provenance[key]}" for key in ("commit", "profile") if key in provenance]
    line = " · ".join(part for part in [day, *known] if part)
    return re.sub(r"\b([0-9a-f]{10})[0-9a-f]{30}\b", r"\1", line)


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
