"""The way down of the point-prompted UNet: a photo's features at every resolution, trained along.

Either EfficientNet-Lite0 from its ImageNet weights, or the custom UNet's residual stages from
scratch.
"""

from torch import nn

from common.config import UserError
from common.models.encoders.encoder import ImageEncoder
from common.models.unet import ResidualPyramid

PYRAMIDS = ("lite0", "residual")


def image_pyramid(name: str, **kwargs) -> nn.Module:
    """An untrained "residual" pyramid, or "lite0" with its ImageNet weights, from stride 2 on."""
    if name not in PYRAMIDS:
        raise UserError(f"encoder {name!r} is unknown; choose one of {', '.join(PYRAMIDS)}")
    if name == "residual":
        return ResidualPyramid(**kwargs)
    return ImageEncoder(name, taps=(0, 1, 2, 3, 4), **kwargs)
