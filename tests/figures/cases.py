"""One example of everything that a figure is drawn from, and every figure drawn from them.

`CHARTS` have axes, `PICTURES` have none; `EMPTY` cannot be drawn, `ONE` is as little as can be.
"""

import itertools
from functools import partial

import numpy as np
import pandas as pd
from PIL import Image

from common import figures
from common.config import CLASSES
from common.figures import (
    architecture,
    choices,
    clicks,
    costs,
    dataset,
    diagrams,
    film,
    grids,
    intervals,
    pictures,
    pretraining,
    robustness,
    scores,
    tokens,
    training,
)
from common.figures.maps import overlay
from common.samples import Sample, load_sample
from common.scoring.errors import SAID
from common.wording import MODEL_COLOURS

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

MODELS = list(MODEL_COLOURS)
RANKED = pd.DataFrame({"model": MODELS, "value": np.linspace(0.961, 0.452, len(MODELS))}).assign(
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
MISTAKES = pd.DataFrame(
    {
        "model": MODELS,
        "missed": 0.3,
        "extra": 0.45,
        "wrong species": 0.25,
        "wrong": 0.02,
        "miou": RANKED["value"],
        "right_species": RANKED["value"] + 0.01,
        "right_shape": 0.99,
    }
)
PIXELS = dict.fromkeys(MODELS, np.array([[9e7, 8e5, 7e3], [6e5, 5e6, 4e3], [3, 2, 1e6]]))
SAID_OF = dict.fromkeys(MODELS, np.array([[1, 700, 91], [0, 5, 1656]]))
QUANTITIES = (("params", 3e5), ("madds", 4e7), ("minutes", 1.2), ("ms_photo", 3), ("x", 1))
PRICES = pd.DataFrame(
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
SEEN = [
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

RANDOM = np.random.default_rng(0)
BREEDS = ["Bengal", "Birman", "Beagle", "Staffordshire Bull Terrier", "Pug"]
PRETRAINED = pd.DataFrame(
    {
        "epoch": range(1, 61),
        "loss": np.linspace(1, 0.5, 60),
        "val_explained": np.linspace(0, 0.4, 60),
    }
)
SHARES = ["0 %", "25 %", "50 %", "100 %"]
PROBES = pd.DataFrame(
    [
        (encoder, tap, task, 0.6 + 0.05 * number + 0.04 * tap, 0.58, 0.95)
        for number, encoder in enumerate(SHARES)
        for tap in range(4)
        for task in pretraining.TASKS
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
COLUMNS = {title: [KITTEN.image, SHEPHERD.image] for title in ("photo", "visible", *SHARES)}
CREDITS = [KITTEN.credit, SHEPHERD.credit]

ROWS = {  # charts of one table: what draws it, and the table
    "class_counts": (dataset.class_counts, PHOTOS),
    "pixel_shares": (dataset.pixel_shares, PHOTOS),
    "photo_sizes": (dataset.photo_sizes, PHOTOS),
    "duplicates": (partial(choices.duplicates, threshold=4), BITS),
    "fit_choice": (partial(choices.fit_choice, note=NOTE), FITS),
    "loader_speed": (partial(choices.loader_speed, note=NOTE), SPEED),
    "history": (partial(training.history, best_epoch=33, note=NOTE), HISTORY),
    "ablation": (partial(intervals.ablation, note=NOTE), ABLATION),
    "intervals": (partial(intervals.intervals, score="IoU", note=NOTE), INTERVALS),
    "quality": (partial(clicks.quality, note=NOTE), EXPECTED),
    "differences": (partial(grids.difference_matrix, note=NOTE), PAIRS),
    "error_kinds": (partial(scores.error_kinds, note=NOTE), MISTAKES),
    "data_efficiency": (partial(costs.data_efficiency, note=NOTE), LEARNING),
    "token_classes": (partial(tokens.token_classes, note=NOTE), TOKENS),
}
CHARTS = {name: partial(draw, table) for name, (draw, table) in ROWS.items()} | {
    "speeds": lambda: costs.speeds(COSTS, note=NOTE),
    "robust_curves": lambda: robustness.curves(ROBUST, note=NOTE),
    "worst_levels": lambda: robustness.worst_levels(WORST, note=NOTE),
    "steadiness": lambda: clicks.steadiness(WAYS, SETBACKS, note=NOTE),
    "class_scores": lambda: intervals.class_scores({"unet": SCORES}, note=NOTE),
    "class_scores_all": lambda: intervals.class_scores(dict.fromkeys(MODEL_COLOURS, SCORES)),
    "confusion": lambda: grids.confusion([[9e7, 8e3, 7], [6, 5e6, 4], [3, 2, 1e6]], CLASSES),
    "reliability": lambda: scores.reliability(BINS, note=NOTE),
    "iou_curves": lambda: clicks.iou_curves(CURVES, note=NOTE),
    "by_group": lambda: clicks.by_group({"one": CURVES, "several": CURVES}, note=NOTE),
    "openings": lambda: clicks.openings(
        dict.fromkeys(clicks.OPENINGS, CURVE[CURVE["click"] <= 5]), note=NOTE
    ),
    "effort": lambda: clicks.effort(dict.fromkeys(CURVES, GOALS), note=NOTE),
    "click_history": lambda: training.click_history(
        dict.fromkeys(list(CURVES)[:3], CLICKED), dict.fromkeys(CURVES, 11), note=NOTE
    ),
    "grids": lambda: grids.score_grids({"foreground IoU": GROUPS, "species": GROUPS}, note=NOTE),
    "grid": lambda: grids.score_grids({"agree": GROUPS.iloc[:, :3]}, form="{:.1%}"),
    "confusions": lambda: grids.confusions(PIXELS, CLASSES, CLASSES, note=NOTE),
    "photo_confusions": lambda: grids.confusions(SAID_OF, CLASSES[1:], SAID, note=NOTE),
    "calibration": lambda: scores.calibration(dict.fromkeys(MODELS, BINS), note=NOTE),
    "tradeoff": lambda: costs.tradeoff(RANKED, PRICES, note=NOTE),
    "tradeoff_three": lambda: costs.tradeoff(RANKED, PRICES[PRICES["quantity"] != "madds"]),
    "tradeoff_one": lambda: costs.tradeoff(RANKED, PRICES[PRICES["quantity"] == "minutes"]),
    "tradeoff_narrow": lambda: costs.tradeoff(
        RANKED, PRICES.assign(value=2.9e6 + 3e4 * PRICES["value"].rank())
    ),
    "seeds": lambda: intervals.seeds(LEARNING, note=NOTE),
    "progress": lambda: training.progress(
        PRETRAINED,
        {"val_explained": "explained"},
        score="variance explained",
        marks={"25 %": 15, "50 %": 30},
        note=NOTE,
    ),
    "probes": lambda: pretraining.probes(PROBES, pretraining.stage_colours(SHARES), note=NOTE),
    "similarity": lambda: pretraining.similarity(SIMILARITY, BREEDS[:2], BREEDS[3:4], note=NOTE),
    "recall": lambda: pretraining.recall(
        {"ViT from scratch": RANKS, "EfficientNet-Lite0": RANKS}, note=NOTE
    ),
}
PICTURES = {
    "photo_grid": lambda: pictures.photo_grid([KITTEN, SHEPHERD, KITTEN]),
    "image_grid": lambda: pictures.image_grid(
        np.stack([KITTEN.image] * 5), pd.Series(["noise"] * 5), 3, np.stack([KITTEN.mask] * 5)
    ),
    "predictions": lambda: pictures.predictions([KITTEN, SHEPHERD], GUESS),
    "silhouettes": lambda: pictures.silhouettes(CASES, note=NOTE),
    "unet_diagram": lambda: architecture.unet_diagram(STAGES, photo_size=448),
    "prompt_diagram": lambda: diagrams.prompt_diagram(LEVELS, photo_size=256),
    "film_strip": lambda: film.film_strip([FILM, FILM], note=NOTE),
    "first_clicks": lambda: film.first_clicks([FILM, FILM, FILM]),
    "prompt_maps": lambda: film.prompt_maps(KITTEN.image, [(9, 9, True), (40, 30, False)], MAPS),
    "robust_examples": lambda: robustness.examples(
        {name: [KITTEN.image] * 3 for name in DAMAGES},
        {name: ["a: 1"] * 3 for name in DAMAGES},
        "me",
    ),
    "gallery": lambda: pictures.gallery(SEEN, note=NOTE),
    "stages": lambda: pretraining.stages(COLUMNS, CREDITS, note=NOTE),
    "token_sheet": lambda: tokens.token_sheet(
        KITTEN.image, **TOLD, credit=KITTEN.credit, note="MAE-Seg."
    ),
    "decoder_diagram": lambda: diagrams.decoder_diagram(
        photo=224, grid=16, taps=4, channels=1280, queries=12, width=128, classes=3
    ),
}
FIGURES = CHARTS | PICTURES

EMPTY = {name: partial(draw, table.head(0)) for name, (draw, table) in ROWS.items()} | {
    "photo_sizes_column": lambda: dataset.photo_sizes(PHOTOS.drop(columns="height")),
    "fit_choice_column": lambda: choices.fit_choice(FITS.drop(columns="low")),
    "speeds": lambda: costs.speeds(COSTS.head(0)),
    "speeds_size": lambda: costs.speeds(COSTS, size=256),
    "ablation_base": lambda: intervals.ablation(ABLATION.tail(2)),
    "class_scores": lambda: intervals.class_scores({}),
    "class_scores_row": lambda: intervals.class_scores({"unet": SCORES.head(2)}),
    "confusion": lambda: grids.confusion(np.zeros((3, 3)), CLASSES),
    "confusion_shape": lambda: grids.confusion(np.ones((2, 2)), CLASSES),
    "reliability": lambda: scores.reliability(BINS.head(0)),
    "photo_grid": lambda: pictures.photo_grid([]),
    "image_grid": lambda: pictures.image_grid([], [], 3),
    "predictions": lambda: pictures.predictions([KITTEN], {}),
    "predictions_size": lambda: pictures.predictions([KITTEN], {"kitten": GUESS["kitten"][1:]}),
    "silhouettes": lambda: pictures.silhouettes([]),
    "overlay": lambda: overlay(KITTEN.image, KITTEN.mask[1:]),
    "unet_diagram": lambda: architecture.unet_diagram([]),
    "unet_sides": lambda: architecture.unet_diagram(STAGES[:2]),
    "iou_curves": lambda: clicks.iou_curves({}),
    "by_group": lambda: clicks.by_group({}),
    "iou_curves_columns": lambda: clicks.iou_curves({"unet": CURVE[["click", "value"]]}),
    "effort": lambda: clicks.effort({}),
    "click_history": lambda: training.click_history({}, {}),
    "prompt_diagram": lambda: diagrams.prompt_diagram([], photo_size=256),
    "prompt_levels": lambda: diagrams.prompt_diagram(LEVELS[::-1], photo_size=256),
    "film_strip": lambda: film.film_strip([]),
    "prompt_maps": lambda: film.prompt_maps(KITTEN.image, [], {}),
    "table": lambda: figures.show_table(BITS.head(0), "none"),
    "differences_low": lambda: grids.difference_matrix(PAIRS.drop(columns="low")),
    "grids": lambda: grids.score_grids({}),
    "grids_rows": lambda: grids.score_grids({"species": GROUPS.head(0)}),
    "confusions": lambda: grids.confusions({}, CLASSES, CLASSES),
    "confusions_shape": lambda: grids.confusions(PIXELS, CLASSES[1:], CLASSES),
    "calibration": lambda: scores.calibration({}),
    "calibration_column": lambda: scores.calibration({"unet": BINS.drop(columns="share")}),
    "tradeoff": lambda: costs.tradeoff(RANKED, PRICES.head(0)),
    "tradeoff_quantity": lambda: costs.tradeoff(RANKED, PRICES[PRICES["quantity"] == "x"]),
    "tradeoff_score": lambda: costs.tradeoff(RANKED.head(0), PRICES),
    "seeds": lambda: intervals.seeds(LEARNING[LEARNING["seed"] == 0]),
    "gallery": lambda: pictures.gallery([]),
    "gallery_models": lambda: pictures.gallery(SEEN[:-1]),
    "stages": lambda: pretraining.stages({}, []),
    "stages_short": lambda: pretraining.stages({**COLUMNS, "more": [KITTEN.image]}, CREDITS),
    "progress": lambda: training.progress(PRETRAINED.head(0), {"val_explained": "x"}),
    "progress_column": lambda: training.progress(PRETRAINED, {"val_breed": "x"}),
    "probes": lambda: pretraining.probes(
        PROBES.drop(columns="low"), pretraining.stage_colours(SHARES)
    ),
    "similarity": lambda: pretraining.similarity(SIMILARITY.head(0), BREEDS[:2]),
    "similarity_text": lambda: pretraining.similarity(SIMILARITY.drop(columns="Pug"), BREEDS[:2]),
    "recall": lambda: pretraining.recall({}),
    "recall_column": lambda: pretraining.recall({"ViT": RANKS.drop(columns="rank")}),
    "token_sheet": lambda: tokens.token_sheet(
        KITTEN.image, TOLD["classes"], TOLD["masks"][:, 1:], TOLD["attention"]
    ),
}

ONE = {name: partial(draw, table.head(1)) for name, (draw, table) in ROWS.items()} | {
    "speeds": lambda: costs.speeds(COSTS.head(4)),
    "reliability": lambda: scores.reliability(BINS.tail(1)),
    "photo_grid": lambda: pictures.photo_grid([KITTEN]),
    "silhouettes": lambda: pictures.silhouettes(CASES[:1]),
    "unet_diagram": lambda: architecture.unet_diagram(STAGES[2:3]),
    "iou_curves": lambda: clicks.iou_curves({"unet": CURVE.head(2)}),
    "openings": lambda: clicks.openings({"wrong": CURVE.head(2)}),
    "effort": lambda: clicks.effort({"unet": GOALS}),
    "click_history": lambda: training.click_history(
        {"point_unet": CLICKED.head(1)}, {"point_unet": 1}
    ),
    "prompt_diagram": lambda: diagrams.prompt_diagram(LEVELS[:1], photo_size=256),
    "film_strip": lambda: film.film_strip([{**FILM, "frames": FILM["frames"][:1]}]),
    "grids": lambda: grids.score_grids({"species": GROUPS.head(1)}),
    "confusions": lambda: grids.confusions({"unet": PIXELS["unet"]}, CLASSES, CLASSES),
    "calibration": lambda: scores.calibration({"unet": BINS}),
    "tradeoff": lambda: costs.tradeoff(RANKED.head(1), PRICES.head(1)),
    "gallery": lambda: pictures.gallery(SEEN[:1]),
    "stages": lambda: pretraining.stages({"photo": [KITTEN.image]}, [KITTEN.credit]),
    "progress": lambda: training.progress(PRETRAINED.head(1), {"val_explained": "explained"}),
    "probes": lambda: pretraining.probes(
        PROBES[PROBES["tap"] == 0], pretraining.stage_colours(SHARES)
    ),
    "similarity": lambda: pretraining.similarity(SIMILARITY.head(1), BREEDS[:2]),
    "recall": lambda: pretraining.recall({"ViT": RANKS.head(1)}),
}
