"""The registry: every model of the report by name.

A new model costs a module with a class (``version``, ``inputs``, ``forward``, ``loss``) and one
line here. Raise a class's ``version`` when what its training or inference computes changes: what
was made with the old one is then stale. Tidying leaves it alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

from torch import nn

from common.config import UserError
from common.models.encoders.own import OWN_ENCODERS
from common.models.encoders.recipes import ENCODERS
from common.models.imagenet_baseline import ImageNetBaseline
from common.models.point.point_unet import PointUNet
from common.models.pretraining.clip import PetClip
from common.models.pretraining.mae import MaskedAutoencoder
from common.models.query.segmenter import LinearSegmenter, QuerySegmenter
from common.models.unet import UNet

MODELS: dict[str, Callable[..., nn.Module]] = {
    "unet": partial(UNet, widths=(32, 64, 128, 192), stem=2),  # for a CPU, at 128 px
    "unet_l": partial(UNet, widths=(64, 128, 256), depth=3, up_depth=3, stem=2),  # GPU, 224 px
    "imagenet_baseline": ImageNetBaseline,
    "lite0_query": partial(QuerySegmenter, encoder="lite0"),
    "lite0_linear": partial(LinearSegmenter, encoder="lite0"),
    # backbone="vit_b", "vit_l" or "vit_h" takes the hub's encoders instead of the project's own
    "mae_seg": partial(QuerySegmenter, encoder="mae", backbone="pets"),
    "mae_linear": partial(LinearSegmenter, encoder="mae", backbone="pets"),
    "clip_seg": partial(QuerySegmenter, encoder="clip", backbone="lite0_pets"),
    "clip_linear": partial(LinearSegmenter, encoder="clip", backbone="lite0_pets"),
    "clip_vit_seg": partial(QuerySegmenter, encoder="clip", backbone="pets"),
    "clip_vit_linear": partial(LinearSegmenter, encoder="clip", backbone="pets"),
    "point_unet": PointUNet,  # the largest is the default, as in SAM's registry
    "point_unet_m": partial(PointUNet, widths=(16, 32, 48, 64, 96)),
    "point_unet_s": partial(PointUNet, encoder="residual", widths=(32, 64, 96, 128)),
}
PRETRAINING: dict[str, Callable[..., nn.Module]] = {  # they make encoders, and segment nothing
    "mae_pets": MaskedAutoencoder,
    "clip_pets": PetClip,
    "clip_lite0_pets": partial(PetClip, tower="lite0", size=128),
}
ENCODERS |= OWN_ENCODERS
ALIASES = {"point_unet_l": "point_unet"}  # second names, wherever a model or checkpoint is named


def full_name(name: str) -> str:
    """What the registry calls a model: the name that an alias stands for, or the name itself."""
    return ALIASES.get(name, name)


def create_model(name: str, **kwargs) -> nn.Module:
    """Build an untrained model.

    Args:
        name: one of `list_models`, an alias of one, or one of `PRETRAINING`.
        **kwargs: passed to the model, over its defaults.
    """
    name, known = full_name(name), MODELS | PRETRAINING
    if name not in known:
        raise UserError(f"model {name!r} is unknown; choose one of {', '.join(sorted(known))}")
    try:
        return known[name](**kwargs)
    except TypeError as error:
        takes = ", ".join(inspect.signature(known[name]).parameters)
        raise UserError(f"model {name!r}: {error}; it takes {takes}") from None


def default_kwargs(name: str) -> dict:
    """What the registry passes to a model's class where `create_model` is not told otherwise."""
    known = MODELS | PRETRAINING
    return dict(getattr(known.get(full_name(name)), "keywords", {}))


def list_models() -> list[str]:
    """Names that `create_model` takes with no further argument, each model once."""
    return sorted(MODELS)


model_registry: dict[str, Callable[..., nn.Module]] = {
    size: partial(create_model, "mae_seg", backbone=size) for size in ("vit_b", "vit_l", "vit_h")
}
