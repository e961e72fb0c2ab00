"""A toy run; every training here happens, to its knowledge, on a device without float64."""

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from common.training.trainer import Trainer
from tests.devices import NoDoubleMoved


@pytest.fixture(autouse=True)
def no_float64_on_the_device() -> Iterator[None]:
    with NoDoubleMoved():
        yield


@pytest.fixture
def trainer(toy, cache, quick, tmp_path) -> Callable[..., Trainer]:
    """Make the trainer of a toy run; keywords are fields of its settings."""

    def make(state: str = "run.pt", key: str = "", **fields) -> Trainer:
        config = replace(quick, **fields)
        torch.manual_seed(config.seed)
        return Trainer(toy(), cache, config, tmp_path / state, key)

    return make


def weights(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
