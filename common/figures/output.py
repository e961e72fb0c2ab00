"""From a figure or a table to the reader: two files, and one output that carries its caption.

`common.report` finds caption and name in the output's metadata. The same figure always gives the
same bytes, so that a committed picture changes only when its data do.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display
from matplotlib.figure import Figure

from common.config import atomic_path
from common.figures.style import require_some, styled
from common.wording import wording

SVG_LIMIT = 300_000  # bytes; beyond it a browser draws the PNG quicker
DPI = {"png": 150, "svg": 96}  # dots an inch; of the SVG, of the pictures in it
METADATA = {"png": {"Software": None}, "svg": {"Date": None, "Creator": None}}


def show(fig: Figure, name: str, caption: str, *, folder: str | Path, stamp: str = "") -> None:
    """Save a figure as ``folder/name.png`` and ``.svg``, close it and display it once.

    Args:
        fig: the figure; it is not usable afterwards.
        name: file name without extension, ``NN_topic``.
        caption: one or two sentences for the report; plain text is also the picture's alt text.
        folder: where both files go.
        stamp: written across the figure, such as "SMOKE RUN", where numbers mean nothing.

    Raises:
        UserError: a file cannot be written.
    """
    if stamp:
        _stamp(fig, stamp)
    data = save(fig, Path(folder) / name)
    bundle = {"image/png": base64.b64encode(data["png"]).decode(), "text/plain": caption}
    if len(data["svg"]) < SVG_LIMIT:
        bundle["image/svg+xml"] = data["svg"].decode()
    display(bundle, metadata={"caption": caption, "name": name}, raw=True)


def save(fig: Figure, path: str | Path) -> dict[str, bytes]:
    """Write a figure as ``path.png`` and ``path.svg`` and close it, without displaying it.

    Returns:
        The bytes of both files, by "png" and "svg".
    """
    data = {kind: encode(fig, kind) for kind in METADATA}
    for kind, content in data.items():
        with atomic_path(Path(f"{path}.{kind}")) as temporary:
            temporary.write_bytes(content)
    plt.close(fig)
    return data


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
    """The file's bytes; ``kind`` is png or svg."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format=kind, dpi=DPI[kind], metadata=METADATA[kind])
    return buffer.getvalue()


@styled
def _stamp(fig: Figure, text: str) -> None:
    width, height = fig.get_size_inches()
    size = min(72 * width / len(text), 20 * height)
    fig.text(
        0.5,
        0.5,
        text,
        size=size,
        color="#c03030",
        alpha=0.3,
        weight="bold",
        zorder=1000,
        ha="center",
        va="center",
        rotation=min(25, 12 * height / width),
        in_layout=False,
    )


def _formatter(how: str | Callable) -> Callable[[object], str]:
    """A function that writes a cell; gaps stay empty."""
    write = how.format if isinstance(how, str) else how
    return lambda value: "" if pd.isna(value) else write(value)
