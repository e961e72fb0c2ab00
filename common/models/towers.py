"""Networks of timm and open_clip, and how their inner layers are tapped.

All that this project knows of the two packages' insides is here. Tokens come back as maps in
row-major order, the class token left out: shuffled tokens would paint a shuffled mask.

Shapes: B batch, H W pixels, D_i h_i w_i channels and grid of tap i, N = h·w tokens.
"""

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn


def timm_net(name: str, **kwargs) -> nn.Module:
    """A network of timm with random weights."""
    import timm

    return timm.create_model(name, **kwargs)


def clip_tower(name: str) -> nn.Module:
    """The image tower of one of open_clip's models with random weights."""
    import open_clip
    from open_clip.transformer import QuickGELU, VisionTransformer

    config = open_clip.get_model_config(name)
    vision = open_clip.CLIPVisionCfg(**config["vision_cfg"])
    return VisionTransformer(
        vision.image_size,
        vision.patch_size,
        vision.width,
        vision.layers,
        vision.width // vision.head_width,
        vision.mlp_ratio,
        output_dim=config["embed_dim"],
        act_layer=QuickGELU if config.get("quick_gelu") else nn.GELU,
    )


class Float32Conv(nn.Conv2d):
    """A convolution that leaves mixed precision for float32, and returns what it was given."""

    def forward(self, input: Tensor) -> Tensor:
        with torch.autocast(input.device.type, enabled=False):
            return super().forward(input.float()).to(input.dtype)


@cache
def _float32(kind: type[nn.Conv2d]) -> type[nn.Conv2d]:
    """The same for a kind of convolution, as timm's with TensorFlow's padding."""
    return type(f"Float32{kind.__name__}", (Float32Conv, kind), {})


def depthwise_in_float32(net: nn.Module) -> nn.Module:
    """Change the depthwise convolutions that bfloat16 slows down, in place; weights stay.

    On CPUs with bfloat16 units the backward pass of a depthwise convolution is fast only for
    kernels of 3 at stride 1; for EfficientNet's others, float32 took a third to half of the time,
    and the whole training step of the point-prompted UNet at 256 px a fifth less.
    """
    for conv in net.modules():
        depthwise = isinstance(conv, nn.Conv2d) and 1 < conv.groups == conv.in_channels
        slow = depthwise and (max(conv.kernel_size) > 3 or max(conv.stride) > 1)
        if slow and not isinstance(conv, Float32Conv):
            conv.__class__ = _float32(type(conv))
    return net


class TimmTaps(nn.Module):
    """A network of timm, asked for the maps of some stages (or blocks, of a transformer)."""

    net: Any

    def __init__(self, net: Any, taps: tuple[int, ...]) -> None:
        super().__init__()
        self.net, self.taps = net, list(taps)
        self.channels = tuple(net.feature_info[tap]["num_chs"] for tap in taps)
        self.strides = tuple(net.feature_info[tap]["reduction"] for tap in taps)
        # a transformer's last norm is shared by all taps; a convolutional net's is behind them
        self.is_vit = hasattr(net, "patch_embed")
        net.prune_intermediate_layers(self.taps, prune_norm=not self.is_vit, prune_head=True)
        depthwise_in_float32(net)

    @staticmethod
    def depth(net: Any) -> int:
        """How many layers can be tapped."""
        return len(net.feature_info)

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.net.forward_intermediates(
            image, indices=self.taps, norm=self.is_vit, intermediates_only=True
        )


class TimmTapsAndClasses(nn.Module):
    """The maps of some stages, and what the classifier says at every place of the last."""

    net: Any

    def __init__(self, net: Any, taps: tuple[int, ...]) -> None:
        super().__init__()
        self.net, self.taps = net, list(taps)
        self.channels = (*(net.feature_info[tap]["num_chs"] for tap in taps), net.num_classes)
        depthwise_in_float32(net)

    def forward(self, image: Tensor) -> list[Tensor]:
        last, maps = self.net.forward_intermediates(image, indices=self.taps)
        classifier = self.net.classifier  # as a 1 × 1 convolution
        classes = nn.functional.conv2d(last, classifier.weight[..., None, None], classifier.bias)
        return [*maps, classes]


class TimmClasses(nn.Module):
    """The classifier of a network of timm at every place of its last map: some of its classes."""

    net: Any

    def __init__(self, net: Any, taps: tuple[int, ...]) -> None:
        super().__init__()
        self.net, self.taps = net, list(taps)
        self.channels, self.strides = (len(taps),), (net.feature_info[-1]["reduction"],)
        depthwise_in_float32(net)

    @staticmethod
    def depth(net: Any) -> int:
        """How many classes can be asked for."""
        return net.num_classes

    def forward(self, image: Tensor) -> list[Tensor]:
        classifier, seen = self.net.classifier, self.net.forward_features(image)
        weight = classifier.weight[self.taps, :, None, None]  # a 1 × 1 convolution
        return [nn.functional.conv2d(seen, weight, classifier.bias[self.taps])]


class ClipTaps(nn.Module):
    """The image tower of open_clip; it knows one size, so its positions are resampled here."""

    net: Any

    def __init__(self, net: Any, taps: tuple[int, ...]) -> None:
        super().__init__()
        self.net, self.taps = net, list(taps)
        self.channels = (net.conv1.out_channels,) * len(taps)
        self.strides = (net.conv1.stride[0],) * len(taps)
        net.prune_intermediate_layers(self.taps, prune_head=True)

    @staticmethod
    def depth(net: Any) -> int:
        """How many layers can be tapped."""
        return len(net.transformer.resblocks)

    def forward(self, image: Tensor) -> list[Tensor]:
        from timm.layers import resample_abs_pos_embed

        net, x = self.net, self.net.conv1(image)  # (B, D, h, w)
        count, _, height, width = x.shape
        summary = net.class_embedding.expand(count, 1, -1)
        x = torch.cat([summary, x.flatten(2).transpose(1, 2)], 1)  # (B, 1 + N, D)
        places = resample_abs_pos_embed(net.positional_embedding[None], [height, width])
        _, tapped = net.transformer.forward_intermediates(
            net.ln_pre(x + places.to(x.dtype)), indices=self.taps
        )
        maps = [net.ln_post(tokens[:, 1:]) for tokens in tapped]
        return [tokens.transpose(1, 2).unflatten(2, (height, width)) for tokens in maps]
