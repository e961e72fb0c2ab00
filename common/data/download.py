"""Fetching the official Oxford-IIIT Pet (about 800 MB) through torchvision."""

from http.client import HTTPException
from pathlib import Path
from urllib.error import URLError

from common.config import RESULTS, UserError
from common.data.pets import find_root
from common.files import fresh_folder, locked

NEEDS = 1_700_000_000  # bytes: the packed files and what is in them


def download_pets(folder: str | Path | None = None) -> Path:
    """Folder of the official dataset, downloaded the first time.

    Args:
        folder: where it goes, default ``results/local/download``.

    Raises:
        UserError: there is no internet, or no room.
    """
    target = Path(folder or RESULTS / "local" / "download")
    if not target.is_dir():
        with locked(target):
            if not target.is_dir():  # another process may have downloaded it meanwhile
                _download(target)
    return find_root(target)


def _download(target: Path) -> None:
    from torchvision.datasets import OxfordIIITPet  # as slow to import as torch

    print(f"downloading Oxford-IIIT Pet (800 MB, CC BY-SA 4.0, for research) to {target}")
    with fresh_folder(target, NEEDS) as scratch:
        try:
            OxfordIIITPet(scratch, download=True)
        except (URLError, HTTPException, ConnectionError, TimeoutError, RuntimeError) as error:
            raise UserError(
                f"Oxford-IIIT Pet could not be downloaded ({error}); where there is no internet, "
                "copy the dataset there and set PETS_ROOT to its folder"
            ) from None
        for packed in scratch.rglob("*.tar.gz"):
            packed.unlink()
