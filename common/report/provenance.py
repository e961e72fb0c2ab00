"""The page that says where every number comes from: one table a kind of record."""

import re
from html import escape

from markupsafe import Markup

from common.report.blocks import clean, table_html
from common.report.tables import text_table
from common.wording import wording

HEADINGS = {
    "minutes": "Minutes per notebook",
    "models": "Trained models (-dirty: files differed from the commit)",
    "test_reads": "Scorings of the test split (-dirty: files differed from the commit)",
    "faults": "Faults provoked, and what was lost",
    "machines": "Machines simulated, and what the two commands did there",
    "licences": "Data, weights and licences",
}
HASH = re.compile(r"\b([0-9a-f]{10})[0-9a-f]{6,54}(?=\b|-)")
TIME = re.compile(r"\b(\d{4}-\d\d-\d\d)T(\d\d:\d\d)\S*")


def provenance_html(provenance: dict) -> Markup:
    """One table of the plain values, then one for each dict and each list of records.

    Records show the first ten digits of a hash, and times to the minute.
    """
    plain = {key: value for key, value in provenance.items() if not isinstance(value, dict | list)}
    tables = [("", [{"": _words(key), " ": value} for key, value in plain.items()])]
    for key, value in provenance.items():
        heading = HEADINGS.get(key, _words(key))
        if isinstance(value, dict):
            value = [{"": name, " ": entry} for name, entry in value.items()]
        if isinstance(value, list):
            tables.append((heading, [_shortened(row) for row in value]))
    return Markup("".join(_titled_table(heading, rows) for heading, rows in tables if rows))


def _titled_table(heading: str, rows: list[dict]) -> str:
    title = f"<h3>{escape(heading)}</h3>" if heading else ""
    return title + table_html(clean(text_table(rows)))


def _shortened(row: dict) -> dict:
    texts = {key: "" if value is None else str(value) for key, value in row.items()}
    return {
        wording(key).replace("_", " "): TIME.sub(r"\1 \2", HASH.sub(r"\1", text))
        for key, text in texts.items()
    }


def _words(key: str) -> str:
    return key[:1].upper() + key[1:].replace("_", " ")
