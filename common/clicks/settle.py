"""How an answer follows from the network's newest one and the one before, and what it is called.

Shapes: h w the grid of the network's mask.
"""

import numpy as np
import torch
from torch import Tensor

from common.clicks.protocol import Species
from common.config import CLASSES

REACH = 6 / 128  # of the mask's edge: how far a click's word is taken at once; and elsewhere
FAR = 0.35  # the weight of the new mask: both chosen with the robot on 240 validation photos


def named(weights: np.ndarray) -> Species:
    """Weights (2,) of cat and dog -> the heavier one's name and share."""
    which = int(weights.argmax())
    return CLASSES[1 + which], float(weights[which] / weights.sum())


def settle(
    new: Tensor, before: Tensor, place: Tensor, reach: float, far: float | Tensor = FAR
) -> Tensor:
    """Mask logits that follow the newest click at its place, and elsewhere move towards it.

    A click is about the spot that it hits. Far from it, the new logits are averaged with those of
    before: a part of the mask goes at once only where the doubt is (1 - far) / far times as sure
    as the mask was, else after another one, so that mending one ear does not cost the other.

    Args:
        new, before: (1, h, w) logits after and before the click.
        place: (2,) x and y of the click as shares of the width and height.
        reach: distance, as a share of the edge, over which the new logits' weight falls from 1
            towards ``far``, as a Gaussian.
        far: weight of the new logits at a distance, one or (1, h, w).
    """
    height, width = new.shape[1:]
    x = (torch.arange(width, device=new.device) + 0.5) / width - place[0]
    y = (torch.arange(height, device=new.device) + 0.5) / height - place[1]
    near = torch.exp(-(x**2 + y[:, None] ** 2) / reach**2)  # (h, w)
    return before.lerp(new, far + (1 - far) * near)


def after_click(
    new: Tensor,
    before: Tensor,
    place: Tensor,
    positive: bool | Tensor,
    reach: float,
    weights: tuple[float, float],
) -> Tensor:
    """`settle` with two weights at a distance: of what the newest click asks for, and of the rest.

    Args:
        positive: whether that click asks for a mask that grows, or for one that shrinks.
    """
    wanted = (new > before) == positive
    return settle(new, before, place, reach, torch.where(wanted, *weights))
