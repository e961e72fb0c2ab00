"""Figures of pretraining and of mask tokens: legible, repeatable, honest about missing input."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from common.config import UserError
from common.figures import clip, mae, tokens
from common.figures.decoder import decoder_diagram
from common.figures.output import encode
from common.figures.style import styled
from tests.figures.test_figures import KITTEN, NOTE, SHEPHERD, texts, undrawn

RANDOM = np.random.default_rng(0)
BREEDS = ["Bengal", "Birman", "Beagle", "Staffordshire Bull Terrier", "Pug"]
HISTORY = pd.DataFrame(
    {
        "epoch": range(1, 61),
        "loss": np.linspace(1, 0.5, 60),
        "val_explained": np.linspace(0, 0.4, 60),
    }
)
STAGES = ["0 %", "25 %", "50 %", "100 %"]
PROBES = pd.DataFrame(
    [
        (encoder, tap, task, 0.6 + 0.05 * number + 0.04 * tap, 0.58, 0.95)
        for number, encoder in enumerate(STAGES)
        for tap in range(4)
        for task in mae.TASKS
    ],
    columns=["encoder", "tap", "task", "value", "low", "high"],
)
SIMILARITY = pd.DataFrame(RANDOM.random((5, 5)), index=BREEDS, columns=BREEDS)
RANKS = pd.DataFrame({"rank": RANDOM.integers(1, 20, 200), "held_out": RANDOM.random(200) < 0.3})
TOKENS = pd.DataFrame(RANDOM.dirichlet([0.3] * 4, 12), columns=tokens.KINDS).assign(
    token=range(12), area=RANDOM.random(12)
)
HEIGHT, WIDTH = KITTEN.image.shape[:2]
TOLD = {
    "classes": RANDOM.dirichlet([0.3] * 4, 12),
    "masks": RANDOM.random((12, HEIGHT, WIDTH)),
    "attention": RANDOM.random((12, 6, 8)),
}
COLUMNS = {title: [KITTEN.image, SHEPHERD.image] for title in ("photo", "visible", *STAGES)}
CREDITS = [KITTEN.credit, SHEPHERD.credit]

FIGURES = {
    "stages": lambda: mae.stages(COLUMNS, CREDITS, note=NOTE),
    "progress": lambda: mae.progress(
        HISTORY,
        {"val_explained": "explained"},
        score="variance explained",
        marks={"25 %": 15, "50 %": 30},
        note=NOTE,
    ),
    "probes": lambda: mae.probes(PROBES, mae.stage_colours(STAGES), note=NOTE),
    "similarity": lambda: clip.similarity(SIMILARITY, BREEDS[:2], BREEDS[3:4], note=NOTE),
    "recall": lambda: clip.recall(
        {"ViT from scratch": RANKS, "EfficientNet-Lite0": RANKS}, note=NOTE
    ),
    "token_sheet": lambda: tokens.token_sheet(
        KITTEN.image, **TOLD, credit=KITTEN.credit, note="MAE-Seg."
    ),
    "token_classes": lambda: tokens.token_classes(TOKENS, note=NOTE),
    "decoder_diagram": lambda: decoder_diagram(
        photo=224, grid=16, taps=4, channels=1280, queries=12, width=128, classes=3
    ),
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


@pytest.mark.parametrize("name", FIGURES)
def test_the_same_input_gives_the_same_bytes(name: str):
    first, again = (encode(FIGURES[name](), "png") for _ in range(2))
    assert first == again and first.startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["stages", "token_sheet"])
def test_photos_carry_their_credit(name: str):
    written = " ".join(text.get_text() for text in texts(FIGURES[name]()))
    assert KITTEN.credit.split(",")[0] in written.replace("\n", " ")


EMPTY = {
    "stages": lambda: mae.stages({}, []),
    "stages_short": lambda: mae.stages({**COLUMNS, "more": [KITTEN.image]}, CREDITS),
    "progress": lambda: mae.progress(HISTORY.head(0), {"val_explained": "x"}),
    "progress_column": lambda: mae.progress(HISTORY, {"val_breed": "x"}),
    "probes": lambda: mae.probes(PROBES.drop(columns="low"), mae.stage_colours(STAGES)),
    "similarity": lambda: clip.similarity(SIMILARITY.head(0), BREEDS[:2]),
    "similarity_text": lambda: clip.similarity(SIMILARITY.drop(columns="Pug"), BREEDS[:2]),
    "recall": lambda: clip.recall({}),
    "recall_column": lambda: clip.recall({"ViT": RANKS.drop(columns="rank")}),
    "token_sheet": lambda: tokens.token_sheet(
        KITTEN.image, TOLD["classes"], TOLD["masks"][:, 1:], TOLD["attention"]
    ),
    "token_classes": lambda: tokens.token_classes(TOKENS.head(0)),
}


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_draw_is_told_in_one_line(name: str):
    with pytest.raises(UserError) as caught:
        EMPTY[name]()
    assert "\n" not in str(caught.value) and len(str(caught.value)) > 20


@pytest.mark.filterwarnings("error")
def test_one_row_is_drawn():
    one = {"photo": [KITTEN.image]}
    for figure in (
        mae.stages(one, [KITTEN.credit]),
        mae.progress(HISTORY.head(1), {"val_explained": "explained"}),
        mae.probes(PROBES[PROBES["tap"] == 0], mae.stage_colours(STAGES)),
        clip.similarity(SIMILARITY.head(1), BREEDS[:2]),
        clip.recall({"ViT": RANKS.head(1)}),
        tokens.token_classes(TOKENS.head(1)),
    ):
        assert encode(figure, "png").startswith(b"\x89PNG")


def test_hidden_patches_are_grey_and_the_rest_is_the_photo():
    hidden = np.zeros((HEIGHT, WIDTH), bool)
    hidden[:8, :8] = True
    shown = mae.hide(KITTEN.image, hidden)
    assert (shown[:8, :8] == mae.MASKED).all()
    assert (shown[~hidden] == KITTEN.image[~hidden]).all()


def test_heat_glows_where_the_attention_is():
    share = np.zeros((6, 8))
    share[0, 0] = 1
    lit = tokens.heat(np.full((60, 80, 3), 100, np.uint8), share).astype(int).sum(-1)
    assert lit[2, 2] > 2 * lit[-3, -3]
    assert (lit == lit.max()).sum() < 60 * 80 / 4


def test_a_mask_takes_the_colour_of_its_class():
    image, mask = np.full((4, 4, 3), 100, np.uint8), np.zeros((4, 4))
    mask[:, :2] = 1
    picture = tokens.tinted(image, mask, "dog").astype(int)
    assert picture[0, 0, 2] > picture[0, 0, 0] + 40, "a dog's blue"
    assert np.ptp(picture[0, 3]) == 0 and picture[0, 3, 0] > 190, "pale elsewhere"


def test_stages_grow_in_strength():
    colours = mae.stage_colours(STAGES)
    assert list(colours) == STAGES
    light = [sum(int(c[i : i + 2], 16) for i in (1, 3, 5)) for c in list(colours.values())[1:]]
    assert light == sorted(light, reverse=True)
