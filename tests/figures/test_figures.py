"""Figures: labelled, legible, reproducible to the byte, and honest about missing input."""

import base64
import io
import itertools

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image
from skimage.color import deltaE_ciede2000, rgb2lab

from common import figures
from common.config import CLASSES, UserError
from common.figures import (
    architecture,
    clicks,
    cost,
    dataset,
    film,
    photos,
    prompted,
    robustness,
    scores,
    steadiness,
    training,
)
from common.figures.maps import ERRORS, errors, overlay, paint, species_iou
from common.figures.output import encode
from common.figures.style import CLASS_COLOURS, MODEL_COLOURS, WIDE, styled
from common.samples import Sample, load_sample

PHOTOS = pd.DataFrame(
    {
        "name": [f"p{i}" for i in range(12)],
        "breed": ["Staffordshire Bull Terrier", "Bengal", "Pug"] * 4,
        "species": [2, 1, 2] * 4,
        "split": ["train"] * 6 + ["val"] * 2 + ["test"] * 3 + ["leak"],
        "height": [384, 256, 288] * 4,
        "width": [288, 384, 384] * 4,
        "share_background": 0.5,
        "share_cat": [0.0, 0.4, 0.0] * 4,
        "share_dog": [0.4, 0.0, 0.4] * 4,
        "share_border": 0.1,
    }
)
BITS = pd.DataFrame({"bits": [0, 3, 14, 32], "pairs": [7, 1, 90, 400_000]})
FITS = pd.DataFrame(
    [
        (fit, 128, score, 0.9, 0.89, 0.92)
        for fit in ("stretch", "letterbox")
        for score in ("ceiling mIoU", "ceiling boundary IoU")
    ],
    columns=["fit", "size", "score", "value", "low", "high"],
)
SPEED = pd.DataFrame(
    [
        (source, recipe, 1, run, speed + run)
        for recipe in ("none", "full")
        for source, speed in (("JPEG files", 100.0), ("memory map", 1200.0))
        for run in (1, 2, 3)
    ],
    columns=["source", "augment", "workers", "run", "photos_per_second"],
)
HISTORY = pd.DataFrame(
    {
        "epoch": range(1, 41),
        "loss": np.linspace(1.4, 0.3, 40),
        "val_miou": np.linspace(0.3, 0.86, 40),
        **{f"val_iou_{name}": np.linspace(0.2, 0.9, 40) for name in CLASSES},
    }
)
ABLATION = pd.DataFrame(
    {
        "run": ["base", "no-residual", "ce-only"],
        "label": ["as built", "no residual shortcuts", "cross-entropy without Dice"],
        "group": ["", "architecture", "loss"],
        "value": [0.78, 0.75, 0.781],
        "low": [0.76, 0.73, 0.77],
        "high": [0.79, 0.77, 0.80],
        "difference": [0.0, -0.03, 0.001],
        "difference_low": [0.0, -0.04, -0.002],
        "difference_high": [0.0, -0.02, 0.004],
        "minutes": [14.0, 13.2, 14.4],
    }
)
SCORES = pd.DataFrame(
    {"value": [0.94, 0.8, 0.86, 0.87], "low": 0.78, "high": 0.95},
    index=pd.Index(["iou_background", "iou_cat", "iou_dog", "miou"], name="score"),
)
INTERVALS = SCORES.assign(label=["background", "cat", "UNet", "mean"]).assign(
    colour=["background", "cat", "unet", ""]
)
BINS = pd.DataFrame(
    {
        "bin": [0, 1, 2],
        "confidence": [np.nan, 0.5, 0.9],
        "accuracy": [np.nan, 0.45, 0.8],
        "share": [0.0, 0.2, 0.8],
    }
)
STAGES = [
    {
        "name": name,
        "side": side,
        "level": level,
        "channels": channels,
        "size": size,
        "attention": level > 0,
    }
    for name, side, level, channels, size in (
        ("encode 1", "down", 0, 64, 224),
        ("encode 2", "down", 1, 128, 112),
        ("bottom", "bottom", 2, 256, 56),
        ("decode 2", "up", 1, 128, 112),
        ("decode 1", "up", 0, 64, 224),
    )
]


