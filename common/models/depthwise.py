"""Depthwise convolutions in float32, where bfloat16 is the slower of the two.

On CPUs with bfloat16 units the backward pass of a depthwise convolution is fast only for kernels
of 3 at stride 1; for EfficientNet's others, float32 took a third to half of the time, and the
whole training step of the point-prompted UNet at 256 px a fifth less.
"""

from __future__ import annotations

import torch
from timm.layers import Conv2dSame
from torch import Tensor, nn


class Float32Conv(nn.Conv2d):
    """A convolution that leaves mixed precision for float32, and returns what it was given."""

    def forward(self, input: Tensor) -> Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float()).to(input.dtype)


class Float32ConvSame(Float32Conv, Conv2dSame):
    """The same with TensorFlow's padding."""


def depthwise_in_float32(net: nn.Module) -> nn.Module:
    """Change the depthwise convolutions that bfloat16 slows down, in place; weights stay."""
    for conv in net.modules():
        depthwise = isinstance(conv, nn.Conv2d) and 1 < conv.groups == conv.in_channels
        if depthwise and (max(conv.kernel_size) > 3 or max(conv.stride) > 1):
            conv.__class__ = Float32ConvSame if isinstance(conv, Conv2dSame) else Float32Conv
    return net
