"""What a network sees of a photo and of parts of it, and logits carried from one to the other.

Shapes: H W the native photo, S the model's square, s the edge of its mask's grid.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from common.clicks.prompts import Box
from common.clicks.window import OUTSIDE, View, part
from common.data.geometry import to_input

REMEMBERED = 4  # windows whose features are kept, beside the whole photo's


Answer = tuple[dict[str, Tensor], Tensor]  # what a network said, its mask's logits (1, 1, s, s)


@dataclass
class Looks:
    """A photo, and what a network saw in those views of it that were needed so far.

    Attributes:
        image: the photo, no larger than it is looked at.
        shape: its height and width before that.
        model: the network; see `ZoomPredictor`.
        size, device: S, and where squares have to be.
        other: the same photo for another network, if there is one.
    """

    image: np.ndarray
    shape: tuple[int, int]
    model: Any
    size: int
    device: torch.device
    other: Looks | None = None
    features: dict[View, Any] = field(default_factory=dict)
    classes: dict[View, Tensor] = field(default_factory=dict)

    @property
    def whole(self) -> View:
        """The view of all of it."""
        return View(0, 0, self.image.shape[1], self.image.shape[0])

    def seen(self, points: np.ndarray) -> np.ndarray:
        """Points (M, 2) of the photo in the image."""
        return points * np.divide(self.image.shape[1::-1], self.shape[::-1])

    def seen_box(self, box: Box) -> Box:
        """A box of the photo in the image."""
        (x0, y0), (x1, y1) = self.seen(np.reshape(box, (2, 2)))
        return x0, y0, x1, y1

    @cached_property
    def unasked(self) -> Answer:
        """The answer of the whole photo to no click at all."""
        return self.answer(self.whole, np.zeros((0, 2)), np.zeros(0, int))

    def at(self, view: View) -> Any:
        """The network's features of a view."""
        return self._kept(self.features, view, self.model.features)

    def classes_at(self, view: View) -> Tensor:
        """What the network's classifier says of a view."""
        return self._kept(self.classes, view, self.model.classes)

    def _kept(self, known: dict[View, Any], view: View, see: Callable[[Tensor], Any]) -> Any:
        if view not in known:
            shown = np.ascontiguousarray(part(self.image, view))
            square = to_input(shown, self.size)[None].to(self.device)
            known[view] = see(square.contiguous(memory_format=torch.channels_last))
            if len(known) > REMEMBERED + 1:
                del known[list(known)[1]]  # the oldest but one: the whole photo's stay
        return known[view]

    def answer(
        self, view: View, points: np.ndarray, labels: np.ndarray, given: Tensor | None = None
    ) -> Answer:
        """What clicks (M, 2), labels (M,) and the logits (1, 1, s, s) of before give in a view."""
        places, inside = view.on_square(points, self.size)
        kinds = torch.from_numpy(np.where(inside, labels, -1))[None]
        asked = torch.from_numpy(places)[None], kinds, given
        on_device = (None if x is None else x.to(self.device) for x in asked)
        out = self.model.decode_clicks(self.at(view), *on_device)
        return out, out["mask"].float().cpu()


def coarsened(logits: np.ndarray, edge: int) -> np.ndarray:
    """Logits (H, W) as means on a grid: (1, edge, edge)."""
    return F.interpolate(torch.from_numpy(logits)[None, None], (edge, edge), mode="area")[
        0
    ].numpy()


def resized(logits: Tensor, edge: int) -> Tensor:
    """Logits (1, 1, s, s) -> (1, 1, edge, edge)."""
    return F.interpolate(logits, (edge, edge), mode="bilinear")


def seen_in(logits: Tensor, view: View, whole: View, edge: int) -> Tensor:
    """What of the whole photo's logits (1, 1, S, S) lies in a view: (1, 1, edge, edge)."""
    if view == whole:
        return F.interpolate(logits, (edge, edge), mode="area")
    place = (view.left, view.top, *view.size[::-1], *whole.size[::-1])
    return seen_at(logits, torch.tensor(place, dtype=torch.float32), edge)


def seen_at(logits: Tensor, place: Tensor, edge: int) -> Tensor:
    """`seen_in` with the view as a tensor: left, top, its width and height, and the photo's."""
    left, top, across, down, width, height = place
    shares = (torch.arange(edge) + 0.5) / edge
    x = (left + shares * across) / width
    y = (top + shares * down) / height
    grid = torch.stack(torch.meshgrid(2 * y - 1, 2 * x - 1, indexing="ij")[::-1], -1)[None]
    return F.grid_sample(logits, grid, padding_mode="border", align_corners=False)


def resampled(logits: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Logits (H, W) at another size; the same array where it is theirs."""
    if logits.shape == size:
        return logits
    whole = torch.from_numpy(logits)[None, None]
    return F.interpolate(whole, size, mode="bilinear", antialias=True)[0, 0].numpy()


def at_size(logits: Tensor, view: View, edge: int) -> np.ndarray:
    """Logits (1, 1, s, s) of a view in the photo's pixels, by way of the model's square."""
    return F.interpolate(resized(logits, edge), view.size, mode="bilinear")[0, 0].numpy()


def pasted(logits: Tensor, view: View, shape: tuple[int, int], edge: int) -> np.ndarray:
    """Logits (1, 1, s, s) of a view in the whole photo: (H, W)."""
    inner = at_size(logits, view, edge)
    if view.size == shape:
        return inner
    native = np.full(shape, OUTSIDE, np.float32)
    part(native, view)[:] = inner
    return native
