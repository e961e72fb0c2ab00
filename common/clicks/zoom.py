"""A predictor that looks twice: at the photo, then from near at the animal that is clicked.

Shapes: H W the native photo, S the model's square, s the edge of its mask's grid, M points, (x, y)
in pixels of the native photo.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.checkpoint import Card
from common.clicks.boxes import only_inside, round_box
from common.clicks.first import first_answer
from common.clicks.looks import Looks, at_size, coarsened, pasted, resampled, seen_in
from common.clicks.obey import obey, only_clicked
from common.clicks.outline import followed
from common.clicks.prompts import Box
from common.clicks.protocol import Found, PhotoPredictor, Species
from common.clicks.settle import REACH, after_click, named
from common.clicks.window import View, framed, part, window
from common.config import UserError
from common.data.coco import bounding_box
from common.data.geometry import reduced
from common.models.point.species import cat_or_dog

FINEST = 1792  # pixels of a photo's longer edge: in its smallest tiles the network sees each
ROUND, LEAST = 1.3, 0.1  # edge of what names an animal: over its box, over the photo
FAR, AGAINST = 0.8, 0.15  # of `settle`, chosen with the robot on the photos from elsewhere


class ZoomPredictor(PhotoPredictor):
    """Clicks for a model that was trained on one animal among several (`PointUNet.instances`).

    Given no mask, it looks at the whole photo and at a window round what it found (`first`); each
    later click is answered in the window round the mask of before. A region of the mask that
    nobody clicked on is left out.

    Features of a window are kept; they follow from the photo alone, so that answers never vary.
    A photo is looked at no larger than the network can see it (`FINEST`).

    Args:
        model: has ``features(image (B, 3, S, S))``, ``decode_clicks`` as of `PromptedPredictor`
            and ``classes(image)``, the evidence of `cat_or_dog`; its grid halves the square.
        card: as `load_checkpoint` returns it; photos are stretched.
        portrait: a network of single animals at the same square, for `first`; None does without.
        reach: of `settle`.
        far, against: its weight of what the newest click asks for (a positive one that the mask
            grows), and of what it does not.

    Attributes:
        by_network: (H, W) bool, the last mask before `obey`.
    """

    def __init__(
        self,
        model: nn.Module,
        card: Card,
        portrait: nn.Module | None = None,
        reach: float = REACH,
        far: float = FAR,
        against: float = AGAINST,
    ) -> None:
        super().__init__()
        self.model: Any = model.eval()
        self.portrait: Any = portrait and portrait.eval()
        self.card, self.reach, self.far, self.against = card, reach, far, against
        self.device = next(model.parameters()).device
        self.by_network: np.ndarray | None = None

    @torch.inference_mode()
    def look(self, image: np.ndarray) -> Looks:
        """The photo with both networks' features of all of it."""
        looks = self._looks(image)
        for one in (looks, looks.other):
            _ = one and one.at(looks.whole)
        return looks

    @torch.inference_mode()
    def answer(
        self,
        kept: Looks,
        points: np.ndarray,
        labels: np.ndarray,
        previous: np.ndarray | None,
        several: bool = False,
        box: Box | None = None,
    ) -> Found:
        """See the class; a box says where to look from near, so that there is one look."""
        clicks, points = points, kept.seen(points)
        shape, whole, edge = kept.image.shape[:2], kept.whole, self.card.size
        view = None if box is None else round_box(kept.seen_box(box), shape) or whole
        if previous is not None:
            before = self._given(previous)
            view = view or window(before[0, 0].numpy() > 0, points, labels, shape) or whole
            given = seen_in(before, view, whole, edge // 2)
            out, logits = kept.answer(view, points, labels, given)
            logits = self._settled(logits, given, view, points, labels)
        elif view is not None:
            out, logits = kept.answer(view, points, labels)
        else:
            out, logits, view = first_answer(kept, points, labels)
        mine = only_clicked(pasted(logits, view, shape, edge), points, labels)
        native = resampled(mine, kept.shape)
        if box is not None:
            native = only_inside(native, box)
        self.by_network = native > 0
        native = obey(native, clicks, labels, max(view.size) * kept.shape[0] / shape[0])
        quality = out["quality"].float().cpu().numpy()
        return Found(native[None], quality, self.mask_input(native), self._named(kept, native))

    def answer_in(
        self,
        kept: Looks,
        points: np.ndarray,
        labels: np.ndarray,
        previous: np.ndarray | None,
        box: Box,
    ) -> Found:
        """See `PhotoPredictor`."""
        return self.answer(kept, points, labels, previous, False, box)

    def mask_input(self, logits: np.ndarray) -> np.ndarray:
        """See `Predictor`."""
        return coarsened(logits, self.card.size)

    def _looks(self, image: np.ndarray) -> Looks:
        shape, square = image.shape[:2], (self.card.size, self.device)
        seen = reduced(image, FINEST)
        other = self.portrait and Looks(seen, shape, self.portrait, *square)
        return Looks(seen, shape, self.model, *square, other)

    @torch.inference_mode()
    def refined(
        self, kept: Looks, points: np.ndarray, labels: np.ndarray, last: Found
    ) -> np.ndarray:
        """See `PhotoPredictor`: `followed` in the window round the mask, then the last steps."""
        seen = resampled(last.logits[0], kept.image.shape[:2])
        aside = replace(kept, features={}, classes={})  # tiles would push out the windows kept
        fine = self._followed(aside, seen, kept.seen(points), labels, last.coarse)
        fine = only_clicked(resampled(fine, kept.shape), points, labels)
        return obey(fine, points, labels, max(kept.shape))

    def _followed(
        self,
        looks: Looks,
        logits: np.ndarray,
        points: np.ndarray,
        labels: np.ndarray,
        coarse: np.ndarray,
    ) -> np.ndarray:
        view = window(logits > 0, points, labels, logits.shape) or looks.whole
        before = torch.from_numpy(coarse)[None]

        def ask(tile: View, points: np.ndarray, labels: np.ndarray) -> np.ndarray:
            given = seen_in(before, tile, looks.whole, self.card.size // 2)
            logits = looks.answer(tile, points, labels, given)[1]
            return at_size(logits, tile, self.card.size)

        return followed(logits, view, ask)

    def _named(self, looks: Looks, native: np.ndarray) -> Species:
        """The animal under mask logits (H, W), by a square round it: it fills it, unsqueezed."""
        shape = looks.image.shape[:2]
        seen = resampled(native, shape)
        left, top, width, height = bounding_box(seen > 0)
        low, high = np.array([left, top]), np.array([left + width, top + height])
        view = width and framed(low, high, shape, ROUND, LEAST) or looks.whole
        mask = torch.from_numpy(part(seen, view).copy())[None, None].to(self.device)
        mask = F.interpolate(mask, (self.card.size, self.card.size), mode="area")
        return named(cat_or_dog(looks.classes_at(view), mask)[0].softmax(0).cpu().numpy())

    def _settled(
        self, new: Tensor, before: Tensor, view: View, points: np.ndarray, labels: np.ndarray
    ) -> Tensor:
        """Logits (1, 1, s, s) of a view after the newest click, settled with those before it."""
        if len(points) == 1:  # the first may change everything
            return new
        edge = self.card.size
        place = torch.from_numpy((view.on_square(points[-1:], edge)[0][0] + 0.5) / edge)
        positive, weights = bool(labels[-1] == 1), (self.far, self.against)
        return after_click(new[0], before[0], place, positive, self.reach, weights)[None]

    def _given(self, previous: np.ndarray) -> Tensor:
        if previous.shape != (1, self.card.size, self.card.size):
            raise UserError(
                f"mask_input must be logits that this model returned, not {previous.shape}"
            )
        return torch.from_numpy(previous)[None]
