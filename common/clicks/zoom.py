"""A predictor that looks twice: at the photo, then from near at the animal that is clicked.

Shapes: H W the native photo, S the model's square, s the edge of its mask's grid, M points, (x, y)
in pixels of the native photo.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.checkpoint import Card
from common.clicks.obey import obey, only_clicked
from common.clicks.protocol import Found, PhotoPredictor
from common.clicks.settle import REACH, named, settle
from common.clicks.window import View, window
from common.config import UserError
from common.data.geometry import to_input

REMEMBERED = 4  # windows whose features are kept, beside the whole photo's
OUTSIDE = -8.0  # logit of what lies beyond the window
FAR, AGAINST = 0.8, 0.15  # of `settle`, chosen with the robot on the photos from elsewhere


@dataclass
class Looks:
    """A photo and the network's features of those views of it that were needed so far."""

    image: np.ndarray
    features: dict[View, Any] = field(default_factory=dict)

    @property
    def whole(self) -> View:
        """The view of all of it."""
        return View(0, 0, self.image.shape[1], self.image.shape[0])


class ZoomPredictor(PhotoPredictor):
    """Clicks for a model that was trained on one animal among several (`PointUNet.instances`).

    Given no mask, it looks at the whole photo, then at a window round what it found; each later
    click is answered in the window round the mask of before. Where the animal fills the frame,
    there is one look. A region of the mask that nobody clicked on is left out.

    Features of a window are kept while it may be needed again; they follow from the photo alone,
    so that the same clicks always get the same answer.

    Args:
        model: as of `PromptedPredictor`; its mask's grid halves the square.
        card: as `load_checkpoint` returns it; photos are stretched.
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
        looks = Looks(image)
        self._features(looks, looks.whole)
        return looks

    @torch.inference_mode()
    def answer(
        self,
        kept: Looks,
        points: np.ndarray,
        labels: np.ndarray,
        previous: np.ndarray | None,
        several: bool,
    ) -> Found:
        """See the class."""
        shape, whole = kept.image.shape[:2], kept.whole
        if previous is None:
            out, logits, view = self._first(kept, points, labels)
        else:
            before = self._given(previous)
            view = window(before[0, 0].numpy() > 0, points, labels, shape) or whole
            out, logits = self._decode(kept, view, points, labels, before)
        native = only_clicked(self._pasted(logits, view, shape), points, labels)
        self.by_network = native > 0
        native = obey(native, points, labels, max(view.size))
        square = (self.card.size, self.card.size)
        coarse = F.interpolate(torch.from_numpy(native)[None, None], square, mode="area")[0]
        species = named(out["species"][0].float().softmax(0).cpu().numpy())
        score = out["quality"].float().cpu().numpy()
        return Found(native[None], score, coarse.numpy(), species)

    def _first(
        self, looks: Looks, points: np.ndarray, labels: np.ndarray
    ) -> tuple[dict[str, Tensor], Tensor, View]:
        """Two looks that know nothing of one another, and their mean where both see."""
        out, logits = self._decode(looks, looks.whole, points, labels)
        seen = resized(logits, self.card.size)
        view = window(seen[0, 0].numpy() > 0, points, labels, looks.image.shape[:2])
        if view is None:
            return out, logits, looks.whole
        out, near = self._decode(looks, view, points, labels)
        return out, near.lerp(seen_in(seen, view, looks.whole, near.shape[-1]), 0.5), view

    def _features(self, looks: Looks, view: View) -> Any:
        """What the encoder makes of a view."""
        if view not in looks.features:
            part = looks.image[view.top : view.bottom, view.left : view.right]
            square = to_input(np.ascontiguousarray(part), self.card.size)[None].to(self.device)
            square = square.contiguous(memory_format=torch.channels_last)
            looks.features[view] = self.model.encode_image(square)
            if len(looks.features) > REMEMBERED + 1:
                del looks.features[list(looks.features)[1]]  # the oldest but the whole photo
        return looks.features[view]

    def _decode(
        self,
        looks: Looks,
        view: View,
        points: np.ndarray,
        labels: np.ndarray,
        before: Tensor | None = None,
    ) -> tuple[dict[str, Tensor], Tensor]:
        """The model's answer in a view, and its logits (1, 1, s, s), settled with those before.

        Args:
            before: (1, 1, S, S) logits of the whole photo under the clicks but the newest.
        """
        edge = self.card.size
        places, inside = view.on_square(points, edge)
        asked = (
            torch.from_numpy(places)[None],
            torch.from_numpy(np.where(inside, labels, -1))[None],
        )
        given = None if before is None else seen_in(before, view, looks.whole, edge // 2)
        features = self._features(looks, view)
        on_device = (None if x is None else x.to(self.device) for x in (*asked, given))
        out = self.model.decode_clicks(features, *on_device)
        logits = out["mask"].float().cpu()
        if given is not None and len(points) > 1:
            place = (asked[0][0, -1] + 0.5) / edge
            wanted = (logits[0] > given[0]) == bool(labels[-1] == 1)  # it grows, or it shrinks
            weight = torch.where(wanted, self.far, self.against)
            logits = settle(logits[0], given[0], place, self.reach, weight)[None]
        return out, logits

    def _given(self, previous: np.ndarray) -> Tensor:
        if previous.shape != (1, self.card.size, self.card.size):
            raise UserError(
                f"mask_input must be logits that this model returned, not {previous.shape}"
            )
        return torch.from_numpy(previous)[None]

    def _pasted(self, logits: Tensor, view: View, shape: tuple[int, int]) -> np.ndarray:
        """Logits (1, 1, s, s) of a view in the whole photo: (H, W)."""
        inner = F.interpolate(resized(logits, self.card.size), view.size, mode="bilinear")
        if view.size == shape:
            return inner[0, 0].numpy()
        native = np.full(shape, OUTSIDE, np.float32)
        native[view.top : view.bottom, view.left : view.right] = inner[0, 0].numpy()
        return native


def resized(logits: Tensor, edge: int) -> Tensor:
    """Logits (1, 1, s, s) -> (1, 1, edge, edge)."""
    return F.interpolate(logits, (edge, edge), mode="bilinear")


def seen_in(logits: Tensor, view: View, whole: View, edge: int) -> Tensor:
    """What of the whole photo's logits (1, 1, S, S) lies in a view: (1, 1, edge, edge)."""
    if view == whole:
        return F.interpolate(logits, (edge, edge), mode="area")
    height, width = whole.size
    shares = (torch.arange(edge) + 0.5) / edge
    x = (view.left + shares * view.size[1]) / width
    y = (view.top + shares * view.size[0]) / height
    grid = torch.stack(torch.meshgrid(2 * y - 1, 2 * x - 1, indexing="ij")[::-1], -1)[None]
    return F.grid_sample(logits, grid, padding_mode="border", align_corners=False)
