"""What any model answers to clicks, by the names of `SamPredictor`, and the checks they share.

Shapes: H W the native photo, C masks, h w their coarse grid, M points. Points are (x, y) in pixels
of the native photo; labels are 1 the pet, 0 not the pet.
"""

from typing import Any, NamedTuple, Protocol

import numpy as np

from common.clicks.prompts import check_points
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
        mask_input: np.ndarray | None = None,
        multimask_output: bool = False,
        return_logits: bool = False,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The pet's mask under some clicks.

        Args:
            point_coords: (M, 2); none at all is fine.
            point_labels: (M,).
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
        mask_input: np.ndarray | None = None,
        multimask_output: bool = False,
        return_logits: bool = False,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """See `Predictor`."""
        if self._shape is None:
            raise UserError("no photo is set; call set_image first")
        if (point_coords is None) != (point_labels is None):
            raise UserError("point_coords and point_labels belong together: give both or neither")
        if point_coords is None or point_labels is None:
            point_coords, point_labels = np.empty((0, 2)), np.empty(0)
        points, labels = check_points(point_coords, point_labels, self._shape)
        previous = None if mask_input is None else check_logits(mask_input)
        found = self.answer(self._kept, points, labels, previous, multimask_output)
        self._species, self._last = found.species, (points, labels, found)
        masks = found.logits if return_logits else found.logits > 0
        return masks, found.scores, found.coarse

    def refine(self) -> np.ndarray:
        """See `Predictor`."""
        if self._last is None:
            raise UserError("there is no mask to refine; call predict first")
        return self.refined(self._kept, *self._last)


def as_rgb(image: np.ndarray, image_format: str) -> np.ndarray:
    """A photo (H, W, 3) uint8 with its channels in the order RGB.

    Raises:
        UserError: it has another shape or type, or no pixel.
    """
    if image_format not in ("RGB", "BGR"):
        raise UserError(f"image_format {image_format!r} is unknown; choose RGB or BGR")
    image = np.asarray(image)
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise UserError(
            f"a photo is (H, W, 3) uint8, not {image.shape} {image.dtype}; "
            "common.data.photos.read_photo makes one of any file"
        )
    return np.ascontiguousarray(image[..., ::-1] if image_format == "BGR" else image)


def check_logits(mask_input: np.ndarray) -> np.ndarray:
    """Logits of an earlier call as (1, h, w) float32; `UserError` if they cannot be that."""
    given = np.asarray(mask_input, np.float32)
    if given.ndim != 3 or len(given) != 1 or not np.isfinite(given).all():
        raise UserError(
            f"mask_input must be logits (1, h, w) that predict returned, not {given.shape}"
        )
    return given
