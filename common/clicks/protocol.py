"""What any model answers to clicks, by the names of `SamPredictor`, and the checks they share.

Shapes: H W the native photo, C masks, h w their coarse grid, M points. Points are (x, y) in pixels
of the native photo; labels are 1 the pet, 0 not the pet.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np

from common.clicks.boxes import box_clicks, grown, leaves, only_inside, unless_denied
from common.clicks.checks import as_rgb, check_box, check_logits, check_points
from common.clicks.obey import obey
from common.clicks.prompts import Box
from common.config import UserError

Species = tuple[str, float]  # "cat" or "dog", and its probability


class Predictor(Protocol):
    """What notebooks, the widget and the evaluation ask of a model."""

    @property
    def is_image_set(self) -> bool:
        """Whether there is a photo to predict on."""

    @property
    def species(self) -> Species | None:
        """The animal in the last mask, where the model tells and there is one."""

    def set_image(self, image: np.ndarray, image_format: str = "RGB") -> None:
        """Take a photo and do all that needs no click.

        Args:
            image: (H, W, 3) uint8.
            image_format: the order of its channels, "RGB" or "BGR".

        Raises:
            UserError: it is no such photo; the one before stays.
        """

    def predict(
        self,
        point_coords: np.ndarray | None = None,
        point_labels: np.ndarray | None = None,
        box: np.ndarray | Box | None = None,
        mask_input: np.ndarray | None = None,
        multimask_output: bool = False,
        return_logits: bool = False,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The pet's mask under some clicks, or in a box.

        Args:
            point_coords: (M, 2); none at all is fine.
            point_labels: (M,).
            box: (4,) x0, y0, x1, y1 round the animal; clicks correct what it gives.
            mask_input: (1, h, w) logits of an earlier call, for models that refine them.
            multimask_output: three masks where the model has three answers (SAM), else one.
            return_logits: masks as float32 logits, above 0 on the pet.

        Returns:
            masks: (C, H, W) bool.
            scores: (C,) float32, how good each mask is likely to be.
            low_res_logits: (C, h, w) float32, to be passed back as ``mask_input``.

        Raises:
            UserError: no photo is set, or a point, label or ``mask_input`` does not do.
        """

    def refine(self) -> np.ndarray:
        """The last mask as float32 logits (H, W), its outline as fine as the model can see it.

        For a user who rests, or for what leaves the tool: it takes longer than a click. Its
        sigmoid is the soft alpha of a cut-out.

        Raises:
            UserError: nothing was predicted on the photo.
        """

    def mask_input(self, logits: np.ndarray) -> np.ndarray:
        """Logits (H, W) of the photo's size as `predict` takes them back: (1, h, w) float32."""

    def reset_image(self) -> None:
        """Forget the photo."""


class Found(NamedTuple):
    """A model's answer: native logits (C, H, W), scores (C,), coarse logits (C, h, w), animal."""

    logits: np.ndarray
    scores: np.ndarray
    coarse: np.ndarray
    species: Species | None


class PhotoPredictor:
    """A `Predictor` whose model sees a photo once, and then answers clicks."""

    def __init__(self) -> None:
        self.reset_image()

    def look(self, image: np.ndarray) -> Any:
        """What to keep of a photo (H, W, 3) uint8 RGB."""
        raise NotImplementedError

    def answer(
        self,
        kept: Any,
        points: np.ndarray,
        labels: np.ndarray,
        previous: np.ndarray | None,
        several: bool,
    ) -> Found:
        """The masks under checked clicks on the photo that `look` saw."""
        raise NotImplementedError

    def hints(self, box: Box, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """The clicks that a box stands for, points (M, 2) and labels (M,)."""
        return box_clicks(box, shape)

    def answer_in(
        self,
        kept: Any,
        points: np.ndarray,
        labels: np.ndarray,
        previous: np.ndarray | None,
        box: Box,
    ) -> Found:
        """The mask under checked clicks, those that a box stands for among them."""
        return self.answer(kept, points, labels, previous, False)

    def mask_input(self, logits: np.ndarray) -> np.ndarray:
        """See `Predictor`; here for models whose answer does not follow from an earlier one."""
        return logits[None]

    def refined(
        self, kept: Any, points: np.ndarray, labels: np.ndarray, last: Found
    ) -> np.ndarray:
        """What `refine` gives after ``last``, which `answer` gave to these clicks."""
        return last.logits[0]

    @property
    def is_image_set(self) -> bool:
        """See `Predictor`."""
        return self._shape is not None

    @property
    def species(self) -> Species | None:
        """See `Predictor`."""
        return self._species

    def reset_image(self) -> None:
        """See `Predictor`."""
        self._kept: Any = None
        self._shape: tuple[int, int] | None = None
        self._species: Species | None = None
        self._last: tuple[np.ndarray, np.ndarray, Found] | None = None
        self._box: Box | None = None  # of the last answer

    def set_image(self, image: np.ndarray, image_format: str = "RGB") -> None:
        """See `Predictor`."""
        image = as_rgb(image, image_format)
        self.reset_image()
        self._kept = self.look(image)
        self._shape = image.shape[:2]

    def predict(
        self,
        point_coords: np.ndarray | None = None,
        point_labels: np.ndarray | None = None,
        box: np.ndarray | Box | None = None,
        mask_input: np.ndarray | None = None,
        multimask_output: bool = False,
        return_logits: bool = False,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `Predictor`.

        A box stands for clicks (`hints`), which come before the user's; nothing beyond it is kept.
        """
        if self._shape is None:
            raise UserError("no photo is set; call set_image first")
        if (point_coords is None) != (point_labels is None):
            raise UserError("point_coords and point_labels belong together: give both or neither")
        if point_coords is None or point_labels is None:
            point_coords, point_labels = np.empty((0, 2)), np.empty(0)
        points, labels = check_points(point_coords, point_labels, self._shape)
        previous = None if mask_input is None else check_logits(mask_input)
        area, asked = None, (points, labels)
        if box is not None:
            area = check_box(box, self._shape)
            asked = unless_denied(area, self.hints(area, self._shape), asked)
        self._box = area if area and not leaves(area, points, labels, self._shape) else None
        if self._box is None:
            found = self.answer(self._kept, *asked, previous, multimask_output)
        else:
            found = self.answer_in(self._kept, *asked, previous, self._box)
            inside = only_inside(found.logits[0], self._box)
            edge = max(grown(self._box, self._shape).size)
            found = found._replace(logits=obey(inside, points, labels, edge)[None])
        self._species, self._last = found.species, (*asked, found)
        masks = found.logits if return_logits else found.logits > 0
        return masks, found.scores, found.coarse

    def refine(self) -> np.ndarray:
        """See `Predictor`."""
        if self._last is None:
            raise UserError("there is no mask to refine; call predict first")
        fine = self.refined(self._kept, *self._last)
        return fine if self._box is None else only_inside(fine, self._box)
