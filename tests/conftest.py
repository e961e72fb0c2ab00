"""What several test files share: a generated dataset, its cache, and models of a few weights."""

from __future__ import annotations

import inspect
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psutil
import pytest
import torch
from torch import Tensor, nn

from common.checkpoint import Card, save_checkpoint
from common.config import settle_home
from common.data.dataset import PetCache, prepare
from common.data.synthetic import make_pets
from common.models import MODELS, Spec, create_model
from common.models.losses import segmentation_loss
from common.training.trainer import TrainConfig
from tests.browsing import chromium

settle_home()
# Set for this process and those it starts: other processes have the other cores.
os.environ.setdefault("OMP_NUM_THREADS", "1")
torch.set_num_threads(1)
WORKER = 1_500_000_000  # bytes that one takes


def pytest_xdist_auto_num_workers() -> int:
    """For ``-n auto``: what cores and free memory allow; where that is one, no other process."""
    allowed = getattr(os, "sched_getaffinity", lambda pid: range(os.cpu_count() or 1))(0)
    workers = min(len(allowed), psutil.virtual_memory().available // WORKER)
    return workers if workers > 1 else 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The most patient first: where processes share the tests, none waits for them at the end."""
    items.sort(
        key=lambda item: -max([0, *getattr(item.get_closest_marker("timeout"), "args", ())])
    )


class Toy(nn.Module):
    """A frozen convolution with batch statistics, then one trained 1×1 convolution.

    It has every trait that a large pretrained model will have: parts that must stay as they
    are, buffers that belong to them, and a trained part.
    """

    inputs = ("image", "mask")
    version = 1

    def __init__(self, *, width: int = 4) -> None:
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.BatchNorm2d(width))
        self.encoder.requires_grad_(False)
        pretrained = torch.Generator().manual_seed(0)
        for value in (*self.encoder[0].parameters(), self.encoder[1].running_mean):
            value.data.normal_(0, 0.3, generator=pretrained)
        self.head = nn.Conv2d(width, 3, 1)

    def train(self, mode: bool = True) -> Toy:
        super().train(mode)
        self.encoder.eval()
        return self

    def forward(self, image: Tensor) -> Tensor:
        return self.head(self.encoder(image).relu())

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        return segmentation_loss(self(batch["image"]), batch["mask"])


@pytest.fixture(autouse=True)
def own_places(tmp_path_factory, monkeypatch) -> None:
    """No test reads the user's dataset or writes the user's caches."""
    monkeypatch.delenv("PETS_ROOT", raising=False)
    monkeypatch.setenv("PETS_CACHE", str(tmp_path_factory.getbasetemp() / "caches"))


@pytest.fixture(scope="module")
def browser() -> Iterator:
    """Chromium."""
    with chromium() as running:
        yield running


@pytest.fixture(scope="session")
def pets(tmp_path_factory) -> Path:
    """Root of a generated dataset: 12 photos of trainval and 12 of test, four breeds."""
    return make_pets(tmp_path_factory.mktemp("pets"))


@pytest.fixture(scope="session")
def cache(pets, tmp_path_factory) -> PetCache:
    """The same photos at 32 px."""
    return prepare(pets, size=32, folder=tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def small_models(tmp_path_factory) -> Path:
    """Folder of two untrained checkpoints of a few weights: "unet", and "clicked", at 64 px."""
    folder = tmp_path_factory.mktemp("small")
    torch.manual_seed(0)
    for name, model, kwargs in (
        ("unet", "unet", {"widths": (16, 16), "depth": 1}),
        ("clicked", "point_unet_s", {"encoder": "residual", "widths": (16, 16, 16, 16)}),
    ):
        save_checkpoint(folder / name, create_model(model, **kwargs), Card(model, kwargs, 64))
    return folder


@pytest.fixture
def toy(monkeypatch) -> type[Toy]:
    """A small model with a frozen part, registered as "toy"."""
    monkeypatch.setitem(MODELS, "toy", Spec(Toy))
    return Toy


@pytest.fixture
def toy_results(toy, tmp_path: Path) -> Path:
    """A results folder with the checkpoint "toy", a model that knows no click."""
    save_checkpoint(tmp_path / "checkpoints" / "toy", toy(), Card("toy", size=32))
    return tmp_path


@pytest.fixture
def noting(monkeypatch) -> Callable[[object, str, str], list]:
    """From a module, a function of it and an argument: the list that gets it at each call."""

    def note(module: object, name: str, argument: str) -> list:
        work, found = getattr(module, name), []

        def noted(*args: object, **kwargs: object) -> object:
            found.append(inspect.signature(work).bind(*args, **kwargs).arguments[argument])
            return work(*args, **kwargs)

        monkeypatch.setattr(module, name, noted)
        return found

    return note


@pytest.fixture
def quick() -> TrainConfig:
    """Settings of a run that takes a moment."""
    return TrainConfig(epochs=2, batch_size=4, workers=0, precision="no", recipe="none")


@pytest.fixture
def small_disk() -> AbstractContextManager:
    """A context in which no file of this process may grow beyond some bytes."""

    @contextmanager
    def limited(size: int = 2000) -> Iterator[None]:
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    return limited


@pytest.fixture
def photos() -> Tensor:
    """Two random photos of odd size, (2, 3, 33, 47) in [0, 1]."""
    return torch.rand(2, 3, 33, 47, generator=torch.Generator().manual_seed(0))
