"""The pieces a page is laid from: sanitized HTML, figures with numbered captions, slots."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape
from pathlib import Path

import bleach
from bs4 import BeautifulSoup

from common.report.images import image_html, image_size

TAGS = """
    a abbr b blockquote br caption code dd del details div dl dt em figcaption figure h1 h2 h3 h4
    h5 h6 hr i kbd li mark ol p pre q s samp section small span strong sub summary sup table
    tbody td tfoot th thead tr u ul var
"""
ATTRIBUTES = {
    "*": ["class", "id", "title", "data-slot"],
    "a": ["href"],
    "ol": ["start"],
    "td": ["colspan", "rowspan"],
    "th": ["colspan", "rowspan", "scope"],
}
PROTOCOLS = {"http", "https", "mailto"}
INVISIBLE = ["script", "style", "template", "noscript", "iframe", "object", "svg", "math", "title"]
SLOT = re.compile(r'<(span|div) data-slot="(\d+)"></\1>')
NUMBER = "\ue000"  # private-use characters around an id: the number its caption gets at the end
REFERENCE = "\ue001"  # and the same number wherever the text refers to that id
APPENDIX = "<!-- appendices -->"  # from here on numbers read "A.1"
WIDE = 700  # CSS pixels (7.3 inches): from here on a broad figure reaches beyond the text
LEAST = 0.75  # of its width: so narrow a figure may get, its least lettering then is 9 CSS pixels
SMALL = 540  # below it a figure keeps its size, so that lettering stays alike from plot to plot


class Slots:
    """Finished HTML (images, formulas) kept aside while its surroundings are sanitized."""

    def __init__(self) -> None:
        self._finished: list[str] = []

    def put(self, html: str, tag: str = "div") -> str:
        """Keep ``html`` and return the empty element that stands for it."""
        self._finished.append(html)
        return f'<{tag} data-slot="{len(self._finished) - 1}"></{tag}>'

    def fill(self, html: str) -> str:
        """Put everything kept back in its place; unknown slots become nothing."""
        kept = dict(enumerate(self._finished))
        return SLOT.sub(lambda match: kept.get(int(match[2]), ""), html)


@dataclass
class Page:
    """What a notebook's fragments share while they become HTML.

    Attributes:
        path: the notebook.
        notebooks: stems of all notebooks of the report, for links.
        figures: names of all figures of the report, for links.
        prefix: begins every id, so that ids stay apart; the notebook's stem if not given.
        title: title of the notebook, set from its first heading of level 1.
        attachments: pictures pasted into markdown cells, by the address that refers to them.
        contents: (id, text) of each second-level heading, found while rendering.
        slots: finished HTML that waits to be filled in.
        unnamed: names for tables and figures that have none, so that all can be linked to.
    """

    path: Path
    notebooks: frozenset[str] = frozenset()
    figures: frozenset[str] = frozenset()
    prefix: str = ""
    title: str = ""
    attachments: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    contents: list[tuple[str, str]] = field(default_factory=list)
    slots: Slots = field(default_factory=Slots)
    unnamed: Iterator[str] = field(init=False)

    def __post_init__(self) -> None:
        self.prefix = self.prefix or self.name
        self.unnamed = (f"{self.prefix}-{count}" for count in itertools.count(1))

    @property
    def name(self) -> str:
        """The notebook's file name without its ending."""
        return self.path.stem


def parse(html: str) -> BeautifulSoup:
    """Parse a fragment and drop what must not be seen, such as a style sheet's text."""
    soup = BeautifulSoup(html, "html.parser")
    for element in soup(INVISIBLE):
        element.decompose()
    return soup


def clean(html: str) -> str:
    """Keep only harmless tags and attributes: nothing that runs, loads or styles is left."""
    return bleach.clean(
        html, tags=set(TAGS.split()), attributes=ATTRIBUTES, protocols=PROTOCOLS, strip=True
    )


def figure_html(mime: str, data: bytes, *, alt: str, caption: str = "", name: str = "") -> str:
    """Figure with its numbered caption below; ``caption`` is HTML, ``alt`` is plain text."""
    width, height = image_size(mime, data)
    broad = width >= max(WIDE, 1.3 * height)
    kind = "figure wide" if broad else "figure small" if 0 < width < SMALL else "figure"
    least = f' style="--least: {LEAST * width:.0f}px"' if width else ""
    image = f'<div class="plate"{least}>{image_html(mime, data, alt)}</div>'
    anchor = f"fig-{name}" if name else ""
    return _figure(kind, anchor, image + _caption("Figure", anchor, caption))


def table_html(table: str, *, caption: str = "", name: str = "") -> str:
    """Table that scrolls inside its own box, with its numbered caption above."""
    anchor = f"tab-{name}" if name else ""
    box = f'<div class="scroll">{table}</div>'
    return _figure("table", anchor, _caption("Table", anchor, caption) + box)


def number_captions(html: str) -> str:
    """Count figures and tables, those behind `APPENDIX` apart; put the numbers where cited."""
    numbers: dict[str, str] = {}

    def counted(part: str, prefix: str) -> str:
        counts = {"Figure": itertools.count(1), "Table": itertools.count(1)}

        def numbered(match: re.Match[str]) -> str:
            kind, anchor = match.groups()
            numbers[anchor] = f"{kind}\N{NO-BREAK SPACE}{prefix}{next(counts[kind])}"
            return numbers[anchor]

        return re.sub(f"(Figure|Table){NUMBER}([^{NUMBER}]*){NUMBER}", numbered, part)

    main, mark, appendix = html.partition(APPENDIX)
    html = counted(main, "") + mark + counted(appendix, "A.")
    cited = f"{REFERENCE}([^{REFERENCE}]*){REFERENCE}"
    return re.sub(cited, lambda match: numbers.get(match[1], ""), html)


def _caption(kind: str, anchor: str, caption: str) -> str:
    label = f'<span class="number">{kind}{NUMBER}{anchor}{NUMBER}</span>'
    return f"<figcaption>{label} {caption}</figcaption>" if caption else ""


def _figure(kind: str, anchor: str, content: str) -> str:
    known = f' id="{escape(anchor)}"' if anchor else ""
    return f'<figure class="{kind}"{known}>{content}</figure>'
