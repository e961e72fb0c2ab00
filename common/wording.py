"""Scores, columns and models as readers know them: one name each, and one colour a model.

`MAIN` are the scores that README and model cards give of a segmentation.
"""

import colorsys
import math
import re
import zlib

MAIN = ("miou", "iou_background", "iou_cat", "iou_dog", "foreground_iou", "species_accuracy")
PLAIN = {
    "miou": "mIoU",
    "iou_background": "background",
    "iou_cat": "cat",
    "iou_dog": "dog",
    "foreground_iou": "pet vs ground",
    "species_accuracy": "species",
    "boundary_iou": "boundary",
    "mean_image_iou": "mean over photos",
    "pixel_accuracy": "pixels right",
    "dice": "Dice",
    "ece": "ECE",
    "auc": "area under the curve",
    "difference_low": "from",
    "difference_high": "to",
    "ms_click": "ms a click",
    "n": "photos",
}

CLASS_COLOURS = {"background": "#a6a6a6", "cat": "#e69f00", "dog": "#0072b2", "border": "#f1eee6"}
CLICK_COLOURS = {True: "#117733", False: "#aa1e2d"}  # on the pet, and not on it
MODEL_COLOURS = {
    "unet": "#097242",
    "mae_seg": "#33127f",
    "clip_seg": "#c14985",
    "point_unet": "#f2a104",
    "point_unet_single": "#e03410",
    "point_unet_m": "#882907",
    "point_unet_s": "#f77864",
    "imagenet_baseline": "#434141",
    "lite0_query": "#0f85d4",
    "mae_linear": "#684fe9",
    "clip_linear": "#e98fae",
    "clip_vit_seg": "#3d1236",
    "clip_vit_linear": "#893591",
    "lite0_linear": "#46beec",
}
LABELS = {
    "unet": "UNet",
    "mae_seg": "MAE-Seg",
    "clip_seg": "CLIP-Seg",
    "point_unet": "Point UNet",
    "point_unet_single": "Point UNet, single",
    "point_unet_m": "Point UNet M",
    "point_unet_s": "Point UNet S",
    "imagenet_baseline": "ImageNet baseline",
    "lite0_query": "Lite0 + queries",
    "mae_linear": "MAE linear",
    "clip_linear": "CLIP linear",
    "clip_vit_seg": "CLIP-Seg, ViT",
    "clip_vit_linear": "CLIP linear, ViT",
    "lite0_linear": "Lite0 linear",
    "sam_vit_b": "SAM, ViT-B",
    "sam_vit_l": "SAM, ViT-L",
    "sam_vit_h": "SAM, ViT-H",
    "smp_unet_resnet34": "SMP, UNet-ResNet34",
    "smp_unet_resnet34_192": "SMP, UNet-ResNet34",
    "smp_unet_resnet34_256": "SMP, UNet-ResNet34",
}


def wording(name: str) -> str:
    """What a reader calls a score or a column; what has no such name keeps its own.

    >>> wording("iou_at_3"), wording("noc90"), wording("miou")
    ('IoU, 3 clicks', 'NoC@90', 'mIoU')
    """
    if clicks := re.fullmatch(r"iou_at_(\d+)", str(name)):
        number = int(clicks[1])
        return f"IoU, {number or 'no'} click{'s' * (number > 1)}"
    if share := re.fullmatch(r"no([cf])(\d+)", str(name)):
        return f"No{share[1].upper()}@{share[2]}"
    return PLAIN.get(name, name)


def label(name: str) -> str:
    """A model's name as readers know it; a new model's name with spaces."""
    return LABELS.get(name, name.replace("_", " "))


def model_colour(name: str) -> str:
    """A model's colour, the same in every figure; a new model's follows from its name."""
    if name in MODEL_COLOURS:
        return MODEL_COLOURS[name]
    for attempt in range(1000):
        code = zlib.crc32(f"{name}:{attempt}".encode())
        colour = colorsys.hls_to_rgb(code % 360 / 360, 0.25 + code // 360 % 20 / 100, 0.6)
        if min(math.dist(colour, _rgb(taken)) for taken in MODEL_COLOURS.values()) > 0.25:
            break
    return "#" + "".join(f"{round(255 * part):02x}" for part in colour)


def _rgb(colour: str) -> list[float]:
    return [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
