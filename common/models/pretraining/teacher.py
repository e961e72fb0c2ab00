"""What a masked autoencoder may be asked for instead of pixels: what another network says of them.

MVP (Wei et al. 2022) and EVA (Fang et al. 2023) predict CLIP's features; here they are those of an
ImageNet classifier, and the classes that it would name at each place: what a species looks like is
a small part of the features and a large one of the classes. Labels of other photos so have a say;
no photo's own label is seen.

Shapes: B batch, H W pixels, N patches in row-major order, T numbers a patch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.models.layers import HALF, Normalize
from common.models.lite0 import Lite0
from common.models.padding import resize
from common.models.towers import TimmTapsAndClasses
from common.models.weights import fill, packaged_lite0

TAPS = (3, 4)  # of the strides 16 and 32


class ImageNetFeatures(nn.Module):
    """EfficientNet-Lite0's features and classes at each patch, never trained, in no checkpoint.

    Args:
        grid: patches along an edge.

    Attributes:
        width: T.
    """

    def __init__(self, grid: int) -> None:
        super().__init__()
        with torch.device("meta"):  # it draws no random numbers
            net = Lite0()
        fill(net, packaged_lite0(), "Lite0")
        self.normalize = Normalize(HALF, HALF)
        self.tower = TimmTapsAndClasses(net, TAPS)
        self.grid, self.width = grid, sum(self.tower.channels)
        self.requires_grad_(False).eval()

    def train(self, mode: bool = True) -> "ImageNetFeatures":
        return super().train(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """(B, N, T) float32 of photos (B, 3, H, W) in [0, 1].

        At each place, the numbers of each layer have mean 0 and variance 1: no layer is louder.
        """
        maps = [
            resize(x.float(), (self.grid, self.grid)) for x in self.tower(self.normalize(image))
        ]
        places = [x.flatten(2).transpose(1, 2) for x in maps]
        return torch.cat([F.layer_norm(x, x.shape[-1:]) for x in places], -1)
