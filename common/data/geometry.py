"""From a photo of any shape to the model's square and back: stretch or letterbox."""

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from common.config import IGNORE

VERSION = 1  # raise it when a photo or an answer is brought to its size in another way
PAD_GREY = 128  # of the letterbox's bars


def inner_box(height: int, width: int, size: int, fit: str) -> tuple[int, int, int, int]:
    """Where a photo lies inside the square: (top, left, height, width) in pixels."""
    if fit == "stretch":
        return 0, 0, size, size
    scale = size / max(height, width)
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    return (size - h) // 2, (size - w) // 2, h, w


def fit_photo(image: np.ndarray, size: int, fit: str = "stretch") -> np.ndarray:
    """Photo (H, W, 3) uint8 -> (size, size, 3) uint8, bilinear with antialiasing."""
    return _fit(image, size, fit, Image.Resampling.BILINEAR, PAD_GREY)


def fit_mask(mask: np.ndarray, size: int, fit: str = "stretch") -> np.ndarray:
    """Mask (H, W) uint8 -> (size, size), nearest neighbour: classes are never mixed."""
    return _fit(mask, size, fit, Image.Resampling.NEAREST, IGNORE)


def _fit(
    array: np.ndarray, size: int, fit: str, resample: Image.Resampling, fill: int
) -> np.ndarray:
    height, width = array.shape[:2]
    top, left, h, w = inner_box(height, width, size, fit)
    square = np.full((size, size, *array.shape[2:]), fill, np.uint8)
    small = Image.fromarray(array).resize((w, h), resample, reducing_gap=3.0)
    square[top : top + h, left : left + w] = np.asarray(small)
    return square


def reduced(image: np.ndarray, longest: int) -> np.ndarray:
    """A photo (H, W, 3) uint8 whose longer edge is at most ``longest``; bilinear, antialiased.

    By torch, which takes a fifth of Pillow's time for a large one.
    """
    scale = longest / max(image.shape)
    if scale >= 1:
        return image
    size = [max(1, round(scale * edge)) for edge in image.shape[:2]]
    channels = torch.from_numpy(np.require(image, requirements="W")).permute(2, 0, 1)[None]
    small = F.interpolate(channels, size, mode="bilinear", antialias=True)
    return np.ascontiguousarray(small[0].permute(1, 2, 0).numpy())


def fit_points(
    coords: np.ndarray, height: int, width: int, size: int, fit: str = "stretch"
) -> np.ndarray:
    """Points (M, 2), (x, y) in pixels of a photo -> in pixels of the square, float32.

    Whole numbers are the centres of pixels, here and there, as in `fit_photo` and `unfit`.
    """
    top, left, h, w = inner_box(height, width, size, fit)
    scale, corner = np.array([w / width, h / height]), np.array([left, top])
    return ((np.asarray(coords) + 0.5) * scale - 0.5 + corner).astype(np.float32)


def unfit(scores: Tensor, height: int, width: int, fit: str = "stretch") -> Tensor:
    """Class scores of the square (K, S, S) -> of the photo (K, H, W), bilinear, bars cut off."""
    top, left, h, w = inner_box(height, width, scores.shape[-1], fit)
    inner = scores[None, :, top : top + h, left : left + w].float()
    return F.interpolate(inner, (height, width), mode="bilinear", align_corners=False)[0]


def to_input(image: np.ndarray, size: int, fit: str = "stretch") -> Tensor:
    """Native photo (H, W, 3) uint8 -> what a model takes: (3, size, size) float in [0, 1]."""
    square = torch.from_numpy(fit_photo(image, size, fit))
    return square.permute(2, 0, 1).float() / 255
