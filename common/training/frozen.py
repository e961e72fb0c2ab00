"""Trainings of decoders on a frozen encoder: on kept features, where they may be kept."""

from dataclasses import replace
from pathlib import Path

from common.config import RESULTS
from common.data.cache import PetCache
from common.models.encoders.encoder import FrozenEncoder
from common.training.features import VIEWS, keep_features
from common.training.runs import Training


def on_features(
    training: Training, cache: PetCache | None, views: int = VIEWS, results: Path = RESULTS
) -> Training:
    """The training on kept features where its encoder is frozen, else as it is.

    Args:
        cache: the photos; None, where a training is only loaded, keeps nothing.
        views: of `keep_features`, which vary already; 0 keeps nothing.
        results: of `Training.network`.
    """
    network = training.network(results) if views and cache is not None else None
    if not isinstance(getattr(network, "encoder", None), FrozenEncoder):
        return training
    kept = keep_features(network, cache, views=views, recipe=training.config.recipe)
    return replace(training, items=kept, config=replace(training.config, recipe="none"))
