"""Every figure: labelled, legible, reproducible to the byte, and honest about missing input."""

import ast
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text

from common.config import ROOT, UserError
from common.figures import film, grids
from common.figures.output import encode
from common.figures.style import CLASS_COLOURS, WIDE, styled
from tests.figures.cases import CHARTS, EMPTY, FIGURES, FILM, KITTEN, ONE, PAIRS


def texts(figure: Figure) -> list[Text]:
    """Everything written in a figure, as it was drawn last."""
    return [t for t in figure.findobj(Text) if t.get_visible() and t.get_text().strip()]


@pytest.mark.parametrize("name", FIGURES)
def test_lettering_is_whole_large_and_apart(name):
    figure = FIGURES[name]()
    assert isinstance(figure, Figure)
    canvas = FigureCanvasAgg(figure)
    styled(canvas.draw)()
    renderer = canvas.get_renderer()
    frame = figure.bbox.expanded(1 + 2 / figure.bbox.width, 1 + 2 / figure.bbox.height)
    boxes, hidden = [], undrawn(figure)
    for text in texts(figure):
        box = text.get_window_extent(renderer)
        if text not in hidden:
            assert text.get_fontsize() >= 9
            assert frame.x0 <= box.x0 and box.x1 <= frame.x1, text
            assert frame.y0 <= box.y0 and box.y1 <= frame.y1, text
            boxes.append((text.get_text(), box))
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        width = min(a.x1, b.x1) - max(a.x0, b.x0)
        height = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert width < 2 or height < 3, f"{one!r} lies over {two!r}"


def undrawn(figure: Figure) -> set[Text]:
    """Labels of ticks beyond the limits, which matplotlib keeps but does not draw."""
    found = set()
    for axis in (axis for axes in figure.axes for axis in (axes.xaxis, axes.yaxis)):
        scale = axis.get_transform().transform
        low, high = sorted(scale(axis.get_view_interval()))
        slack = 1e-6 * (high - low)
        for tick in axis.get_major_ticks() + axis.get_minor_ticks():
            if not axis.axes.axison or not low - slack <= scale(tick.get_loc()) <= high + slack:
                found |= {tick.label1, tick.label2}
    return found


@pytest.mark.parametrize("name", CHARTS)
def test_charts_name_their_axes(name):
    figure = CHARTS[name]()
    for axes in filter(Axes.get_visible, figure.axes):
        named = axes.get_xlabel() or axes.get_ylabel() or axes.get_title(loc="left")
        assert named, f"{name} has an axes without any name"
    assert figure.get_supxlabel() or any(axes.get_xlabel() for axes in figure.axes)


@pytest.mark.parametrize("name", ["fit_choice", "history", "class_scores", "iou_curves", "effort"])
def test_charts_say_what_was_measured(name):
    written = " ".join(text.get_text() for text in texts(CHARTS[name]()))
    assert "2,453 test photos" in written.replace("\n", " ")


@pytest.mark.parametrize("name", FIGURES)
def test_same_input_gives_same_bytes_in_any_style(name):
    first = {kind: encode(FIGURES[name](), kind) for kind in ("jpg", "svg")}
    loud = {"font.size": 30, "axes.facecolor": "red", "svg.hashsalt": None, "savefig.dpi": 20}
    with mpl.rc_context(loud):
        again = {kind: encode(FIGURES[name](), kind) for kind in ("jpg", "svg")}
    assert first == again
    assert b"<dc:date>" not in first["svg"] and first["jpg"].startswith(b"\xff\xd8")


@pytest.mark.parametrize("name", ["history", "unet_diagram", "confusion"])
def test_width_is_the_columns_and_drawing_leaves_no_trace(name):
    before = dict(mpl.rcParams)
    figure = FIGURES[name]()
    assert figure.get_figwidth() <= WIDE
    assert dict(mpl.rcParams) == before
    assert not plt.get_fignums()


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_draw_is_told_in_one_line(name):
    with pytest.raises(UserError) as caught:
        EMPTY[name]()
    assert "\n" not in str(caught.value) and len(str(caught.value)) > 20


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ONE)
def test_one_row_is_drawn(name):
    assert encode(ONE[name](), "svg").startswith(b"<?xml")


