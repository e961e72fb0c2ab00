"""What the notebooks claim, and where a reader can see it: claims, exhibits, links between them.

A cell tagged ``finding`` opens the summary of the report; one tagged ``summary`` says in a
sentence or two what its notebook found. Tags ``see:02_scores`` on either cell name the figures
and tables (by the name given to `show` or `show_table`) that bear it out; a table of the same
notebook that holds the claim's headline number, to three decimals, is found without a tag.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from bs4 import BeautifulSoup, Tag
from markupsafe import Markup
from nbformat import NotebookNode

from common.report.blocks import REFERENCE

SEE = "see:"
NUMBER = re.compile(r"(?<![\d.])\d+\.\d{3}(?!\d)")
PICTURE = re.compile(r'src="data:[^"]*"')


@dataclass(frozen=True)
class Exhibit:
    """A captioned figure or table.

    Attributes:
        anchor: its id in the report.
        name: its file name without extension, or "" for a table.
        caption: first sentence of its caption, plain text.
        part: heading that it stands under, "" before the first.
        numbers: those of a table that have three decimals.
    """

    anchor: str
    name: str
    caption: str
    part: str
    numbers: frozenset[str]


@dataclass(frozen=True)
class Claim:
    """A cell's printed claim as finished HTML, and the names of what bears it out."""

    html: Markup
    see: tuple[str, ...]

    @property
    def text(self) -> Markup:
        """The claim without pictures and anchors, to be repeated elsewhere."""
        soup = BeautifulSoup(PICTURE.sub("", self.html), "html.parser")
        for figure in soup.find_all("figure", class_="figure"):
            figure.decompose()
        for element in soup.find_all(id=True):
            del element["id"]
        return Markup(soup)

    @property
    def numbers(self) -> set[str]:
        """The headline numbers: of each paragraph or item, the first with three decimals."""
        blocks = BeautifulSoup(self.text, "html.parser").find_all(["p", "li"])
        found = (NUMBER.search(block.get_text()) for block in blocks)
        return {match[0] for match in found if match}

    def evidence(self, own: list[Exhibit], anchors: Collection[str]) -> list[Markup]:
        """Links to what bears the claim out, as far as it is in the report.

        Args:
            own: exhibits of the claim's notebook, for their numbers.
            anchors: ids of all exhibits of the report, for the tags.
        """
        tagged = [f"{kind}-{name}" for name in self.see for kind in ("fig", "tab")]
        holding = [exhibit.anchor for exhibit in own if exhibit.numbers & self.numbers]
        ids = dict.fromkeys([*tagged, *holding])
        return [reference(anchor) for anchor in ids if anchor in anchors]


def seen_in(cell: NotebookNode) -> tuple[str, ...]:
    """Names in the cell's ``see:`` tags."""
    tags = cell.metadata.get("tags", [])
    return tuple(tag.removeprefix(SEE) for tag in tags if tag.startswith(SEE))


def exhibits(html: str) -> list[Exhibit]:
    """Captioned figures and tables of a finished section, in reading order."""
    part, found = "", []
    for element in BeautifulSoup(PICTURE.sub("", html), "html.parser").find_all(["h3", "figure"]):
        if element.name == "h3":
            part = element.get_text(" ", strip=True)
        elif element.figcaption and element.get("id"):
            element.figcaption.find(class_="number").extract()
            caption = element.figcaption.get_text().strip()
            name = element["id"].removeprefix("fig-")
            found.append(
                Exhibit(
                    anchor=element["id"],
                    name="" if name == element["id"] else name,
                    caption=re.split(r"(?<=[.?!])\s+(?=[A-Z])", caption)[0],
                    part=part,
                    numbers=frozenset(NUMBER.findall(_cells(element))),
                )
            )
    return found


def _cells(figure: Tag) -> str:
    return figure.table.get_text(" ") if figure.table else ""


def reference(anchor: str) -> Markup:
    """Link that reads "Figure 3", once the figures are counted."""
    return Markup('<a href="#{0}">{1}{0}{1}</a>').format(anchor, REFERENCE)
