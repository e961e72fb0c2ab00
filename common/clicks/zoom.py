"""A predictor that looks twice: at the photo, then from near at the animal that is clicked.

Shapes: H W the native photo, S the model's square, s the edge of its mask's grid, M points, (x, y)
in pixels of the native photo.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor, nn

from common.checkpoint import Card
from common.clicks.alone import only_animal
from common.clicks.boxes import only_inside, round_box
from common.clicks.looks import Looks, at_size, coarsened, pasted, resampled, resized, seen_in
from common.clicks.obey import obey, only_clicked
from common.clicks.outline import followed
from common.clicks.prompts import Box
from common.clicks.protocol import Found, PhotoPredictor
from common.clicks.settle import REACH, named, settle
from common.clicks.window import View, window
from common.config import UserError

FINEST = 1792  # pixels of a photo's longer edge: in its smallest tiles the network sees each
FAR, AGAINST = 0.8, 0.15  # of `settle`, chosen with the robot on the photos from elsewhere


class ZoomPredictor(PhotoPredictor):
    """Clicks for a model that was trained on one animal among several (`PointUNet.instances`).

    Given no mask, it looks at the whole photo, then at a window round what it found or, where the
    animal fills the frame, at the whole photo on a finer grid; each later click is answered in the
    window round the mask of before. A region of the mask that nobody clicked on is left out.
    Without a click, it clicks itself on the animal that it finds, if that is one.

    Features of a window are kept; they follow from the photo alone, so that answers never vary.

    Args:
        model, card: as of `PromptedPredictor`; the grid halves the square, photos are stretched.
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
        reach: float = REACH,
        far: float = FAR,
        against: float = AGAINST,
    ) -> None:
        super().__init__()
        self.model: Any = model.eval()
        self.card, self.reach, self.far, self.against = card, reach, far, against
        self.device = next(model.parameters()).device
        self.by_network: np.ndarray | None = None

    @torch.inference_mode()
    def look(self, image: np.ndarray) -> Looks:
        """The photo with the features of all of it."""
        looks = self._looks(image, self.model.encode_image)
        looks.at(looks.whole)
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
        shape, whole, edge = kept.image.shape[:2], kept.whole, self.card.size
        view = None if box is None else round_box(box, shape) or whole
        if previous is not None:
            before = self._given(previous)
            view = view or window(before[0, 0].numpy() > 0, points, labels, shape) or whole
            given = seen_in(before, view, whole, edge // 2)
            out, logits = self._decode(kept, view, points, labels, given)
            logits = self._settled(logits, given, view, points, labels)
        elif view is not None:
            out, logits = self._decode(kept, view, points, labels)
        else:
            out, logits, view = self._first(kept, points, labels)
        native = only_clicked(pasted(logits, view, shape, edge), points, labels)
        if box is not None:
            native = only_inside(native, box)
        self.by_network = native > 0
        native = obey(native, points, labels, max(view.size))
        species = named(out["species"][0].float().softmax(0).cpu().numpy())
        quality = out["quality"].float().cpu().numpy()
        return Found(native[None], quality, self.mask_input(native), species)

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

    def _looks(self, image: np.ndarray, encode: Callable[[Tensor], Any]) -> Looks:
        return Looks(image, encode, self.card.size, self.device)

    @torch.inference_mode()
    def refined(
        self, kept: Looks, points: np.ndarray, labels: np.ndarray, last: Found
    ) -> np.ndarray:
        """See `PhotoPredictor`: `followed` in the window round the mask, then the last steps.

        What is larger than the network can see in its tiles is followed at that size.
        """
        native, shape = last.logits[0], kept.image.shape[:2]
        scale = min(1.0, FINEST / max(shape))
        size = tuple(max(1, round(scale * edge)) for edge in shape)
        image = np.asarray(Image.fromarray(kept.image).resize(size[::-1], Image.Resampling.BOX))
        aside = self._looks(image, self.model.features)
        fine = self._followed(aside, resampled(native, size), scale * points, labels, last.coarse)
        fine = only_clicked(resampled(fine, shape), points, labels)
        return obey(fine, points, labels, max(shape))

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
            logits = self._decode(looks, tile, points, labels, given)[1]
            return at_size(logits, tile, self.card.size)

        return followed(logits, view, ask)

    def _first(
        self, looks: Looks, points: np.ndarray, labels: np.ndarray
    ) -> tuple[dict[str, Tensor], Tensor, View]:
        """Two looks that know nothing of one another, and their mean where both see.

        The second is from near or, where the animal fills the frame, at the photo on a finer grid.
        """
        out, logits = self._decode(looks, looks.whole, points, labels)
        seen = resized(logits, self.card.size)
        view = window(seen[0, 0].numpy() > 0, points, labels, looks.image.shape[:2])
        if view is None:
            return out, self._finer(looks, seen, points, labels), looks.whole
        out, near = self._decode(looks, view, points, labels)
        return out, near.lerp(seen_in(seen, view, looks.whole, near.shape[-1]), 0.5), view

    def _finer(self, looks: Looks, seen: Tensor, points: np.ndarray, labels: np.ndarray) -> Tensor:
        """The mean of ``seen`` and of what a finer grid shows, unclicked also of a click's own."""
        finer = self._decode(looks.finer, looks.whole, points, labels)[1]
        seen = seen.lerp(resized(finer, self.card.size), 0.5)
        point = None if len(points) else only_animal(seen[0, 0].numpy(), looks.image)
        if point is None:
            return seen
        click = point, np.ones(1, int)
        asked = resized(self._decode(looks, looks.whole, *click)[1], self.card.size)
        return seen.lerp(self._finer(looks, asked, *click), 0.5)

    def _decode(
        self,
        looks: Looks,
        view: View,
        points: np.ndarray,
        labels: np.ndarray,
        given: Tensor | None = None,
    ) -> tuple[dict[str, Tensor], Tensor]:
        """The model's answer in a view, and its logits (1, 1, s, s), given those of before."""
        edge = looks.size
        places, inside = view.on_square(points, edge)
        kinds = torch.from_numpy(np.where(inside, labels, -1))[None]
        asked = torch.from_numpy(places)[None], kinds
        features = looks.at(view)
        on_device = (None if x is None else x.to(self.device) for x in (*asked, given))
        out = self.model.decode_clicks(features, *on_device)
        return out, out["mask"].float().cpu()

    def _settled(
        self, new: Tensor, before: Tensor, view: View, points: np.ndarray, labels: np.ndarray
    ) -> Tensor:
        """Logits (1, 1, s, s) of a view after the newest click, settled with those before it."""
        if len(points) == 1:  # the first may change everything
            return new
        edge = self.card.size
        place = torch.from_numpy((view.on_square(points[-1:], edge)[0][0] + 0.5) / edge)
        wanted = (new[0] > before[0]) == bool(labels[-1] == 1)  # it grows, or it shrinks
        weight = torch.where(wanted, self.far, self.against)
        return settle(new[0], before[0], place, self.reach, weight)[None]

    def _given(self, previous: np.ndarray) -> Tensor:
        if previous.shape != (1, self.card.size, self.card.size):
            raise UserError(
                f"mask_input must be logits that this model returned, not {previous.shape}"
            )
        return torch.from_numpy(previous)[None]
