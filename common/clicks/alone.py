"""Where a network clicks by itself when nobody has: on the animal that it found, if that is one.

Shapes: H W pixels of the photo, S the edge of the model's square.
"""

import numpy as np
from skimage.measure import label as regions

from common.clicks.robot import centre

ALONE = 0.6  # of what is found: a region that large is the only animal, if in pieces


def only_animal(logits: np.ndarray, image: np.ndarray) -> np.ndarray | None:
    """Where to click on what was found without a click: its deepest point (1, 2), in the photo.

    Args:
        logits: (S, S).
        image: (H, W, 3).

    Returns:
        None where there is nothing, or no single animal.
    """
    numbers = regions(logits > 0, connectivity=2)
    areas = np.bincount(numbers.ravel())[1:]
    if not areas.size or areas.max() < ALONE * areas.sum():
        return None
    largest = (numbers == areas.argmax() + 1).astype(np.uint8)
    deepest = centre(largest)
    scale = np.array(image.shape[1::-1]) / logits.shape[::-1]
    return (np.array([[deepest.x, deepest.y]]) + 0.5) * scale - 0.5
