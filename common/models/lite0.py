"""EfficientNet-Lite0 (Tan and Le 2019) by timm's names, in plain torch.

timm's own gives the same numbers and takes longer to import than torch, as it draws in
torchvision's detection and torch's compiler. "Lite" leaves out squeeze-and-excitation and swish.

Shapes: B batch, H W pixels, C_i channels of stage i.
"""

import math
from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

STAGES = (  # repeats, kernel, stride of the first, expansion, channels
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
TAPPED = (1, 2, 3, 5, 7)  # stages that are the last at their resolution
STEM, HEAD, EPS = 32, 1280, 1e-3  # channels; of the norms, TensorFlow's


class SameConv(nn.Conv2d):
    """A strided convolution padded as in TensorFlow: what is odd goes right and below."""

    def forward(self, input: Tensor) -> Tensor:
        edges = zip(input.shape[:-3:-1], self.kernel_size[::-1], self.stride[::-1], strict=True)
        missing = [max(0, (-(-edge // step) - 1) * step + k - edge) for edge, k, step in edges]
        sides = [part for m in missing for part in (m // 2, m - m // 2)]
        return super().forward(F.pad(input, sides))


class NormReLU6(nn.BatchNorm2d):
    """Batch normalisation, then a ReLU up to 6."""

    def forward(self, input: Tensor) -> Tensor:
        return F.relu6(super().forward(input), inplace=True)


def _conv(c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1) -> nn.Conv2d:
    kind, padding = (nn.Conv2d, kernel // 2) if stride == 1 else (SameConv, 0)
    return kind(c_in, c_out, kernel, stride, padding, groups=groups, bias=False)


class Block(nn.Sequential):
    """Widen, look at each channel, narrow (Sandler et al. 2018); a shortcut where shapes fit.

    (B, C_in, H, W) -> (B, C_out, H / stride, W / stride).
    """

    def __init__(self, c_in: int, c_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        wide, self.skip = expansion * c_in, stride == 1 and c_in == c_out
        if expansion > 1:
            self.conv_pw, self.bn1 = _conv(c_in, wide), NormReLU6(wide, EPS)
        self.conv_dw = _conv(wide, wide, kernel, stride, wide)
        setattr(self, "bn2" if expansion > 1 else "bn1", NormReLU6(wide, EPS))
        setattr(self, "conv_pwl" if expansion > 1 else "conv_pw", _conv(wide, c_out))
        setattr(self, "bn3" if expansion > 1 else "bn2", nn.BatchNorm2d(c_out, EPS))

    def forward(self, input: Tensor) -> Tensor:
        found = super().forward(input)
        return found + input if self.skip else found


class Lite0(nn.Sequential):
    """Photo, normalised -> 1000 class scores; with the methods of timm's networks used here.

    Weights are random as in TensorFlow's release.

    Attributes:
        feature_info: of each resolution, channels and pixels of the photo for one of its map.
    """

    num_classes = 1000

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem, self.bn1 = _conv(3, STEM, 3, 2), NormReLU6(STEM, EPS)
        for _ in range(2):  # timm tries out a layer here: random weights are the same as its
            nn.Conv2d(8, 8, 1)
        self.blocks, self.feature_info, c_in, reduction = nn.Sequential(), [], STEM, 2
        for number, (repeats, kernel, stride, expansion, width) in enumerate(STAGES, 1):
            blocks = [Block(c_in, width, kernel, stride, expansion)]
            blocks += [Block(width, width, kernel, 1, expansion) for _ in range(repeats - 1)]
            self.blocks.append(nn.Sequential(*blocks))
            c_in, reduction = width, reduction * stride
            if number in TAPPED:
                self.feature_info.append({"num_chs": width, "reduction": reduction})
        self.conv_head, self.bn2 = _conv(c_in, HEAD), NormReLU6(HEAD, EPS)
        self.classifier = nn.Linear(HEAD, self.num_classes)
        if not self.conv_stem.weight.is_meta:  # there, normal_ would import torch's compiler
            self._init_weights()

    def _init_weights(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                fan_out = math.prod(module.kernel_size) * module.out_channels // module.groups
                nn.init.normal_(module.weight, 0, math.sqrt(2 / fan_out))
        bound = 1 / math.sqrt(self.num_classes)
        nn.init.uniform_(self.classifier.weight, -bound, bound)
        nn.init.zeros_(self.classifier.bias)

    def forward(self, input: Tensor) -> Tensor:
        """Class scores (B, 1000) of photos (B, 3, H, W)."""
        return self.classifier(self.forward_features(input).mean((2, 3)))

    def forward_features(self, image: Tensor) -> Tensor:
        """The last map (B, 1280, H/32, W/32)."""
        return self.bn2(self.conv_head(self.blocks(self.bn1(self.conv_stem(image)))))

    def forward_intermediates(
        self,
        image: Tensor,
        indices: Sequence[int],
        norm: bool = False,
        intermediates_only: bool = False,
    ) -> list[Tensor] | tuple[Tensor, list[Tensor]]:
        """Maps (B, C_i, h_i, w_i) of the resolutions ``indices``, after the last map or alone."""
        x, maps = self.bn1(self.conv_stem(image)), []
        for number, stage in enumerate(self.blocks, 1):
            x = stage(x)
            if number in TAPPED and TAPPED.index(number) in indices:
                maps.append(x)
        return maps if intermediates_only else (self.bn2(self.conv_head(x)), maps)

    def prune_intermediate_layers(self, indices: Sequence[int], **_: bool) -> None:
        """Drop what no map of the resolutions ``indices`` needs."""
        self.blocks = self.blocks[: TAPPED[max(indices)]]
        for name in ("conv_head", "bn2", "classifier"):
            self._modules.pop(name, None)
