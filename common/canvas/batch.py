"""Every animal of some photos in one COCO file, which grows as it goes: a stopped run goes on."""

import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from common.canvas.exports import coco_file
from common.canvas.own import is_ours, refuse_strangers, save_json, source_of
from common.clicks.everything import find_all
from common.clicks.objects import Segmented
from common.clicks.protocol import Predictor
from common.config import UserError
from common.data.photos import read_warning

FILE = "instances.json"
PAUSE = 10.0  # seconds between two writings
Found = dict[str, dict[str, Any]]  # by photo: its source, its image and its annotations


def find_in_photos(
    predictor: Predictor, photos: Sequence[Path], file: Path, model: str
) -> list[Path]:
    """Look for every animal of the photos that the file does not know yet, and write it.

    What the file knows of the same photo and model stays, and so does what it says of others.

    Args:
        predictor: of ``model``.
        photos: files of different names.
        file: a COCO file with ``score`` and category cat or dog; see `check_file`.

    Returns:
        The photos that failed, each named on stderr.
    """
    found, failed, written = _known(file), list[Path](), time.monotonic()
    for photo in tqdm(photos, desc="looking for animals", unit="photo"):
        try:
            source = source_of(photo, model, "all")
            if found.get(photo.name, {}).get("source") != source:
                found[photo.name] = {"source": source, **_look(predictor, photo)}
        except UserError as error:
            print(f"error: {error}", file=sys.stderr)
            failed.append(photo)
        if time.monotonic() - written > PAUSE:
            _write(found, file)
            written = time.monotonic()
    _write(found, file)
    return failed


def check_file(photos: Sequence[Path], file: Path, overwrite: bool) -> None:
    """`UserError` if two photos bear one name, or the file is somebody else's."""
    name, count = Counter(photo.name for photo in photos).most_common(1)[0]
    if count > 1:
        raise UserError(f"{count} photos are called {name}; take one folder after the other")
    refuse_strangers(file, overwrite)


def _look(predictor: Predictor, photo: Path) -> dict[str, Any]:
    image = read_warning(photo)
    predictor.set_image(image)
    return about(photo.name, image.shape[:2], find_all(predictor))


def about(name: str, shape: tuple[int, int], animals: Sequence[Segmented]) -> dict[str, Any]:
    """COCO's image and annotations of a photo (H, W); their numbers are given when written."""
    image = {"file_name": name, "height": shape[0], "width": shape[1]}
    found = coco_file([(name, animals)] if animals else [])
    return {"image": image, "annotations": found["annotations"]}


def _known(file: Path) -> Found:
    """What an earlier run wrote; nothing where there is no such file, or it is not ours."""
    if not is_ours(file):
        return {}
    data = json.loads(file.read_text(encoding="utf-8"))
    photos = {image["id"]: image for image in data["images"]}
    found: Found = {
        image["file_name"]: {"source": image.pop("source"), "image": image, "annotations": []}
        for image in photos.values()
    }
    for one in data["annotations"]:
        found[photos[one["image_id"]]["file_name"]]["annotations"].append(one)
    return found


def _write(found: Found, file: Path) -> None:
    images, annotations = [], list[dict]()
    for number, one in enumerate(found.values(), 1):
        images.append({**one["image"], "id": number, "source": one["source"]})
        for animal in one["annotations"]:
            annotations.append({**animal, "id": len(annotations) + 1, "image_id": number})
    content = {
        "images": images,
        "annotations": annotations,
        "categories": coco_file([])["categories"],
    }
    save_json(content, {}, file)
