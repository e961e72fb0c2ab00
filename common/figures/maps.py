"""Class maps as colours: over a photo, alone, or as agreement and errors of two of them."""

from collections.abc import Sequence

import numpy as np
from PIL.ImageColor import getrgb
from scipy.ndimage import binary_erosion

from common.config import CLASSES, IGNORE, UserError, mask_iou
from common.wording import CLASS_COLOURS

ERRORS = {
    "right": "#9db8ae",
    "missed": "#9c1f5b",
    "extra": "#f2d64b",
    "wrong species": "#1a1a1a",
    "border, not judged": "#e3dfd5",
}


def overlay(image: np.ndarray, mask: np.ndarray, alpha: float = 0.45) -> np.ndarray:
    """The photo tinted by class, pets edged, border pixels hatched with light stripes.

    Args:
        image: (H, W, 3) uint8 RGB.
        mask: (H, W) uint8; 0 background, 1 cat, 2 dog, 255 border.
        alpha: strength of the tint, 0 to 1.

    Returns:
        (H, W, 3) uint8.
    """
    if image.shape[:2] != mask.shape:
        raise UserError(f"a photo of {image.shape[:2]} and a mask of {mask.shape} do not fit")
    out, levels = image.copy(), np.arange(256.0)[:, None]
    for value, name in enumerate(CLASSES[1:], 1):
        if not (pet := mask == value).any():
            continue
        colour = np.multiply(255, to_rgb(CLASS_COLOURS[name]))
        tinted = (levels + alpha * (colour - levels)).round().astype(np.uint8)  # (256, 3)
        out[pet] = tinted[out[pet], range(3)]
        out[pet & ~binary_erosion(pet, iterations=_line(mask), border_value=1)] = colour.round()
    rows, columns = np.nonzero(mask == IGNORE)
    period = 4 * _line(mask)
    stripe = (rows + columns) % period < period / 2
    border = np.multiply(255, to_rgb(CLASS_COLOURS["border"]))
    out[rows[stripe], columns[stripe]] = border.round()
    return out


def _line(mask: np.ndarray) -> int:
    """Pixels of a line that stays visible when the picture is shown small."""
    return max(1, round(max(mask.shape) / 256))


def paint(mask: np.ndarray) -> np.ndarray:
    """Class map (H, W) -> its colours (H, W, 3) uint8."""
    colours = [CLASS_COLOURS[name] for name in (*CLASSES, "border")]
    return _coloured(np.where(mask == IGNORE, len(CLASSES), mask), colours)


def errors(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Where two class maps (H, W) agree and how they differ, as colours (H, W, 3) uint8.

    Background that both see is white; for the others see `ERRORS`.
    """
    pet, found = (truth > 0), (predicted > 0)
    kinds = [truth == IGNORE, ~pet & ~found, truth == predicted, pet & ~found, found & ~pet]
    order = ["border, not judged", None, "right", "missed", "extra"]
    names = [*order, "wrong species"]
    code = np.select(kinds, range(len(kinds)), default=len(kinds))
    return _coloured(code, [ERRORS.get(name, "white") for name in names])


def to_rgb(colour: str) -> list[float]:
    """Red, green and blue from 0 to 1, as matplotlib's, which takes a while to import."""
    return [part / 255 for part in getrgb(colour)]


def _coloured(code: np.ndarray, colours: Sequence[str]) -> np.ndarray:
    table = np.array([to_rgb(colour) for colour in colours])
    return (255 * table).round().astype(np.uint8)[code]


def species_iou(truth: np.ndarray, predicted: np.ndarray) -> float:
    """IoU of the pet's own class in one photo, border left out: the other species is a miss."""
    own = truth[truth != IGNORE].max(initial=0)
    return float(mask_iou(predicted == own, np.where(truth == IGNORE, IGNORE, truth == own)))