def sample(name: str = "kitten", width: int = 96) -> Sample:
    """One of the project's photos, small; its credit is the longest."""
    whole = load_sample(name)
    size = width, round(width * whole.image.shape[0] / whole.image.shape[1])
    image = np.asarray(Image.fromarray(whole.image).resize(size))
    mask = np.asarray(Image.fromarray(whole.mask).resize(size, Image.Resampling.NEAREST))
    return Sample(name, image, mask, whole.species, whole.title, whole.credit)


KITTEN, SHEPHERD = sample(), sample("german_shepherd")
GUESS = {s.name: np.where(s.mask == 255, 0, s.mask) for s in (KITTEN, SHEPHERD)}
CASES = [
    {"group": group, "iou": 0.5, "truth": KITTEN.mask, "predicted": GUESS["kitten"]}
    for group in ("best", "best", "worst")
]
CURVE = pd.DataFrame({"click": range(21), "value": 1 - 0.3 / np.arange(1, 22)}).assign(
    low=lambda frame: frame["value"] - 0.01, high=lambda frame: frame["value"] + 0.01
)
CURVES = {
    name: CURVE - [0, gap, gap, gap]
    for name, gap in (
        ("point_unet", 0),
        ("point_unet_m", 0.01),
        ("point_unet_s", 0.02),
        ("unet", 0.1),
    )
}
GOALS = pd.DataFrame(
    {
        "value": [1.2, 1.5, 2.25, 0.01, 0.034],
        "low": [1.1, 1.4, 2.1, 0.0, 0.02],
        "high": [1.3, 1.6, 2.4, 0.02, 0.05],
    },
    index=pd.Index(["noc80", "noc85", "noc90", "nof85", "nof90"], name="score"),
)
EXPECTED = pd.DataFrame(
    {"click": [1, 5] * 20, "score": np.linspace(0.6, 0.98, 40), "iou": np.linspace(0.55, 0.99, 40)}
)
CLICKED = pd.DataFrame(
    {
        "epoch": range(1, 13),
        "loss": np.linspace(0.9, 0.1, 12),
        "val_iou_clicks": np.linspace(0.8, 0.97, 12),
    }
)
LEVELS = [
    {"size": size, "photo": photo, "width": width, "attention": size == 8}
    for size, photo, width in (
        (128, 16, 24),
        (64, 24, 48),
        (32, 40, 64),
        (16, 112, 96),
        (8, 320, 128),
    )
]
FILM = {
    "image": KITTEN.image,
    "credit": KITTEN.credit,
    "frames": [
        {
            "clicks": count,
            "mask": GUESS["kitten"],
            "iou": 0.9 if count else None,
            "points": [(5.0 * i, 6.0, i % 2 == 1) for i in range(1, count + 1)],
        }
        for count in (0, 1, 2, 3, 5)
    ],
}
MAPS = {
    title: np.stack([np.eye(24), np.eye(24)[::-1], np.ones((24, 24))])
    for title in ("disks, radius 3", "Gaussians, σ 3", "with the mask before")
}
COSTS = pd.DataFrame(
    [
        (name, f"{kind}_{unit}_128", value, 0.9 * value, 1.2 * value)
        for i, name in enumerate([*MODEL_COLOURS, "smp_unet_resnet34"])
        for kind, factor in (("train", 1), ("infer", 3))
        for unit, value in (("photos_per_second", factor * (8 + i**2)), ("ratio", 1 + 0.8 * i))
    ],
    columns=["model", "quantity", "value", "low", "high"],
)
DAMAGES = (
    "gaussian_noise",
    "gaussian_blur",
    "contrast_up",
    "contrast_down",
    "brightness_up",
    "brightness_down",
    "black_square",
    "salt_and_pepper",
)
ROBUST = pd.DataFrame(
    [
        {
            "model": name,
            "perturbation": damage,
            "level": level,
            "value": value,
            "low": value - 0.02,
            "high": value + 0.01,
        }
        for i, name in enumerate(list(MODEL_COLOURS)[:6])
        for damage in DAMAGES
        for level in range(10)
        for value in [0.95 - 0.05 * i - 0.01 * level]
    ]
)
WORST = pd.DataFrame(
    {name: np.linspace(0.98, 0.4, len(MODEL_COLOURS)) for name in ("clean", *DAMAGES)},
    index=pd.Index(MODEL_COLOURS, name="model"),
) * np.linspace(1, 0.7, 1 + len(DAMAGES))
WAYS = {f"trained on many clicks {i}": CURVE for i in range(4)}
SETBACKS = pd.DataFrame({"way": list(WAYS), "setbacks": [6.4, 0.5, 3.7, 1.6]})
NOTE = "2,453 test photos, one seed, 95 % bootstrap intervals over photos " * 2

