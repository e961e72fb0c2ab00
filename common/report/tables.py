"""Tables for readers: numbers aligned at the right, one header row, ready to sort and scroll."""

import re

import pandas as pd
from bs4 import BeautifulSoup, Tag

NUMBER = re.compile(
    r"[+\u2212-]?(\d[\d,]*\.?\d*|\.\d+)(e[+-]?\d+)?"  # 1,234.5 or 1e-3
    r"\s?(%|[kMG]|px|s|ms|min|h|MB|kB|GB)?"
    r"(\s?(±|\(|\[|\u2013|/).*)?"  # an interval, a spread or "of how many" may follow
    r"|\[[^\[\]]*\d\]",  # or nothing but an interval
    re.IGNORECASE,
)
BLANK = {"", "-", "\u2013", "\u2014", "nan", "none", "<na>", "nat"}


def restyle(table: Tag) -> None:
    """Mark a ``<table>`` in place: class ``num`` on numeric columns, ``sortable`` if it can be."""
    for name in ("border", "style", "class"):
        table.attrs.pop(name, None)
    _mend_header(table)
    rows = [row.find_all(["td", "th"], recursive=False) for row in table.find_all("tr")]
    spans = table.find(lambda tag: tag.has_attr("colspan") or tag.has_attr("rowspan"))
    if spans or not table.tbody or len({len(row) for row in rows}) != 1:
        _mark_cells(table)
        return
    table["class"] = ["many"] if len(rows[0]) > 8 else []
    headers = len(table.thead.find_all("tr")) if table.thead else 0
    if headers == 1 and len(rows) > 2:
        table["class"].append("sortable")
    for column in zip(*rows, strict=True):
        inside = [cell for cell in column if cell.find_parent("tbody")]
        if _numeric([cell.get_text(strip=True) for cell in inside]):
            _mark(column)


def text_table(rows: list[dict[str, object]]) -> str:
    """Plain HTML table of records; the columns are those of the first one."""
    frame = pd.DataFrame(rows, columns=list(rows[0]), dtype=object).fillna("").astype(str)
    with pd.option_context("display.max_colwidth", None):
        soup = BeautifulSoup(frame.to_html(index=False), "html.parser")
    restyle(soup.table)
    return str(soup)


def _mend_header(table: Tag) -> None:
    """Drop an empty header; fold the row that pandas gives the index's name into the first."""
    if table.thead and not table.thead.get_text(strip=True):
        table.thead.decompose()
    rows = table.thead.find_all("tr") if table.thead else []
    if len(rows) != 2 or table.thead.find(lambda tag: tag.has_attr("colspan")):
        return
    pairs = list(zip(*(row.find_all(["td", "th"]) for row in rows), strict=False))
    if any(upper.get_text(strip=True) and lower.get_text(strip=True) for upper, lower in pairs):
        return
    for upper, lower in pairs:
        if lower.get_text(strip=True):
            upper.string = lower.get_text(strip=True)
    rows[1].decompose()


def _numeric(texts: list[str]) -> bool:
    values = [text for text in texts if text.lower() not in BLANK]
    return bool(values) and all(NUMBER.fullmatch(text) for text in values)


def _mark(cells: tuple[Tag, ...] | list[Tag]) -> None:
    for cell in cells:
        cell["class"] = ["num"]


def _mark_cells(table: Tag) -> None:
    """Without a plain grid (merged cells) each body cell is judged alone."""
    _mark([cell for cell in table.find_all("td") if _numeric([cell.get_text(strip=True)])])
