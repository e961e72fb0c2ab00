"""What each mask token of a query decoder looks at, what it paints, and what it calls it."""

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from PIL import Image

from common.config import CLASSES, UserError
from common.figures.grids import cells
from common.figures.sheet import new_sheet, place
from common.figures.style import CLASS_COLOURS, SOFT, head, new_figure, require, styled

KINDS = (*CLASSES, "no object")
ACROSS = 6  # tokens in a row


def heat(image: np.ndarray, share: np.ndarray) -> np.ndarray:
    """The photo (H, W, 3) uint8 in grey under attention (h, w): what is looked at most glows."""
    level = Image.fromarray((share / max(share.max(), 1e-9)).astype(np.float32))
    level = np.asarray(level.resize(image.shape[1::-1], Image.Resampling.BILINEAR))
    glow = 255 * colormaps["magma"](level)[..., :3]
    return _mix(image.mean(-1, keepdims=True), glow, 0.75)


def tinted(image: np.ndarray, mask: np.ndarray, kind: str) -> np.ndarray:
    """The photo (H, W, 3) uint8, coloured by class inside its mask (H, W) in [0, 1], else pale."""
    colour = 255 * np.array(to_rgb(CLASS_COLOURS.get(kind, SOFT)))
    pale = _mix(image.mean(-1, keepdims=True), np.full(3, 255.0), 0.65)
    return _mix(pale, _mix(image, colour, 0.6), mask[..., None])


def _mix(under: np.ndarray, over: np.ndarray, share: np.ndarray | float) -> np.ndarray:
    return (under + share * (over.astype(float) - under)).clip(0, 255).astype(np.uint8)


@styled
def token_sheet(
    image: np.ndarray,
    classes: np.ndarray,
    masks: np.ndarray,
    attention: np.ndarray,
    *,
    credit: str = "",
    note: str = "",
) -> Figure:
    """Each token of one photo: above where it looks, below its mask in the colour of its class.

    Args:
        image: (H, W, 3) uint8.
        classes: (Q, K + 1) probabilities, the last of "no object".
        masks: (Q, H, W) probabilities.
        attention: (Q, h, w) shares.
        credit: of the photo.
        note: model and photo, written above.
    """
    count = len(classes)
    if not count or masks.shape != (count, *image.shape[:2]) or len(attention) != count:
        raise UserError("token sheet: classes, masks and attention do not fit the photo")
    bands = -(-count // ACROSS)
    shape = image.shape[0] / image.shape[1]
    text = f"{note} {credit}".strip()
    figure, cells = new_sheet([shape] * (2 * bands), ACROSS, above=0.3, below=0.0, note=text)
    for token in range(count):
        band, column = divmod(token, ACROSS)
        kind = KINDS[int(classes[token].argmax())]
        title = f"{token + 1}: {kind if kind != 'no object' else 'none'}"
        place(cells[2 * band, column], heat(image, attention[token]), title)
        share = f"{classes[token].max():.0%} sure"
        place(cells[2 * band + 1, column], tinted(image, masks[token], kind), share)
    return figure


@styled
def token_classes(table: pd.DataFrame, *, note: str = "") -> Figure:
    """Which class each token stands for, and how much of a photo it paints.

    Args:
        table: a row a token: token (from 0), the mean probability of each of `KINDS`, area (mean
            share of the photo that it paints).
        note: model, data and n, written above.
    """
    require(table, ("token", *KINDS, "area"), "classes of the mask tokens")
    shares = table[list(KINDS)].to_numpy(float)
    figure = new_figure(1.5 + 0.3 * len(table))
    left, right = figure.subplots(1, 2, sharey=True, width_ratios=[2, 1])
    names = [f"token {token + 1}" for token in table["token"]]
    texts = np.vectorize("{:.0%}".format)(shares)
    cells(left, shares, texts, names, KINDS, size=11, turn=0)
    left.set_xlabel("mean probability of the class")
    colours = [CLASS_COLOURS.get(KINDS[column], SOFT) for column in shares.argmax(1)]
    right.barh(np.arange(len(table)) + 0.5, table["area"], color=colours)
    right.set_xlabel("share painted")
    right.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    right.tick_params(length=0)
    return head(figure, note)