CHARTS = {
    "class_counts": lambda: dataset.class_counts(PHOTOS),
    "pixel_shares": lambda: dataset.pixel_shares(PHOTOS),
    "photo_sizes": lambda: dataset.photo_sizes(PHOTOS),
    "duplicates": lambda: dataset.duplicates(BITS, 4),
    "fit_choice": lambda: dataset.fit_choice(FITS, note=NOTE),
    "loader_speed": lambda: dataset.loader_speed(SPEED, note=NOTE),
    "speeds": lambda: cost.speeds(COSTS, note=NOTE),
    "robust_curves": lambda: robustness.curves(ROBUST, note=NOTE),
    "worst_levels": lambda: robustness.worst_levels(WORST, note=NOTE),
    "steadiness": lambda: steadiness.steadiness(WAYS, SETBACKS, note=NOTE),
    "history": lambda: training.history(HISTORY, 33, note=NOTE),
    "ablation": lambda: training.ablation(ABLATION, note=NOTE),
    "intervals": lambda: training.intervals(INTERVALS, score="IoU", note=NOTE),
    "class_scores": lambda: scores.class_scores({"unet": SCORES}, note=NOTE),
    "class_scores_all": lambda: scores.class_scores(dict.fromkeys(MODEL_COLOURS, SCORES)),
    "confusion": lambda: scores.confusion([[9e7, 8e3, 7], [6, 5e6, 4], [3, 2, 1e6]], CLASSES),
    "reliability": lambda: scores.reliability(BINS, note=NOTE),
    "iou_curves": lambda: clicks.iou_curves(CURVES, note=NOTE),
    "openings": lambda: clicks.openings(
        dict.fromkeys(clicks.OPENINGS, CURVE[CURVE["click"] <= 5]), note=NOTE
    ),
    "effort": lambda: clicks.effort(dict.fromkeys(CURVES, GOALS), note=NOTE),
    "quality": lambda: clicks.quality(EXPECTED, note=NOTE),
    "click_history": lambda: clicks.history(
        dict.fromkeys(list(CURVES)[:3], CLICKED), dict.fromkeys(CURVES, 11), note=NOTE
    ),
}
PICTURES = {
    "photo_grid": lambda: photos.photo_grid([KITTEN, SHEPHERD, KITTEN]),
    "image_grid": lambda: photos.image_grid(
        np.stack([KITTEN.image] * 5), pd.Series(["noise"] * 5), 3, np.stack([KITTEN.mask] * 5)
    ),
    "predictions": lambda: photos.predictions([KITTEN, SHEPHERD], GUESS),
    "silhouettes": lambda: photos.silhouettes(CASES, note=NOTE),
    "unet_diagram": lambda: architecture.unet_diagram(STAGES, photo_size=448),
    "prompt_diagram": lambda: prompted.prompt_diagram(LEVELS, photo_size=256),
    "film_strip": lambda: film.film_strip([FILM, FILM], note=NOTE),
    "prompt_maps": lambda: film.prompt_maps(KITTEN.image, [(9, 9, True), (40, 30, False)], MAPS),
}
PICTURES["robust_examples"] = lambda: robustness.examples(
    {name: [KITTEN.image] * 3 for name in DAMAGES}, {name: ["a: 1"] * 3 for name in DAMAGES}, "me"
)
FIGURES = CHARTS | PICTURES


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
    for axes in figure.axes:
        named = axes.get_xlabel() or axes.get_ylabel() or axes.get_title(loc="left")
        assert named, f"{name} has an axes without any name"
    assert any(axes.get_xlabel() for axes in figure.axes)


@pytest.mark.parametrize("name", ["fit_choice", "history", "class_scores", "iou_curves", "effort"])
def test_charts_say_what_was_measured(name):
    written = " ".join(text.get_text() for text in texts(CHARTS[name]()))
    assert "2,453 test photos" in written.replace("\n", " ")


