"""Any checkpoint behind one `Predictor`: it may have been trained on clicks or know none.

Shapes: H W the native photo, S the model's square, h w the grid of its mask, M points, (x, y) in
pixels of the native photo.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from skimage.measure import label
from torch import Tensor, nn

from common.checkpoint import Card, check_segments, load_checkpoint
from common.clicks.boxes import box_clicks
from common.clicks.looks import coarsened
from common.clicks.obey import obey
from common.clicks.prompts import Box, to_rows_columns
from common.clicks.protocol import Found, PhotoPredictor, Predictor
from common.clicks.sam import sam_predictor, sam_weights
from common.clicks.settle import FAR, REACH, named, settle
from common.clicks.window import OUTSIDE
from common.clicks.zoom import ZoomPredictor
from common.config import UserError
from common.data.geometry import fit_points, inner_box, to_input, unfit
from common.inference import predict_probabilities
from common.models.folding import folded
from common.models.point.grid import GRID

__all__ = [
    "FAR",
    "REACH",
    "Predictor",
    "PromptedPredictor",
    "RegionPredictor",
    "load_predictor",
    "predictor_of",
    "settle",
]
VERSION = 2  # raise it when the same clicks would get another answer
PORTRAIT = "point_unet_single"  # beside a network of several animals
TINY = 1e-12


def load_predictor(name_or_path: str | Path) -> Predictor:
    """The predictor of a committed checkpoint (a bare name), of any (its path), or of a SAM."""
    if sam := sam_weights(name_or_path):
        return sam_predictor(*sam)
    return predictor_of(*load_checkpoint(name_or_path))


def predictor_of(model: nn.Module, card: Card) -> Predictor:
    """The predictor that suits a network: it looks twice, once, or knows no clicks."""
    check_segments(card)
    model = folded(model)
    if getattr(model, "instances", False):
        return ZoomPredictor(model, card, _portrait(card))
    if hasattr(model, "decode_clicks"):
        return PromptedPredictor(model, card)
    return RegionPredictor(model, card)


def _portrait(card: Card) -> nn.Module | None:
    """The network of single animals, if photos are brought to the same square for it."""
    other, its = load_checkpoint(PORTRAIT)
    return folded(other) if (its.size, its.fit) == (card.size, card.fit) else None


class RegionPredictor(PhotoPredictor):
    """Clicks for a model that knows none: they choose among the regions that it found.

    A region is pet pixels of one class that touch, be it at a corner. The mask is the regions
    under positive clicks, or all of them where there is no such click, without those under
    negative ones; its score is the mean confidence in its pixels, 0 if it has none. Logits are
    the log-odds of the likelier species against the background, made negative outside the mask;
    those of an earlier call are of no use to it.

    Args:
        model, card: as `load_checkpoint` returns them.
    """

    def __init__(self, model: nn.Module, card: Card) -> None:
        super().__init__()
        self.model, self.card = model.eval(), card

    def look(self, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Class probabilities (3, H, W) of a photo, and its regions (H, W), numbered from 1."""
        probabilities = predict_probabilities(self.model, self.card, [image])[0].numpy()
        return probabilities, label(probabilities.argmax(0), background=0, connectivity=2)

    def hints(self, box: Box, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """Those inside: a corner beside the box may well hit the same region."""
        points, labels = box_clicks(box, shape)
        return points[labels == 1], labels[labels == 1]

    def answer(
        self,
        kept: tuple[np.ndarray, np.ndarray],
        points: np.ndarray,
        labels: np.ndarray,
        previous: np.ndarray | None,
        several: bool,
    ) -> Found:
        """See the class."""
        probabilities, numbers = kept
        under = numbers[to_rows_columns(points)]  # (M,)
        wanted = under[labels == 1] if labels.any() else np.unique(numbers)
        mask = np.isin(numbers, np.setdiff1d(wanted, [0, *under[labels == 0]]))
        odds = np.log(probabilities[1:].max(0).clip(TINY) / probabilities[0].clip(TINY))
        logits = np.where(mask, odds, -np.abs(odds))[None]  # (1, H, W)
        square = (self.card.size, self.card.size)
        coarse = F.interpolate(torch.from_numpy(logits)[None], square, mode="area")[0].numpy()
        inside = probabilities[:, mask]  # (3, pixels)
        score = inside.max(0).mean() if mask.any() else 0.0
        species = named(inside[1:].sum(1)) if mask.any() else None
        return Found(logits, np.array([score], np.float32), coarse, species)


class PromptedPredictor(PhotoPredictor):
    """Clicks for a model that was trained on them: a photo is encoded once, each click decoded.

    Nothing is kept from one call to the next: the earlier mask counts where it is passed back.

    Args:
        model: has ``encode_image(image (B, 3, S, S)) -> features`` and ``decode_clicks(features,
            points (B, M, 2) in pixels of the square, labels (B, M), previous (B, 1, h, w) or
            None)``, which returns ``mask`` (B, 1, h, w) logits on a grid that covers the square,
            ``quality`` (B,) in [0, 1] and ``species`` (B, 2) logits.
        card: as `load_checkpoint` returns it.
        reach: of `settle`; infinite takes every answer as it is.
        obeying: whether `obey` comes last; a study of networks does without.

    Attributes:
        by_network: (H, W) bool, the last mask before `obey`.
    """

    def __init__(
        self, model: nn.Module, card: Card, reach: float = REACH, obeying: bool = True
    ) -> None:
        super().__init__()
        self.model: Any = model.eval()
        self.card, self.reach, self.obeying = card, reach, obeying
        self.device = next(model.parameters()).device
        self.by_network: np.ndarray | None = None

    @torch.inference_mode()
    def look(self, image: np.ndarray) -> tuple[object, tuple[int, int]]:
        """The model's features of a photo, and its shape (H, W)."""
        square = to_input(image, self.card.size, self.card.fit)[None].to(self.device)
        features = self.model.encode_image(square.contiguous(memory_format=torch.channels_last))
        return features, image.shape[:2]

    @torch.inference_mode()
    def answer(
        self,
        kept: tuple[object, tuple[int, int]],
        points: np.ndarray,
        labels: np.ndarray,
        previous: np.ndarray | None,
        several: bool,
    ) -> Found:
        """See the class."""
        features, shape = kept
        pixels = np.floor(points)  # a click means a pixel, wherever it fell in it
        on_square = fit_points(pixels, *shape, self.card.size, self.card.fit)
        given = None if previous is None else torch.from_numpy(previous)[None].to(self.device)
        batch = (torch.from_numpy(array)[None].to(self.device) for array in (on_square, labels))
        try:
            out = self.model.decode_clicks(features, *batch, given)
        except RuntimeError as error:
            if previous is None:
                raise
            raise UserError(
                f"mask_input must be logits that this model returned, not {previous.shape}"
            ) from error
        coarse = out["mask"][0].float()  # (1, h, w)
        if given is not None and len(points) > 1:  # the first click may change everything
            place = (torch.from_numpy(on_square[-1]).to(coarse) + 0.5) / self.card.size
            coarse = settle(coarse, given[0].to(coarse), place, self.reach)
        coarse = coarse.cpu()
        native = unfit(self._on_square(coarse), *shape, self.card.fit)[0].numpy()
        self.by_network = native > 0
        if self.obeying:
            native = obey(native, points, labels, max(shape))
        logits = native[None]
        species = named(out["species"][0].float().softmax(0).cpu().numpy())
        return Found(logits, out["quality"].float().cpu().numpy(), coarse.numpy(), species)

    def mask_input(self, logits: np.ndarray) -> np.ndarray:
        """See `Predictor`; a margin round the photo, where the square has one, is ground."""
        size, (height, width) = self.card.size, logits.shape
        top, left, height, width = inner_box(height, width, size, self.card.fit)
        square = np.full((size, size), OUTSIDE, np.float32)
        inner = torch.from_numpy(logits)[None, None]
        part = F.interpolate(inner, (height, width), mode="area")[0, 0].numpy()
        square[top : top + height, left : left + width] = part
        return coarsened(square, size // GRID)

    def _on_square(self, coarse: Tensor) -> Tensor:
        """Logits (1, h, w) at the size of the model's square (1, S, S), as in its training."""
        size, (height, width) = self.card.size, coarse.shape[1:]
        if height != width or size % width:
            raise UserError(
                f"a mask of {height}×{width} does not cover the model's square of {size} pixels; "
                "train it at a size that its strides divide"
            )
        return F.interpolate(coarse[None], (size, size), mode="bilinear", align_corners=False)[0]
