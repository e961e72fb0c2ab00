"""From a figure or a table to the reader: one file, and one output that carries its caption.

`common.report` finds caption and name in the output's metadata. The same figure always gives the
same bytes, so that a committed picture changes only when its data do.
"""

import base64
import io
import re
from collections.abc import Callable, Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

from common.config import atomic_path
from common.figures.style import require_some, styled
from common.wording import wording

SHORTER = (  # what an SVG says at length, a third of its bytes, and what says the same in short
    (rb"\s*\n\s*", rb" "),
    (rb'(?<=[ "(-])[1-9]\d*\.\d{3,}', lambda m: b"%g" % round(float(m[0]), 2)),  # of a point
    (rb'(?<= d=")[^"]*', lambda m: re.sub(rb" ?([A-Za-z]) ?", rb"\1", m[0])),
    (rb'(<use [^>]*") transform="translate\(([-\d.]+) 0\)"', rb'\1 x="\2"'),  # every letter
    (rb'(?<=[#"])DejaVuSans-(?=[\da-f]+")', rb"D"),
    (rb'(?<=<g) id="[^"]*"(?=>)|<g id="[^"]*"/>|(?<=[:;]) (?=[\w#])|(?<=>) (?=<[^!])', rb""),
)
SVG_LIMIT = 200_000  # bytes; a drawing is smaller, and sharp at any size; photos are a JPEG
MIME = {"svg": "image/svg+xml", "jpg": "image/jpeg"}
HOW = {  # dots an inch of the picture, or of the pictures in the SVG; what is left out or set
    "svg": {"dpi": 96, "metadata": dict.fromkeys(("Date", "Creator", "Format", "Type"))},
    "jpg": {"dpi": 132, "pil_kwargs": {"quality": 75, "optimize": True, "progressive": True}},
    "png": {"dpi": 150, "metadata": {"Software": None}},
}


def show(fig: Figure, name: str, caption: str, *, folder: str | Path, stamp: str = "") -> None:
    """Save a figure in ``folder``, close it and display it once.

    Args:
        fig: the figure; it is not usable afterwards.
        name: file name without extension, ``NN_topic``.
        caption: one or two sentences for the report; plain text is also the picture's alt text.
        folder: where the file goes.
        stamp: written across the figure, such as "SMOKE RUN", where numbers mean nothing.

    Raises:
        UserError: a file cannot be written.
    """
    if stamp:
        _stamp(fig, stamp)
    file = save(fig, Path(folder) / name)
    data = file.read_bytes()
    text = data.decode() if file.suffix == ".svg" else base64.b64encode(data).decode()
    bundle = {MIME[file.suffix[1:]]: text, "text/plain": caption}
    display(bundle, metadata={"caption": caption, "name": name}, raw=True)


def save(fig: Figure, path: str | Path) -> Path:
    """Write a figure as ``path.svg``, or as ``path.jpg`` where photos make it large; close it.

    Returns:
        The file, the only one of this name: what an earlier run wrote in another form goes.
    """
    kind, data = "svg", encode(fig, "svg")
    if len(data) >= SVG_LIMIT:
        kind, data = "jpg", encode(fig, "jpg")
    with atomic_path(f"{path}.{kind}") as temporary:
        temporary.write_bytes(data)
    for other in HOW.keys() - {kind}:
        Path(f"{path}.{other}").unlink(missing_ok=True)
    plt.close(fig)
    return Path(f"{path}.{kind}")


def show_table(
    frame: pd.DataFrame,
    caption: str,
    *,
    formats: Mapping[str, str | Callable] | None = None,
    name: str = "",
) -> None:
    """Display a table with its caption, once.

    Args:
        frame: the rows; a nameless running index is left out. Columns, and what a column "score"
            holds, are named as readers know them (`wording`).
        caption: one sentence for the report.
        formats: how a column is written, such as ``{"value": "{:.3f}"}`` or a function.
        name: for links to the table.
    """
    require_some(frame, f"table {caption!r}")
    text = {wording(column): _formatter(how) for column, how in (formats or {}).items()}
    frame = frame.rename(columns=wording)
    if "score" in frame:
        frame["score"] = frame["score"].map(wording)
    numbered = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    html = frame.to_html(index=not numbered, formatters=text, na_rep="", border=0)
    bundle = {"text/html": html, "text/plain": caption}
    display(bundle, metadata={"caption": caption, "name": name}, raw=True)


@styled
def encode(fig: Figure, kind: str) -> bytes:
    """The file's bytes; ``kind`` is one of `HOW`."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format=kind, **HOW[kind])
    data = buffer.getvalue()
    if kind == "svg":
        for said, short in SHORTER:
            data = re.sub(said, short, data)
        data = data.strip() + b"\n"
    return data


@styled
def _stamp(fig: Figure, text: str) -> None:
    width, height = fig.get_size_inches()
    size, turn = min(72 * width / len(text), 20 * height), min(25, 12 * height / width)
    look = {"size": size, "color": "#c03030", "alpha": 0.3, "weight": "bold", "zorder": 1000}
    where = {"ha": "center", "va": "center", "rotation": turn, "in_layout": False}
    fig.text(0.5, 0.5, text, **look, **where)


def _formatter(how: str | Callable) -> Callable[[object], str]:
    """A function that writes a cell; gaps stay empty."""
    write = how.format if isinstance(how, str) else how
    return lambda value: "" if pd.isna(value) else write(value)
