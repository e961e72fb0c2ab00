"""What the training loop asks of those it works with: a score that chooses, and items to learn."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol

import numpy as np
from torch import Tensor, nn
from torch.utils.data import Dataset

from common.data.cache import PetCache

if TYPE_CHECKING:  # as slow to load as torch
    from accelerate import Accelerator
    from torchvision.transforms import v2

# (model, cache, split, accelerator) -> scores named val_…; the first, higher is better, decides.
Score = Callable[[nn.Module, PetCache, str, "Accelerator"], dict[str, float]]


class Items(Protocol):
    """What makes training items of some rows of a cache.

    Attributes:
        inputs: keys of an item that the network is given beside its own ``inputs``.
        identity: JSON-able; what the items follow from beside the photos.
        input_size: edge in pixels of the photos that the network is for; 0, as the cache's.
    """

    inputs: tuple[str, ...]
    identity: dict
    input_size: int

    def __call__(
        self, cache: PetCache, rows: np.ndarray, transform: v2.Transform | None = None
    ) -> Dataset:
        """Items as of `PetDataset`, perhaps with more keys."""
        ...


def watched(columns: Iterable[str]) -> str:
    """The column of a history that chooses the epoch: the first of validation's scores."""
    return next(name for name in columns if name.startswith("val_"))


class WithLoss(nn.Module):
    """Calls ``model.loss`` from ``forward``, where accelerate hooks in."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, batch: dict[str, Tensor]) -> Tensor:
        return self.model.loss(batch)
