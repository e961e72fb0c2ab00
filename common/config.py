"""Names and places: where files live, what the classes are, and how errors reach a user."""

from __future__ import annotations

import atexit
import functools
import io
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "results"
FIGURES = ROOT / "figures"
NOTEBOOKS = ROOT / "notebooks"
CHECKPOINTS = RESULTS / "checkpoints"
OWN = Path("local") / CHECKPOINTS.name  # below the results: what users taught themselves
SAMPLES = ROOT / "common" / "samples"

SPLITS = ("train", "val", "test")
FITS = ("stretch", "letterbox")  # how a photo becomes a square
MIN_SIZE, MAX_SIZE = 8, 4096  # its edge in pixels
CLASSES = ("background", "cat", "dog")
HOMES = ("MPLCONFIGDIR", "IPYTHONDIR", "XDG_CACHE_HOME") + tuple(
    f"JUPYTER_{kind}_DIR" for kind in ("CONFIG", "DATA", "RUNTIME")
)  # where libraries write of themselves
PET, GROUND = 1, 0  # of a click, and of a pixel where the species does not matter
IGNORE = 255  # border pixels (trimap 3): no loss, no score


class UserError(ValueError):
    """Something the user can mend; the message names what was wrong, where, and the remedy."""


def overlap(mask: Any, truth: Any) -> tuple[Any, Any]:
    """Pixels of the pet in both, and in either, border left out: two arrays (...).

    Args:
        mask: (..., H, W) bool, of NumPy or of torch.
        truth: the same shape and library: `PET`, `GROUND` or `IGNORE`.
    """
    pet, found = truth == PET, mask & (truth != IGNORE)
    return (pet & found).sum((-2, -1)), (pet | found).sum((-2, -1))


def iou(inter: Any, union: Any) -> Any:
    """Intersection over union; 1 where there is no union: to see nothing there is right.

    (The mean over *classes* of a split leaves out a class that nobody sees: `scoring.scores`.)
    """
    nothing = union == 0
    return (inter + nothing) / (union + nothing)


def mask_iou(mask: Any, truth: Any) -> Any:
    """IoU of masks (..., H, W), arguments as `overlap`; 1 where neither shows a pet: (...)."""
    return iou(*overlap(mask, truth))


def data_root(root: str | Path | None = None) -> Path | None:
    """Folder of the photos: ``root`` if given, else ``$PETS_ROOT``, else None."""
    chosen = str(root or os.environ.get("PETS_ROOT", ""))
    return user_path(chosen).resolve() if chosen else None


def cache_root() -> Path:
    """Folder of the preprocessed datasets: ``$PETS_CACHE``, else ``results/local/cache``."""
    return user_path(os.environ.get("PETS_CACHE") or RESULTS / "local" / "cache").resolve()


def user_path(text: str | Path) -> Path:
    """A path that somebody typed: ``~`` is the home folder, also where no shell made it so."""
    try:
        return Path(text).expanduser()
    except RuntimeError:  # ~rex.jpg is nobody's home
        return Path(text)


def cores() -> int:
    """Number of cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)  # Linux only
    return len(affinity(0)) if affinity else os.cpu_count() or 1


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Yield a temporary sibling of ``target`` that replaces it only if the block succeeds."""
    target = Path(target)
    temporary = target.with_name(f".{target.stem}.{os.getpid()}.tmp{target.suffix}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        os.replace(temporary, target)
    except OSError as error:
        raise UserError(
            f"{target}: could not be written ({error.strerror or error}); "
            "free some space or choose a writable folder; what was there before is untouched"
        ) from error
    finally:
        with suppress(OSError):  # the folder may not exist
            temporary.unlink()


def cli(main: Callable[..., int | None]) -> Callable[..., int]:
    """Decorate a ``main``: what a user can mend becomes one line on stderr and exit code 2.

    That is a `UserError`, a Python that is too old, and a package that is not installed. So that
    the last can be told, and ``--help`` and bad arguments are answered at once, a command imports
    at its top only what is light, and inside ``main``, once the arguments are read, the rooms
    that load torch or pandas.
    """

    @functools.wraps(main)
    def wrapped(*args, **kwargs) -> int:
        _print_any_name()
        settle_home()
        try:
            check_python()
            return main(*args, **kwargs) or 0
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except ModuleNotFoundError as error:
            if (error.name or "common").split(".")[0] == "common":
                raise
            print(
                f"error: this Python ({sys.executable}) lacks {error.name}; use .venv/bin/python "
                "after `make report`, or `pip install -r requirements.txt` first, in the "
                "project's folder",
                file=sys.stderr,
            )
            return 2
        except KeyboardInterrupt:
            print("stopped; run the same command again to go on", file=sys.stderr)
            return 130

    return wrapped


def _print_any_name() -> None:
    """Escape what a terminal or a file cannot hold (a name in Latin-1, cp1252), and go on."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def settle_home() -> None:
    """Let libraries write where there is no home to write into, as in containers.

    Children are given the same folder.
    """
    try:
        home = Path.home()
    except RuntimeError:  # no HOME, and no entry in passwd
        home = Path(os.sep)
    is_home = home.is_dir() and home != Path(os.sep)
    if os.access(home, os.W_OK) or (is_home and os.environ.keys() >= set(HOMES)):
        return
    temporary = tempfile.mkdtemp(prefix="home-")
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    if not is_home:
        os.environ |= {"HOME": temporary, "USER": os.environ.get("USER") or "nobody"}
    for name in HOMES:
        os.environ.setdefault(name, temporary)
    print("no home folder to write into (HOME): a temporary one serves", file=sys.stderr)


def check_python() -> None:
    """`UserError` where Python is older than what the project is written in."""
    if sys.version_info < (3, 10):  # noqa: UP036 - here older ones are told
        raise UserError(
            f"the project needs Python 3.10 or newer; this is {platform.python_version()}"
        )
