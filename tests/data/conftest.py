"""Photos as the dataset lays them out, and an archive of some."""

from pathlib import Path

import pytest

from common.data.archive import export_archive
from common.data.dataset import prepare_folder
from common.data.synthetic import make_pets


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return make_pets(tmp_path / "pets", n=16)


@pytest.fixture(scope="session")
def made(tmp_path_factory) -> tuple[Path, Path]:
    """A cache folder and its archive."""
    place = tmp_path_factory.mktemp("made")
    folder = prepare_folder(make_pets(place / "pets", n=8), size=24, folder=place / "cache")
    return folder, export_archive(folder, place / "pets.zip")
