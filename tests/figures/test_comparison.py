"""Figures of the comparison: legible, repeatable, honest about missing input."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from common.config import CLASSES, UserError
from common.figures import comparison, gallery, grids, learning, tradeoff
from common.figures.output import encode
from common.figures.style import MODEL_COLOURS, styled
from common.scoring.errors import SAID
from tests.figures.test_figures import BINS, GUESS, KITTEN, NOTE, SHEPHERD, texts, undrawn

MODELS = list(MODEL_COLOURS)
SCORES = pd.DataFrame({"model": MODELS, "value": np.linspace(0.961, 0.452, len(MODELS))}).assign(
    low=lambda frame: frame["value"] - 0.01, high=lambda frame: frame["value"] + 0.008
)
PAIRS = pd.DataFrame(
    [
        (a, b, 0.04 * (j - i) - 0.03)
        for (i, a), (j, b) in itertools.combinations(enumerate(MODELS), 2)
    ],
    columns=["a", "b", "difference"],
).assign(low=lambda f: f["difference"] - 0.02, high=lambda f: f["difference"] + 0.02)
GROUPS = pd.DataFrame(
    np.random.default_rng(0).random((len(MODELS), 5)),
    index=MODELS,
    columns=[f"{low}-{low + 10} % (n 1,{low}00)" for low in (10, 20, 30, 40, 50)],
)
ERRORS = pd.DataFrame(
    {
        "model": MODELS,
        "missed": 0.3,
        "extra": 0.45,
        "wrong species": 0.25,
        "wrong": 0.02,
        "miou": SCORES["value"],
        "right_species": SCORES["value"] + 0.01,
        "right_shape": 0.99,
    }
)
PIXELS = dict.fromkeys(MODELS, np.array([[9e7, 8e5, 7e3], [6e5, 5e6, 4e3], [3, 2, 1e6]]))
PHOTOS = dict.fromkeys(MODELS, np.array([[1, 700, 91], [0, 5, 1656]]))
QUANTITIES = (("params", 3e5), ("madds", 4e7), ("minutes", 1.2), ("ms_photo", 3), ("x", 1))
COSTS = pd.DataFrame(
    [
        (name, quantity, scale * (1 + i) ** 1.5)
        for i, name in enumerate(MODELS)
        for quantity, scale in QUANTITIES
    ],
    columns=["model", "quantity", "value"],
)
LEARNING = pd.DataFrame(
    [
        (name, share, 0, top - 0.1 * (1 - share))
        for name, top in (("unet", 0.8), ("imagenet_baseline", 0.94), ("mae_seg", 0.6))
        for share in (0.1, 0.25, 0.5, 1)
    ]
    + [(name, 1.0, seed, 0.8) for name in ("unet", "imagenet_baseline") for seed in (1, 2)],
    columns=["model", "share", "seed", "miou"],
).assign(low=lambda f: f["miou"] - 0.01, high=lambda f: f["miou"] + 0.012)
CASES = [
    {
        "group": group,
        "image": photo.name,
        "model": model,
        "iou": 0.5,
        "truth": photo.mask,
        "predicted": GUESS[photo.name],
    }
    for group, photo in (("most fail", KITTEN), ("they disagree", SHEPHERD))
    for model in ("unet", "mae_seg", "clip_seg", "imagenet_baseline", "lite0_query", "point_unet")
]

FIGURES = {
    "differences": lambda: grids.difference_matrix(PAIRS, note=NOTE),
    "grids": lambda: grids.score_grids({"foreground IoU": GROUPS, "species": GROUPS}, note=NOTE),
    "grid": lambda: grids.score_grids({"agree": GROUPS.iloc[:, :3]}, form="{:.1%}"),
    "confusions": lambda: grids.confusions(PIXELS, CLASSES, CLASSES, note=NOTE),
    "photo_confusions": lambda: grids.confusions(PHOTOS, CLASSES[1:], SAID, note=NOTE),
    "error_kinds": lambda: comparison.error_kinds(ERRORS, note=NOTE),
    "calibration": lambda: comparison.calibration(dict.fromkeys(MODELS, BINS), note=NOTE),
    "tradeoff": lambda: tradeoff.tradeoff(SCORES, COSTS, note=NOTE),
    "tradeoff_three": lambda: tradeoff.tradeoff(SCORES, COSTS[COSTS["quantity"] != "madds"]),
    "tradeoff_one": lambda: tradeoff.tradeoff(SCORES, COSTS[COSTS["quantity"] == "minutes"]),
    "tradeoff_narrow": lambda: tradeoff.tradeoff(
        SCORES, COSTS.assign(value=2.9e6 + 3e4 * COSTS["value"].rank())
    ),
    "data_efficiency": lambda: learning.data_efficiency(LEARNING, note=NOTE),
    "seeds": lambda: learning.seeds(LEARNING, note=NOTE),
    "gallery": lambda: gallery.gallery(CASES, note=NOTE),
}


@pytest.mark.parametrize("name", FIGURES)
def test_lettering_is_whole_large_and_apart(name: str):
    figure = FIGURES[name]()
    assert isinstance(figure, Figure)
    canvas = FigureCanvasAgg(figure)
    styled(canvas.draw)()
    renderer, hidden = canvas.get_renderer(), undrawn(figure)
    boxes = []
    for text in texts(figure):
        box = text.get_window_extent(renderer)
        if text not in hidden:
            assert text.get_fontsize() >= 9
            assert figure.bbox.x0 - 1 <= box.x0 and box.x1 <= figure.bbox.x1 + 1, text
            assert figure.bbox.y0 - 1 <= box.y0 and box.y1 <= figure.bbox.y1 + 1, text
            boxes.append((text.get_text(), box))
    for (one, a), (two, b) in itertools.combinations(boxes, 2):
        width = min(a.x1, b.x1) - max(a.x0, b.x0)
        height = min(a.y1, b.y1) - max(a.y0, b.y0)
        assert width < 2 or height < 3, f"{one!r} lies over {two!r}"


@pytest.mark.parametrize("name", ["differences", "error_kinds", "tradeoff", "gallery"])
def test_the_same_input_gives_the_same_bytes(name: str):
    first, again = (encode(FIGURES[name](), "png") for _ in range(2))
    assert first == again and first.startswith(b"\x89PNG")


EMPTY = {
    "differences": lambda: grids.difference_matrix(PAIRS.head(0)),
    "differences_low": lambda: grids.difference_matrix(PAIRS.drop(columns="low")),
    "grids": lambda: grids.score_grids({}),
    "grids_rows": lambda: grids.score_grids({"species": GROUPS.head(0)}),
    "confusions": lambda: grids.confusions({}, CLASSES, CLASSES),
    "confusions_shape": lambda: grids.confusions(PIXELS, CLASSES[1:], CLASSES),
    "error_kinds": lambda: comparison.error_kinds(ERRORS.head(0)),
    "calibration": lambda: comparison.calibration({}),
    "calibration_column": lambda: comparison.calibration({"unet": BINS.drop(columns="share")}),
    "tradeoff": lambda: tradeoff.tradeoff(SCORES, COSTS.head(0)),
    "tradeoff_quantity": lambda: tradeoff.tradeoff(SCORES, COSTS[COSTS["quantity"] == "x"]),
    "tradeoff_score": lambda: tradeoff.tradeoff(SCORES.head(0), COSTS),
    "data_efficiency": lambda: learning.data_efficiency(LEARNING.head(0)),
    "seeds": lambda: learning.seeds(LEARNING[LEARNING["seed"] == 0]),
    "gallery": lambda: gallery.gallery([]),
    "gallery_models": lambda: gallery.gallery(CASES[:-1]),
}


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_draw_is_told_in_one_line(name: str):
    with pytest.raises(UserError) as caught:
        EMPTY[name]()
    assert "\n" not in str(caught.value) and len(str(caught.value)) > 20


@pytest.mark.filterwarnings("error")
def test_one_model_is_drawn():
    """As in a smoke run, where most are missing."""
    for figure in (
        grids.difference_matrix(PAIRS.head(1)),
        grids.score_grids({"species": GROUPS.head(1)}),
        grids.confusions({"unet": PIXELS["unet"]}, CLASSES, CLASSES),
        comparison.error_kinds(ERRORS.head(1)),
        comparison.calibration({"unet": BINS}),
        tradeoff.tradeoff(SCORES.head(1), COSTS.head(1)),
        learning.data_efficiency(LEARNING.head(1)),
        gallery.gallery(CASES[:1]),
    ):
        assert encode(figure, "png").startswith(b"\x89PNG")


def test_a_difference_that_may_be_chance_is_no_number():
    """Only those whose interval is clear of zero are told."""
    written = [text.get_text() for text in texts(FIGURES["differences"]())]
    unclear = ((PAIRS["low"] <= 0) & (PAIRS["high"] >= 0)).sum()
    assert written.count("=") == unclear > 0
    numbers = [text for text in written if text.replace(".", "", 1).isdigit()]
    assert len(numbers) == len(PAIRS) - unclear


def test_a_share_is_whole_only_where_nothing_is_missing():
    assert [grids._percent(share) for share in (0, 0.0004, 0.5, 0.9996, 1)] == [
        "0",
        "0.0",
        "50",
        "100.0",
        "100",
    ]
