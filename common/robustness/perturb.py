"""The eight perturbations of `PROTOCOL`, ten levels each, on the native photo.

Each is a pure function of the photo, the amount and a random generator. Arithmetic is done in
floating point; the result is rounded to the nearest integer (halves to the even one) and clipped
to 0 … 255 once, at the end. Level 0 is the photo itself. A photo's random numbers do not depend
on the level: more noise is the same noise, larger, and a pixel that turned white stays white.

Shapes: H W pixels of the native photo.
"""

import math
import zlib
from collections.abc import Callable, Sequence

import numpy as np
from scipy.ndimage import convolve1d
from skimage.util import random_noise

from common.config import UserError

Damage = Callable[[np.ndarray, float, np.random.Generator], np.ndarray]


VERSION = 1  # raise it when a photo would be perturbed in another way


def gaussian_noise(photo: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Add normal noise of standard deviation ``sigma`` (0 to 255) to each value on its own."""
    return to_uint8(photo + sigma * rng.standard_normal(photo.shape))


def gaussian_blur(photo: np.ndarray, times: float, rng: np.random.Generator) -> np.ndarray:
    """Apply the kernel [1 2 1; 2 4 2; 1 2 1] / 16 so many ``times``; the frame is mirrored.

    That is one row of binomial coefficients of order 2·times, once down and once across.
    """
    order = 2 * int(times)
    row = np.array([math.comb(order, k) for k in range(order + 1)], float) / 2**order
    blurred = convolve1d(photo.astype(float), row, axis=0, mode="reflect")
    return to_uint8(convolve1d(blurred, row, axis=1, mode="reflect"))


def scale_values(photo: np.ndarray, factor: float, rng: np.random.Generator) -> np.ndarray:
    """Multiply each value by ``factor``: the protocol's contrast."""
    return to_uint8(photo * float(factor))


def shift_values(photo: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Add ``amount`` to each value: the protocol's brightness."""
    return to_uint8(photo + float(amount))


def black_square(photo: np.ndarray, edge: float, rng: np.random.Generator) -> np.ndarray:
    """Black out a square of ``edge`` pixels, wholly in the photo (or all of a smaller photo)."""
    height, width = photo.shape[:2]
    place = rng.random(2)  # drawn before the edge counts, so that squares of all edges are near
    h, w = min(int(edge), height), min(int(edge), width)
    top, left = (place * (height - h + 1, width - w + 1)).astype(int)
    out = photo.copy()
    out[top : top + h, left : left + w] = 0
    return out


def salt_and_pepper(photo: np.ndarray, amount: float, rng: np.random.Generator) -> np.ndarray:
    """Set a share of the values to 0 or 255, as scikit-image does it: each value on its own.

    A pixel has three values, so 1 - (1 - amount)³ of the pixels lose something.
    """
    return to_uint8(255 * random_noise(photo, mode="s&p", rng=rng, amount=amount))


PERTURBATIONS: dict[str, tuple[Damage, tuple[float, ...]]] = {  # what is done, and how much
    "gaussian_noise": (gaussian_noise, tuple(range(0, 20, 2))),
    "gaussian_blur": (gaussian_blur, tuple(range(10))),
    "contrast_up": (scale_values, (1, 1.01, 1.02, 1.03, 1.04, 1.05, 1.1, 1.15, 1.2, 1.25)),
    "contrast_down": (scale_values, (1, 0.95, 0.9, 0.85, 0.8, 0.6, 0.4, 0.3, 0.2, 0.1)),
    "brightness_up": (shift_values, tuple(range(0, 50, 5))),
    "brightness_down": (shift_values, tuple(range(0, -50, -5))),
    "black_square": (black_square, tuple(range(0, 50, 5))),
    "salt_and_pepper": (salt_and_pepper, tuple(step / 50 for step in range(10))),
}
LEVELS = 10  # of each, the photo itself counted


def perturb(photo: np.ndarray, name: str, level: int, seed: int | Sequence[int] = 0) -> np.ndarray:
    """A photo (H, W, 3) uint8, damaged: an array alike; level 0 is a copy of the photo.

    Args:
        name: one of `PERTURBATIONS`.
        level: 0 … 9.
        seed: of what is random; see `photo_seed`.

    Raises:
        UserError: it is no such photo, perturbation or level.
    """
    if photo.dtype != np.uint8 or photo.ndim != 3 or photo.shape[2] != 3:
        raise UserError(f"a photo is (H, W, 3) uint8, not {photo.shape} {photo.dtype}")
    if name not in PERTURBATIONS:
        known = ", ".join(PERTURBATIONS)
        raise UserError(f"perturbation {name!r} is unknown; choose one of {known}")
    if level not in range(LEVELS):
        raise UserError(f"level {level} is unknown; choose one from 0 to {LEVELS - 1}")
    damage, amounts = PERTURBATIONS[name]
    if level == 0:
        return photo.copy()
    number = list(PERTURBATIONS).index(name)
    rng = np.random.default_rng([*np.atleast_1d(seed), number])
    return damage(photo, amounts[level], rng)


def photo_seed(name: str, seed: int = 0) -> tuple[int, int]:
    """The seed of a photo: every model meets the same pixels, in any order of photos."""
    return seed, zlib.crc32(name.encode())


def to_uint8(values: np.ndarray) -> np.ndarray:
    """Round to the nearest integer and clip to 0 … 255."""
    return np.rint(values).clip(0, 255).astype(np.uint8)
