"""A network of instances begins with the weights of one that knew a single animal a photo.

What is new says nothing at first, so that the two answer alike before the first step.
"""

import torch
from torch import Tensor, nn

from common.models.point.point_unet import PointUNet


def grown(weights: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Tensors for ``network``: those of the smaller one, with zeros for what it lacked.

    Args:
        weights: of a `PointUNet` with fewer maps in its prompt, or fewer levels that attend.
        network: the larger `PointUNet`; tensors that are new and of no last layer stay as drawn.
    """
    own = {name: value.clone() for name, value in network.state_dict().items()}
    for name, value in own.items():
        old = weights.get(name)
        if old is None:
            if name.endswith(LAST):
                value.zero_()
        elif old.shape == value.shape:
            value.copy_(old)
        else:  # a prompt: the new maps come last
            value.zero_()[:, : old.shape[1]] = old
    return own


# what closes an attention or a residual block: with zeros there, its shortcut is all that is left
LAST = (".1.out.weight", ".1.out.bias", ".2.body.6.weight", ".2.body.6.bias")


def fitting(weights: dict[str, Tensor], network: nn.Module) -> dict[str, Tensor]:
    """Tensors for ``network``: those of ``weights`` that have its shapes, else its own."""
    own = network.state_dict()
    return own | {n: w for n, w in weights.items() if n in own and own[n].shape == w.shape}


@torch.no_grad()
def begin_from(network: nn.Module, weights: dict[str, Tensor]) -> None:
    """Load ``weights``; where the network's own is more, or asked for another thing, what fits.

    A larger `PointUNet` is grown; a masked autoencoder with a teacher takes over what one that
    painted pixels has learned, but for the layer that predicts.
    """
    if isinstance(network, PointUNet) and network.instances:
        weights = grown(weights, network)
    elif getattr(network, "teacher", None) is not None:
        weights = fitting(weights, network)
    network.load_state_dict(weights)