@pytest.mark.parametrize("name", FIGURES)
def test_same_input_gives_same_bytes_in_any_style(name):
    first = {kind: encode(FIGURES[name](), kind) for kind in ("png", "svg")}
    loud = {"font.size": 30, "axes.facecolor": "red", "svg.hashsalt": None, "savefig.dpi": 20}
    with mpl.rc_context(loud):
        again = {kind: encode(FIGURES[name](), kind) for kind in ("png", "svg")}
    assert first == again
    assert b"<dc:date>" not in first["svg"] and b"Software" not in first["png"]


@pytest.mark.parametrize("name", ["history", "unet_diagram", "confusion"])
def test_width_is_the_columns_and_drawing_leaves_no_trace(name):
    before = dict(mpl.rcParams)
    figure = FIGURES[name]()
    assert figure.get_figwidth() <= WIDE
    assert dict(mpl.rcParams) == before
    assert not plt.get_fignums()


EMPTY = {
    "class_counts": lambda: dataset.class_counts(PHOTOS.head(0)),
    "pixel_shares": lambda: dataset.pixel_shares(PHOTOS.head(0)),
    "photo_sizes": lambda: dataset.photo_sizes(PHOTOS.drop(columns="height")),
    "duplicates": lambda: dataset.duplicates(BITS.head(0), 4),
    "fit_choice": lambda: dataset.fit_choice(FITS.drop(columns="low")),
    "loader_speed": lambda: dataset.loader_speed(SPEED.head(0)),
    "speeds": lambda: cost.speeds(COSTS.head(0)),
    "speeds_size": lambda: cost.speeds(COSTS, size=256),
    "history": lambda: training.history(HISTORY.head(0)),
    "ablation": lambda: training.ablation(ABLATION.head(0)),
    "ablation_base": lambda: training.ablation(ABLATION.tail(2)),
    "intervals": lambda: training.intervals(INTERVALS.head(0)),
    "class_scores": lambda: scores.class_scores({}),
    "class_scores_row": lambda: scores.class_scores({"unet": SCORES.head(2)}),
    "confusion": lambda: scores.confusion(np.zeros((3, 3)), CLASSES),
    "confusion_shape": lambda: scores.confusion(np.ones((2, 2)), CLASSES),
    "reliability": lambda: scores.reliability(BINS.head(0)),
    "photo_grid": lambda: photos.photo_grid([]),
    "image_grid": lambda: photos.image_grid([], [], 3),
    "predictions": lambda: photos.predictions([KITTEN], {}),
    "predictions_size": lambda: photos.predictions([KITTEN], {"kitten": GUESS["kitten"][1:]}),
    "silhouettes": lambda: photos.silhouettes([]),
    "overlay": lambda: overlay(KITTEN.image, KITTEN.mask[1:]),
    "unet_diagram": lambda: architecture.unet_diagram([]),
    "unet_sides": lambda: architecture.unet_diagram(STAGES[:2]),
    "iou_curves": lambda: clicks.iou_curves({}),
    "iou_curves_columns": lambda: clicks.iou_curves({"unet": CURVE[["click", "value"]]}),
    "effort": lambda: clicks.effort({}),
    "quality": lambda: clicks.quality(EXPECTED.head(0)),
    "click_history": lambda: clicks.history({}, {}),
    "prompt_diagram": lambda: prompted.prompt_diagram([], photo_size=256),
    "prompt_levels": lambda: prompted.prompt_diagram(LEVELS[::-1], photo_size=256),
    "film_strip": lambda: film.film_strip([]),
    "prompt_maps": lambda: film.prompt_maps(KITTEN.image, [], {}),
    "table": lambda: figures.show_table(BITS.head(0), "none"),
}


@pytest.mark.parametrize("name", EMPTY)
def test_nothing_to_draw_is_told_in_one_line(name):
    with pytest.raises(UserError) as caught:
        EMPTY[name]()
    assert "\n" not in str(caught.value) and len(str(caught.value)) > 20


