"""A network is built within bounds: what a card may not ask for."""

import pytest
import torch
from torch import nn

from common.config import UserError
from common.models import building
from common.models.building import bounded


def test_what_is_too_large_is_refused_before_it_is_filled(monkeypatch):
    monkeypatch.setattr(building, "LIMIT", 10_000_000)
    with bounded("card"):
        nn.Linear(1000, 1000)
    words = "card: the network .* more than 10,000,000 bytes"
    with pytest.raises(UserError, match=words), bounded("card"):
        nn.Linear(1000, 3000)


def test_many_small_parts_count_as_well(monkeypatch):
    monkeypatch.setattr(building, "LIMIT", 10_000_000)
    with pytest.raises(UserError, match="more than 10,000,000 bytes"), bounded("card"):
        nn.Sequential(*(nn.Linear(1, 1) for _ in range(10**9)))


def test_shapes_without_memory_count_for_little(monkeypatch):
    monkeypatch.setattr(building, "LIMIT", 10_000_000)
    with bounded("card"), torch.device("meta"):
        nn.Linear(100_000, 100_000)


@pytest.mark.parametrize("error", [ZeroDivisionError("by zero"), MemoryError(), KeyError("x\ny")])
def test_any_error_is_the_cards(error):
    words = "card: describes no network that can be built"
    with pytest.raises(UserError, match=words), bounded("card"):
        raise error


def test_weights_are_those_of_an_unbounded_build():
    torch.manual_seed(0)
    free = nn.Conv2d(3, 8, 3).weight
    torch.manual_seed(0)
    with bounded("card"):
        assert torch.equal(nn.Conv2d(3, 8, 3).weight, free)
