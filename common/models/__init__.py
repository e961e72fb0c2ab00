"""The registry: every model of the report by name.

A new model costs a module with a class (``inputs``, ``forward``, ``loss``) and one line here.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

from torch import nn

from ..config import UserError
from .unet import UNet

MODELS: dict[str, Callable[..., nn.Module]] = {
    "unet": partial(UNet, widths=(32, 64, 128, 192), stem=2),  # for a CPU, at 128 px
    "unet_l": partial(UNet, widths=(64, 128, 256), depth=3, up_depth=3, stem=2),  # GPU, 224 px
}


def create_model(name: str, **kwargs) -> nn.Module:
    """Build an untrained model.

    Args:
        name: one of `list_models`.
        **kwargs: passed to the model, over its defaults.
    """
    if name not in MODELS:
        raise UserError(f"model {name!r} is unknown; choose one of {', '.join(list_models())}")
    try:
        return MODELS[name](**kwargs)
    except TypeError as error:
        known = ", ".join(inspect.signature(MODELS[name]).parameters)
        raise UserError(f"model {name!r}: {error}; it takes {known}") from None


def default_kwargs(name: str) -> dict:
    """What the registry passes to a model's class where `create_model` is not told otherwise."""
    return dict(getattr(MODELS.get(name), "keywords", {}))


def list_models() -> list[str]:
    """Names that `create_model` takes."""
    return sorted(MODELS)
