"""Files that `common.predict` wrote itself: the only ones that it replaces without being told.

Each carries a mark. The JSON also says which photo, model and prompts it follows from, so that the
same command again leaves what is there.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngInfo

from common.checkpoint import checkpoint_files
from common.clicks.sam import sam_weights
from common.config import UserError, atomic_path
from common.provenance import file_sha256

MARK = "point-prompted-segmentation: common.predict"


def save_png(picture: Image.Image, file: Path, **how: Any) -> None:
    """Write a picture with the mark; ``how`` it is compressed, as Pillow calls it."""
    note = PngInfo()
    note.add_text("Software", MARK)
    with atomic_path(file) as path:
        picture.save(path, pnginfo=note, **how)


def save_json(content: dict[str, Any], source: dict[str, Any], file: Path) -> None:
    """Write content with the mark, and what it follows from (`source_of`)."""
    info = {"made_by": MARK, **source}
    with atomic_path(file) as path:
        path.write_text(json.dumps({"info": info, **content}) + "\n", encoding="utf-8")


def source_of(photo: Path, model: str, prompts: object) -> dict[str, Any]:
    """Photo, model and prompts of an answer, the first two by their contents.

    A checkpoint's card holds the hash of its weights, and what else decides.

    Raises:
        UserError: the photo cannot be read, or there is no such model.
    """
    sam = sam_weights(model)
    try:
        weights = file_sha256(sam[1] if sam else checkpoint_files(model)[1])
        return {"photo_sha256": file_sha256(photo), "model_sha256": weights, "prompts": prompts}
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UserError(f"{photo}: cannot be read ({reason}); check the path") from None


def is_ours(file: Path) -> bool:
    """Whether a file carries the mark."""
    if file.suffix == ".json":
        return _info(file).get("made_by") == MARK
    try:
        with Image.open(file, formats=["PNG"]) as picture:
            return picture.info.get("Software") == MARK
    except Exception:  # whatever it is, it is not ours
        return False


def refuse_strangers(file: Path, overwrite: bool) -> None:
    """`UserError` if a file is there that does not carry the mark; ``overwrite`` allows it."""
    try:
        there = file.exists()
    except OSError as error:  # a name that is too long
        raise UserError(f"{file.parent}: no such folder can be ({error.strerror})") from None
    if there and not (overwrite or is_ours(file)):
        raise UserError(
            f"{file} is there, and common.predict did not write it; change --out, or give "
            "--overwrite to replace it"
        )


def is_done(files: Iterable[Path], source: dict[str, Any]) -> bool:
    """Whether all of them are ours, and the JSON follows from the same."""
    files = list(files)
    described = next(file for file in files if file.suffix == ".json")
    return all(map(is_ours, files)) and _info(described) == {"made_by": MARK, **source}


def _info(file: Path) -> dict[str, Any]:
    """What a JSON file says of its making; nothing where it says nothing, or is none."""
    try:
        info = json.loads(file.read_text(encoding="utf-8"))["info"]
        return info if isinstance(info, dict) else {}
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return {}