ONE = {
    "class_counts": lambda: dataset.class_counts(PHOTOS.head(1)),
    "pixel_shares": lambda: dataset.pixel_shares(PHOTOS.head(1)),
    "photo_sizes": lambda: dataset.photo_sizes(PHOTOS.head(1)),
    "duplicates": lambda: dataset.duplicates(BITS.head(1), 4),
    "fit_choice": lambda: dataset.fit_choice(FITS.head(1)),
    "loader_speed": lambda: dataset.loader_speed(SPEED.head(1)),
    "speeds": lambda: cost.speeds(COSTS.head(4)),
    "history": lambda: training.history(HISTORY.head(1)),
    "ablation": lambda: training.ablation(ABLATION.head(1)),
    "intervals": lambda: training.intervals(INTERVALS.head(1)),
    "reliability": lambda: scores.reliability(BINS.tail(1)),
    "photo_grid": lambda: photos.photo_grid([KITTEN]),
    "silhouettes": lambda: photos.silhouettes(CASES[:1]),
    "unet_diagram": lambda: architecture.unet_diagram(STAGES[2:3]),
    "iou_curves": lambda: clicks.iou_curves({"unet": CURVE.head(2)}),
    "openings": lambda: clicks.openings({"wrong": CURVE.head(2)}),
    "effort": lambda: clicks.effort({"unet": GOALS}),
    "quality": lambda: clicks.quality(EXPECTED.head(1)),
    "click_history": lambda: clicks.history({"point_unet": CLICKED.head(1)}, {"point_unet": 1}),
    "prompt_diagram": lambda: prompted.prompt_diagram(LEVELS[:1], photo_size=256),
    "film_strip": lambda: film.film_strip([{**FILM, "frames": FILM["frames"][:1]}]),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("name", ONE)
def test_one_row_is_drawn(name):
    assert encode(ONE[name](), "png").startswith(b"\x89PNG")


def shown(*args, **kwargs) -> list:
    """Outputs that `figures.show` displays in a notebook."""
    InteractiveShell.instance()
    with capture_output() as captured:
        figures.show(*args, **kwargs)
    return captured.outputs


def test_show_saves_two_files_and_displays_once(tmp_path):
    (output,) = shown(CHARTS["history"](), "02_history", "Loss & IoU", folder=tmp_path / "new")
    files = {path.name: path.read_bytes() for path in (tmp_path / "new").iterdir()}
    assert set(files) == {"02_history.png", "02_history.svg"}
    assert output.metadata == {"caption": "Loss & IoU", "name": "02_history"}
    assert set(output.data) == {"image/png", "image/svg+xml", "text/plain"}
    assert base64.b64decode(output.data["image/png"]) == files["02_history.png"]
    assert output.data["image/svg+xml"].encode() == files["02_history.svg"]
    assert output.data["text/plain"] == "Loss & IoU"


def test_show_leaves_a_large_svg_to_its_file(tmp_path):
    figure = Figure()
    figure.subplots().plot(np.random.default_rng(0).random(20_000), marker="o")
    (output,) = shown(figure, "big", "Much", folder=tmp_path)
    assert "image/svg+xml" not in output.data
    assert (tmp_path / "big.svg").stat().st_size > 300_000


def test_show_closes_what_pyplot_opened(tmp_path):
    shown(plt.figure(), "open", "Nothing in it", folder=tmp_path)
    assert not plt.get_fignums()


def test_stamp_is_seen_and_repeats(tmp_path):
    pixels = []
    for number, stamp in enumerate(("", "SMOKE RUN", "SMOKE RUN")):
        shown(CHARTS["duplicates"](), f"f{number}", "Pairs", folder=tmp_path, stamp=stamp)
        png = (tmp_path / f"f{number}.png").read_bytes()
        pixels.append(np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), int))
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
    InteractiveShell.instance()
    with capture_output() as captured:
        figures.show_table(frame, "Scores", formats={"IoU": "{:.3f}", "low": str}, name="02_t")
    (output,) = captured.outputs
    assert output.metadata == {"caption": "Scores", "name": "02_t"}
    html = output.data["text/html"]
    assert "0.123<" in html and "&lt;b&gt;" in html
    assert "nan" not in html.lower() and "<th>0</th>" not in html


def test_overlay_tints_edges_and_stripes():
    image, mask = np.full((9, 9, 3), 100, np.uint8), np.zeros((9, 9), np.uint8)
    mask[2:7, 2:7] = 2
    mask[8] = 255
    out = overlay(image, mask, alpha=0.5)
    dog = np.multiply(255, to_rgb(CLASS_COLOURS["dog"])).round()
    assert (out[0, 0] == 100).all()  # background is left alone
    assert (out[2, 2] == dog).all()  # the edge has the full colour
    assert np.abs(out[4, 4] - (100 + dog) / 2).max() <= 0.5  # inside, half of it
    light = np.multiply(255, to_rgb(CLASS_COLOURS["border"])).round()
    striped = (out[8] == light).all(axis=1)
    assert striped.any() and not striped.all()
    assert out.dtype == np.uint8 and (image == 100).all()


