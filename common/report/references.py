"""References of all notebooks as one list: each work once, with the notebooks that cite it.

A notebook ends with one paragraph ``**References.** A. Author, *Title*, Venue 2020. — …``.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field

PARAGRAPH = re.compile(
    r"^\*\*References?\.\*\*\s*(.+?)\s*(?:\n\s*\n|\Z)", re.DOTALL | re.MULTILINE
)
BETWEEN = re.compile(r"\s+—\s+")


@dataclass
class Reference:
    """One work: its markdown, and the anchors and numbers of the sections that cite it."""

    text: str
    cited: list[tuple[str, str]] = field(default_factory=list)


def take(markdown: str) -> tuple[str, list[str]]:
    """Split a cell's text into what stays in its section and the works that it lists."""
    works = [
        " ".join(work.split()).rstrip(".") + "."
        for paragraph in PARAGRAPH.findall(markdown)
        for work in BETWEEN.split(paragraph)
    ]
    return PARAGRAPH.sub("", markdown), works


def merge(cited: Iterable[tuple[str, str, list[str]]]) -> list[Reference]:
    """One alphabetical list from (anchor, number, works) of each section.

    A work is known by its authors and venue, for its title may be cut short in one notebook; the
    longest wording is kept.
    """
    found: dict[tuple[str, str], Reference] = {}
    for anchor, number, works in cited:
        for work in works:
            reference = found.setdefault(_key(work), Reference(work))
            reference.text = max(reference.text, work, key=len)
            if (anchor, number) not in reference.cited:
                reference.cited.append((anchor, number))
    return sorted(found.values(), key=lambda reference: _surname(reference.text))


def _key(work: str) -> tuple[str, str]:
    authors, _, rest = work.lower().partition("*")
    venue = re.sub(r"\(.*?\)", "", rest.rpartition(",")[2])
    return authors.strip(" ,"), venue.strip()


def _surname(work: str) -> str:
    """The text without leading initials, so that the list runs by surnames."""
    return re.sub(r"^((\w\.-?)+\s+)+", "", work).lower()