@pytest.mark.parametrize("name", ["stages", "token_sheet"])
def test_photos_carry_their_credit(name: str):
    written = " ".join(text.get_text() for text in texts(FIGURES[name]()))
    assert KITTEN.credit.split(",")[0] in written.replace("\n", " ")


def test_reliability_prints_the_calibration_error():
    (legend,) = [axes.get_legend() for axes in CHARTS["reliability"]().axes if axes.get_legend()]
    expected = 0.2 * 0.05 + 0.8 * 0.1
    assert f"{expected:.3f}" in " ".join(text.get_text() for text in legend.get_texts())


def test_loader_speed_prints_the_ratio_of_medians():
    written = [text.get_text() for text in texts(CHARTS["loader_speed"]())]
    assert f"1,202  (× {1202 / 102:.1f})" in written


def test_ablation_fills_only_what_is_clear_of_zero():
    right = CHARTS["ablation"]().axes[1]
    faces = [line.get_markerfacecolor() for line in right.lines if line.get_marker() == "o"]
    assert [face == "white" for face in faces] == [False, True]


def test_a_difference_that_may_be_chance_is_no_number():
    """Only those whose interval is clear of zero are told."""
    written = [text.get_text() for text in texts(CHARTS["differences"]())]
    unclear = ((PAIRS["low"] <= 0) & (PAIRS["high"] >= 0)).sum()
    assert written.count("=") == unclear > 0
    numbers = [text for text in written if text.replace(".", "", 1).isdigit()]
    assert len(numbers) == len(PAIRS) - unclear


def test_a_share_is_whole_only_where_nothing_is_missing():
    assert [grids.percent(share) for share in (0, 0.0004, 0.5, 0.9996, 1)] == [
        "0",
        "0.0",
        "50",
        "100.0",
        "100",
    ]


def test_clicks_are_told_apart_without_colours():
    (shape, sign, _), (other, minus, _) = film.MARKS[True], film.MARKS[False]
    assert shape != other and sign != minus
    figure = film.film_strip([FILM])
    drawn = [line.get_marker() for line in figure.axes[3].lines]
    assert drawn == [shape, sign, other, minus, shape, sign]


def test_openings_leave_out_the_answer_without_a_click():
    axes = CHARTS["openings"]().axes[0]
    assert axes.get_xticks().tolist() == [1, 2, 3, 5]
    assert CHARTS["iou_curves"]().axes[0].get_xticks().tolist()[0] == 0


def test_prompts_are_painted_as_inks_over_the_mask_before():
    maps = np.zeros((3, 1, 4))
    maps[0, 0, 0] = maps[1, 0, 1] = 1
    maps[2, 0, [0, 2]] = 1
    figure = film.prompt_maps(KITTEN.image, [], {"all": maps})
    (picture,) = figure.axes[1].images
    painted = np.asarray(picture.get_array())[0]
    expected = [film.MARKS[True][2], film.MARKS[False][2], CLASS_COLOURS["background"], "white"]
    assert painted.tolist() == [[round(255 * c) for c in to_rgb(ink)] for ink in expected]


def test_figures_know_neither_torch_nor_models():
    for file in (ROOT / "common" / "figures").glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            names = [
                alias.name for alias in getattr(node, "names", []) if type(node) is ast.Import
            ]
            if isinstance(node, ast.ImportFrom):
                names = [f"{'.' * node.level}{node.module or ''}"]
            for name in names:
                assert not name.startswith(("torch", "timm")), f"{file.name} imports {name}"
                if name.startswith("common"):
                    allowed = ("common.config", "common.wording", "common.figures")
                    assert name.startswith(allowed), f"{file.name} imports {name}"
