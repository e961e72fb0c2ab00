"""From a photo of any size to class probabilities at that size."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from common.checkpoint import Card
from common.data.geometry import fit_photo, unfit

VERSION = 1  # raise it when the same network would answer otherwise


@torch.inference_mode()
def predict_probabilities(
    model: nn.Module, card: Card, images: Sequence[np.ndarray]
) -> list[Tensor]:
    """Class probabilities of photos of any size, in one pass of the network.

    The scores are brought to the photo's own size before the softmax and the arg-max, so that
    every pixel of the photo is judged (`PROTOCOL`: native size).

    Args:
        model: a network in evaluation mode.
        card: tells the square it takes.
        images: (H, W, 3) uint8 RGB each.

    Returns:
        A (3, H, W) float32 tensor for each photo.
    """
    device = next(model.parameters()).device
    squares = np.stack([fit_photo(image, card.size, card.fit) for image in images])
    batch = torch.from_numpy(squares).to(device).permute(0, 3, 1, 2).float() / 255  # channels last
    scores = model(batch).float().cpu()
    return [
        unfit(score, *image.shape[:2], card.fit).softmax(0)
        for score, image in zip(scores, images, strict=True)
    ]


def predict_mask(model: nn.Module, card: Card, image: np.ndarray) -> np.ndarray:
    """The likeliest class of every pixel: (H, W) uint8 of 0 background, 1 cat, 2 dog."""
    return predict_probabilities(model, card, [image])[0].argmax(0).to(torch.uint8).numpy()
