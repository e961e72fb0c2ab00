"""What a page is made of: numbers in tables, formulas, captions, pictures, references, origins."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.pipeline.account import provenance
from common.pipeline.plan import Plan
from common.report.blocks import NUMBER, REFERENCE, number_captions
from common.report.images import image_html, packed
from common.report.mathml import to_mathml
from common.report.references import merge, take
from common.report.tables import text_table


@pytest.mark.parametrize(
    ("texts", "numeric"),
    [
        (["1,234", "−2.5e-3", ""], True),
        (["0.86 [0.85, 0.87]", "0.9 ± 0.1", "NaN"], True),
        (["12 %", "3 px", "0.85–0.87"], True),
        (["[0.850, 0.870]", "[-0.1, 1]"], True),
        (["[a note]"], False),
        (["2026-03-12"], False),
        (["1.0.20"], False),
        (["1", "unet"], False),
        (["", "–"], False),
    ],
)
def test_what_counts_as_a_number(texts: list[str], numeric: bool) -> None:
    assert ('class="num"' in text_table([{"x": text} for text in texts])) is numeric


def test_formula_of_a_hostile_notebook_is_harmless() -> None:
    assert "<script>" not in to_mathml(r"\text{<script>alert(1)</script>}", "inline")
    assert "javascript" not in to_mathml(r"\href{javascript:alert(1)}{x}", "inline")


def test_formula_details() -> None:
    assert to_mathml(r"\begin{aligned} a &= b \\ c &= d \end{aligned}", "block").count("mtr") == 4
    assert "𝜽" in to_mathml(r"\boldsymbol{\theta}", "inline")
    assert "<msup><mi>ℝ</mi><mi>n</mi></msup>" in to_mathml(r"\mathbb{R}^n", "inline")
    with pytest.warns(UserWarning, match=r"\\nonsense"):
        assert to_mathml(r"\nonsense x", "inline") == r'<code class="formula">\nonsense x</code>'


def test_counting_ignores_words_in_the_text_and_serves_references() -> None:
    html = "{1}b{1}, Figure 9, Table{0}a{0} Figure{0}b{0} Table{0}{0} {1}a{1}{1}c{1}"
    assert number_captions(html.format(NUMBER, REFERENCE)) == (
        "Figure\xa01, Figure 9, Table\xa01 Figure\xa01 Table\xa02 Table\xa01"
    )


def encoded(pixels: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, "PNG", **options)
    return stream.getvalue()


def photo(channels: int = 3) -> np.ndarray:
    """A smooth picture with a sensor's noise, as every photo has; 200 × 300 pixels."""
    smooth = np.linspace(40, 200, 300)[None, :, None] + np.linspace(0, 40, 200)[:, None, None]
    noise = np.random.default_rng(0).normal(0, 4, (200, 300, channels))
    return np.clip(smooth + noise, 0, 255).astype(np.uint8)


def test_a_photo_is_packed_and_looks_the_same() -> None:
    data = encoded(photo(), dpi=(192, 192))
    mime, smaller = packed("image/png", data)
    assert mime == "image/jpeg" and len(smaller) < len(data) / 2
    seen = np.asarray(Image.open(io.BytesIO(smaller)), int)
    assert np.abs(seen - photo()).mean() < 4
    html = image_html("image/png", data, "a cat")
    assert 'src="data:image/jpeg;' in html
    assert 'width="150" height="100"' in html  # as the PNG's resolution says


def test_line_art_and_what_is_no_png_stay_as_they_are() -> None:
    drawing = np.full((400, 600, 3), 255, np.uint8)
    drawing[::40] = drawing[:, ::60] = 0
    art = encoded(drawing)
    assert packed("image/png", art) == ("image/png", art)
    assert packed("image/png", b"broken") == ("image/png", b"broken")
    assert packed("image/svg+xml", b"<svg/>") == ("image/svg+xml", b"<svg/>")


def test_a_clear_photo_is_laid_on_white() -> None:
    pixels = photo(4)
    pixels[..., 3] = 0
    mime, data = packed("image/png", encoded(pixels))
    assert mime == "image/jpeg"
    assert np.asarray(Image.open(io.BytesIO(data))).min() > 250


def test_references_are_one_list() -> None:
    text = "**References.** B. Zorn, *A*, X 2020. — C. Able et al., *Long\ntitle* (L), Y 2021"
    left, works = take(f"Words.\n\n{text}\n\nAfter.")
    assert left.split() == ["Words.", "After."]
    merged = merge([("01_a", "01", works), ("02_b", "02", ["C. Able et al., *L*, Y 2021."])])
    assert [(work.text, [number for _, number in work.cited]) for work in merged] == [
        ("C. Able et al., *Long title* (L), Y 2021.", ["01", "02"]),
        ("B. Zorn, *A*, X 2020.", ["01"]),
    ]
    assert take("No **References.** here") == ("No **References.** here", [])


def test_provenance_takes_what_the_results_folder_has(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    card = '{"commit": "abc", "tensors_sha256": "f00", "training": {"seed": 3, "data": "d1"}}'
    (tmp_path / "checkpoints" / "unet.json").write_text(card)
    plan = Plan(tmp_path, tmp_path / "runs", (), {})
    empty = provenance(plan, tmp_path)
    assert empty["faults"] == empty["test_reads"] == []
    assert (empty["seeds"], empty["data_hash"]) == ("3", "d1")
    (model,) = empty["models"]
    assert (model["model"], model["seed"], model["weights"], model["minutes"]) == (
        "unet",
        3,
        "f00",
        None,
    )
    (tmp_path / "faults.csv").write_text("kind,trials,losses,command\nkill,20,0,make check\n")
    (fault,) = provenance(plan, tmp_path)["faults"]
    assert fault == {"kind": "kill", "trials": "20", "losses": "0", "command": "make check"}