def test_outline_alone_leaves_the_inside():
    out = overlay(KITTEN.image, KITTEN.mask, alpha=0)
    changed = (out != KITTEN.image).any(axis=2)
    assert 0 < changed.mean() < 0.2


def test_paint_and_errors_by_hand():
    truth = np.array([[0, 0, 1, 1, 1, 255]])
    guess = np.array([[0, 2, 1, 0, 2, 1]])
    kinds = [
        "white",
        ERRORS["extra"],
        ERRORS["right"],
        ERRORS["missed"],
        ERRORS["wrong species"],
        ERRORS["border, not judged"],
    ]
    expected = [np.multiply(255, to_rgb(kind)).round() for kind in kinds]
    assert (errors(truth, guess)[0] == expected).all()
    assert (paint(truth)[0, -1] == np.multiply(255, to_rgb(CLASS_COLOURS["border"])).round()).all()
    assert species_iou(truth, guess) == pytest.approx(1 / 3)
    assert species_iou(truth, truth) == 1
    assert species_iou(np.full((2, 2), 255), np.zeros((2, 2))) == 1, "nothing is judged"


def test_silhouettes_lose_the_letterbox_bars():
    truth, guess = np.full((2, 40, 40), 255, np.uint8)
    truth[10:30], guess[10:30] = 1, 1
    case = {"truth": truth, "predicted": guess, "title": "wide"}
    picture = photos.silhouettes([case]).axes[0].images[0]
    assert picture.get_array().shape[:2] == (20, 40)
    assert picture.get_extent() == [0, 2, 0, 1]


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


def simulated(colour: str, matrix: np.ndarray) -> np.ndarray:
    """CIELAB of a colour as seen with a colour vision deficiency (Machado et al. 2009)."""
    rgb = np.array(to_rgb(colour))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(matrix @ linear, 0, 1)
    return rgb2lab(np.where(seen <= 0.0031308, 12.92 * seen, 1.055 * seen ** (1 / 2.4) - 0.055))


VISION = {
    "normal": np.eye(3),
    "protan": [[0.1523, 1.0526, -0.2049], [0.1145, 0.7863, 0.0992], [-0.0039, -0.0481, 1.0520]],
    "deutan": [[0.3673, 0.8606, -0.2279], [0.2801, 0.6725, 0.0474], [-0.0118, 0.0429, 0.9689]],
    "tritan": [[1.2555, -0.0767, -0.1788], [-0.0784, 0.9308, 0.1476], [0.0047, 0.6914, 0.3039]],
}


@pytest.mark.parametrize("vision", VISION)
@pytest.mark.parametrize(
    ("colours", "least"), [(CLASS_COLOURS, 17), (ERRORS, 10), (MODEL_COLOURS, 6)]
)
def test_colours_stay_apart_for_every_eye(colours, least, vision):
    seen = {name: simulated(colour, np.array(VISION[vision])) for name, colour in colours.items()}
    for one, two in itertools.combinations(seen, 2):
        assert deltaE_ciede2000(seen[one], seen[two]) >= least, (one, two)


def test_models_are_seen_on_white():
    new = {name: figures.model_colour(name) for name in ("segformer", "new_model", "x", "y", "z")}
    for name, colour in (MODEL_COLOURS | new).items():
        rgb = np.array(to_rgb(colour))
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        assert 1.05 / (linear @ [0.2126, 0.7152, 0.0722] + 0.05) > 2, name


def test_a_new_model_gets_its_own_lasting_colour_and_label():
    assert figures.model_colour("unet") == MODEL_COLOURS["unet"]
    new = [figures.model_colour(f"new_model_{number}") for number in range(20)]
    assert new == [figures.model_colour(f"new_model_{number}") for number in range(20)]
    assert figures.model_colour("segformer") == "#68721d"
    for colour in new:
        gaps = [np.subtract(to_rgb(colour), to_rgb(c)) for c in MODEL_COLOURS.values()]
        assert np.linalg.norm(gaps, axis=1).min() > 0.25
    assert figures.label("mae_seg") == "MAE-Seg"
    assert figures.label("my_model") == "my model"
