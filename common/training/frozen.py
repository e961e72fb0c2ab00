"""Decoders of frozen encoders, trained on features that are computed once.

What they are trained on follows from the network: features where its encoder is frozen, else
photos.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from torch.utils.data import Dataset

from common.config import RESULTS
from common.data.cache import PetCache
from common.data.dataset import PetDataset
from common.models import create_model
from common.models.encoders.encoder import FrozenEncoder
from common.training.features import keep_features
from common.training.optim import TrainConfig
from common.training.runs import Run, load_run, train_or_load

VIEWS = 4  # of each training photo


def items_for(
    model: str, config: TrainConfig, cache: PetCache, views: int = VIEWS, **kwargs
) -> tuple[Callable[..., Dataset], TrainConfig]:
    """What makes a network's training items, and its settings: kept views vary already.

    Args:
        model, kwargs: for `create_model`.
        views: of `keep_features`; 0 keeps nothing.
    """
    network = create_model(model, **kwargs) if views else None
    if not isinstance(getattr(network, "encoder", None), FrozenEncoder):
        return PetDataset, config
    kept = keep_features(network, cache, views=views, recipe=config.recipe)
    return kept, replace(config, recipe="none")


def train_decoder(
    name: str,
    *,
    model: str,
    config: TrainConfig,
    cache: PetCache | None,
    views: int = VIEWS,
    results: Path = RESULTS,
    **kwargs,
) -> Run:
    """`train_or_load` on kept features where the encoder is frozen; arguments as there."""
    if cache is None:
        return load_run(name, results)
    dataset, config = items_for(model, config, cache, views, **kwargs)
    return train_or_load(
        name, model=model, config=config, cache=cache, results=results, dataset=dataset, **kwargs
    )
