"""From a figure or a table to the reader: one file, one output, the same bytes."""

import base64
import io
import re

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.figure import Figure
from PIL import Image

from common import figures
from common.config import UserError
from common.figures.output import SVG_LIMIT, encode
from common.report.images import image_size
from tests.figures.cases import CHARTS


def outputs(show, *args, **kwargs) -> list:
    """What a function displays in a notebook."""
    InteractiveShell.instance()
    with capture_output() as captured:
        show(*args, **kwargs)
    return captured.outputs


def test_a_drawing_is_one_svg_and_is_displayed_once(tmp_path):
    figure = CHARTS["history"]()
    (output,) = outputs(figures.show, figure, "02_history", "Loss & IoU", folder=tmp_path / "new")
    (file,) = (tmp_path / "new").iterdir()
    assert file.name == "02_history.svg" and file.stat().st_size < SVG_LIMIT
    assert output.metadata == {"caption": "Loss & IoU", "name": "02_history"}
    assert output.data == {"image/svg+xml": file.read_text(), "text/plain": "Loss & IoU"}


def test_a_drawing_says_the_same_in_short():
    figure, long = CHARTS["history"](), io.BytesIO()
    figure.savefig(long, format="svg")
    svg = encode(figure, "svg")
    assert len(svg) < 0.8 * len(long.getvalue())
    assert max(map(len, re.findall(rb"[1-9]\.(\d+)", svg))) == 2
    drawn, there = (
        set(re.findall(p, svg)) for p in (rb'(?:href="|url\()#([^")]+)', rb'id="(.*?)"')
    )
    assert drawn == there
    letters = (re.findall(rb"<use ", text) for text in (svg, long.getvalue()))
    assert len(next(letters)) == len(next(letters))


def test_photos_are_one_jpeg_of_the_same_size_on_the_page(tmp_path):
    figure = Figure(figsize=(6, 4))
    figure.subplots().imshow(np.random.default_rng(0).integers(0, 255, (400, 600, 3)))
    size = image_size("image/svg+xml", encode(figure, "svg"))
    (tmp_path / "big.svg").write_text("of an earlier run")
    (output,) = outputs(figures.show, figure, "big", "Much", folder=tmp_path)
    (file,) = tmp_path.iterdir()
    assert file.name == "big.jpg" and set(output.data) == {"image/jpeg", "text/plain"}
    assert base64.b64decode(output.data["image/jpeg"]) == file.read_bytes()
    assert image_size("image/jpeg", file.read_bytes()) == pytest.approx(size, abs=1)


def test_show_closes_what_pyplot_opened(tmp_path):
    outputs(figures.show, plt.figure(), "open", "Nothing in it", folder=tmp_path)
    assert not plt.get_fignums()


def test_stamp_is_seen_and_repeats(tmp_path):
    pixels = []
    for stamp in ("", "SMOKE RUN", "SMOKE RUN"):
        figure = CHARTS["duplicates"]()
        outputs(figures.show, figure, "f", "Pairs", folder=tmp_path, stamp=stamp)
        picture = Image.open(io.BytesIO(encode(figure, "jpg"))).convert("RGB")
        pixels.append(np.asarray(picture, int))
    plain, stamped, again = pixels
    assert plain.shape == stamped.shape  # the stamp moves nothing
    assert (np.abs(plain - stamped).max(axis=2) > 30).mean() > 0.02
    assert (stamped == again).all()


def test_save_reports_an_unwritable_folder(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises((UserError, OSError)):
        figures.save(Figure(), tmp_path / "file" / "figure")


def test_show_table_formats_and_escapes():
    frame = pd.DataFrame({"who": ["<b>"], "IoU": [0.12345], "low": [np.nan]})
    formats = {"IoU": "{:.3f}", "low": str}
    (output,) = outputs(figures.show_table, frame, "Scores", formats=formats, name="02_t")
    assert output.metadata == {"caption": "Scores", "name": "02_t"}
    html = output.data["text/html"]
    assert "0.123<" in html and "&lt;b&gt;" in html
    assert "nan" not in html.lower() and "<th>0</th>" not in html
