"""Segment Anything (Kirillov et al. 2023) behind the same `Predictor`, for comparison.

Neither its package nor its weights belong to the project: both are asked for only here. Where they
are, commands and the click canvas take ``sam_vit_b`` (…_l, …_h) for a model's name, and the
environment variable `CHECKPOINT` says where the file of its published weights is.
"""

import os
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch

from common.clicks.looks import coarsened
from common.clicks.prompts import Box
from common.clicks.protocol import Found, PhotoPredictor, Predictor
from common.clicks.window import OUTSIDE
from common.config import UserError, user_path

WEIGHTS = {  # as they are named where they are published
    "vit_b": "sam_vit_b_01ec64.pth",
    "vit_l": "sam_vit_l_0b3195.pth",
    "vit_h": "sam_vit_h_4b8939.pth",
}
CHECKPOINT = "SAM_CHECKPOINT"
SOURCE = "github.com/facebookresearch/segment-anything, under Model Checkpoints"


def sam_weights(name: str | Path) -> tuple[str, Path] | None:
    """Size and file of the SAM that a model's name asks for; None if it is no SAM's.

    Raises:
        UserError: `CHECKPOINT` does not say where the file is.
    """
    size = str(name).removeprefix("sam_")
    if str(name) == size or size not in WEIGHTS:
        return None
    if not (file := os.environ.get(CHECKPOINT)):
        raise UserError(f"{name}: set {CHECKPOINT} to the file {WEIGHTS[size]} of {SOURCE}")
    return size, user_path(file)


def available_sam() -> str | None:
    """The name of the SAM whose package and published file are here, or None."""
    file = user_path(os.environ.get(CHECKPOINT, ""))
    if not file.is_file() or find_spec("segment_anything") is None:
        return None
    return next((f"sam_{size}" for size, known in WEIGHTS.items() if known == file.name), None)


def missing_sam() -> dict[str, str]:
    """How to get those that are not here, a line each, by their names."""
    if available_sam():
        return {}
    how = f"pip install segment-anything-py, and set {CHECKPOINT} to {WEIGHTS['vit_b']}"
    return {"SAM": how, "SAM 2": "this project has no adapter for it"}


def sam_predictor(size: str, checkpoint: str | Path) -> Predictor:
    """SAM as a predictor; it answers with three masks where ``multimask_output`` asks for them.

    Args:
        size: of its encoder: "vit_b", "vit_l" or "vit_h".
        checkpoint: file of the published weights.

    Raises:
        UserError: the package or the file is missing, or the file is not of that size.
    """
    if size not in WEIGHTS:
        raise UserError(f"SAM {size!r} is unknown; choose one of {', '.join(WEIGHTS)}")
    try:
        package = import_module("segment_anything")
    except ImportError:
        raise UserError(
            "SAM needs the package segment_anything: pip install segment-anything-py"
        ) from None
    network = package.sam_model_registry[size](checkpoint=None)
    network.load_state_dict(_weights(network, size, Path(checkpoint)))
    return SamAdapter(package.SamPredictor(network.eval()))


def _weights(network: torch.nn.Module, size: str, file: Path) -> dict[str, torch.Tensor]:
    """The tensors of a checkpoint that fits a network; unlike the package, nothing unpickled."""
    if not file.is_file():
        raise UserError(f"{file}: no such file; SAM needs {WEIGHTS[size]} of {SOURCE}")
    try:
        tensors = torch.load(file, map_location="cpu", weights_only=True)
        shapes = {name: value.shape for name, value in tensors.items()}
    except Exception as error:  # torch, zipfile and pickle each raise their own
        lines = str(error).splitlines() or [type(error).__name__]
        raise UserError(f"{file}: damaged ({lines[0][:120]}); fetch it again") from None
    if shapes != {name: value.shape for name, value in network.state_dict().items()}:
        raise UserError(f"{file}: not the weights of SAM {size}; it needs {WEIGHTS[size]}")
    return tensors


class SamAdapter(PhotoPredictor):
    """A `SamPredictor` that checks what it is given. It does not tell species.

    Args:
        sam: a `segment_anything.SamPredictor`.
    """

    def __init__(self, sam: Any) -> None:
        self.sam = sam
        super().__init__()

    def reset_image(self) -> None:
        """See `Predictor`."""
        super().reset_image()
        self.sam.reset_image()

    def look(self, image: np.ndarray) -> None:
        """Embed a photo; SAM's own predictor keeps it.

        Raises:
            UserError: the photo is so thin that nothing of it would be left at SAM's size.
        """
        edge, (height, width) = self.sam.transform.target_length, image.shape[:2]
        if 0 in self.sam.transform.get_preprocess_shape(height, width, edge):
            raise UserError(
                f"a photo of {width}×{height} pixels is too thin for SAM, which brings its longer "
                f"side to {edge}; crop it"
            )
        self.sam.set_image(image, "RGB")

    def answer(
        self,
        kept: None,
        points: np.ndarray,
        labels: np.ndarray,
        previous: np.ndarray | None,
        several: bool,
    ) -> Found:
        """Ask SAM; its prompt encoder takes no empty list of points."""
        return self._asked(points, labels, previous, several)

    def hints(self, box: Box, shape: tuple[int, int]) -> tuple[np.ndarray, np.ndarray]:
        """None: SAM was trained on boxes."""
        return np.empty((0, 2), np.float32), np.empty(0, np.int64)

    def answer_in(
        self,
        kept: None,
        points: np.ndarray,
        labels: np.ndarray,
        previous: np.ndarray | None,
        box: Box,
    ) -> Found:
        """Ask SAM, of the box too."""
        return self._asked(points, labels, previous, False, np.array(box))

    def mask_input(self, logits: np.ndarray) -> np.ndarray:
        """See `Predictor`; the photo lies in the upper left corner of SAM's square."""
        (grid, _), edge = self.sam.model.prompt_encoder.mask_input_size, max(logits.shape)
        square = np.full((edge, edge), OUTSIDE, np.float32)
        square[: logits.shape[0], : logits.shape[1]] = logits
        return coarsened(square, grid)

    def _asked(
        self,
        points: np.ndarray,
        labels: np.ndarray,
        previous: np.ndarray | None,
        several: bool,
        box: np.ndarray | None = None,
    ) -> Found:
        grid = tuple(self.sam.model.prompt_encoder.mask_input_size)
        if previous is not None and previous.shape[1:] != grid:
            raise UserError(
                f"mask_input must be logits (1, {grid[0]}, {grid[1]}) that SAM returned, "
                f"not {previous.shape}"
            )
        some = len(points) > 0
        logits, scores, coarse = self.sam.predict(
            point_coords=points if some else None,
            point_labels=labels if some else None,
            box=box,
            mask_input=previous,
            multimask_output=several,
            return_logits=True,
        )
        scores = scores.clip(0, 1)  # an IoU that a layer without bounds guesses
        return Found(logits, scores.astype(np.float32), coarse, None)
