"""Anybody's annotated photos, kept to be trained on: squares with their animals numbered.

Shapes: N photos, S the edge of a square, in whose upper left corner the photo lies undistorted;
what is beyond it is border.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from scipy.ndimage import distance_transform_edt

from common.config import CLASSES, IGNORE, UserError
from common.data.cache import PetCache
from common.data.coco import Annotated, read_instances
from common.data.photos import read_photo
from common.data.scene import ANIMALS

EDGE = 512  # S
BAND = 2  # pixels either side of an outline are border
HELD = 5  # every so many photos is for validation
FEWEST = 5  # photos


def own_photos(file: str | Path, images: str | Path) -> PetCache:
    """The photos of a COCO file with at least one annotation, every fifth for validation.

    Raises:
        UserError: the file or a photo cannot be read, or there are too few photos.
    """
    photos = [photo for photo in read_instances(file) if photo.instances]
    if len(photos) < FEWEST:
        raise UserError(f"{file}: {len(photos)} photos with an animal; annotate {FEWEST} at least")
    squares = [square_of(photo, Path(images)) for photo in photos]
    pixels, masks = (np.stack([square[i] for square in squares]) for i in (0, 1))
    names = [photo.name for photo in photos]
    order = np.argsort([hashlib.sha256(name.encode()).hexdigest() for name in names])
    held = set(order[::HELD])
    table = pd.DataFrame({"name": names, "breed_id": 1})
    table["split"] = ["val" if i in held else "train" for i in range(len(names))]
    table["height"], table["width"] = zip(*(s[2] for s in squares), strict=True)
    table["species"] = [_species(photo) for photo in photos]
    return PetCache(pixels, masks, table, pd.DataFrame(), _info([pixels, masks], table))


def square_of(photo: Annotated, images: Path) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """A photo in its square: (S, S, 3), its animals from 1 (S, S), and its height and width there.

    Of more than `ANIMALS`, the last ones are border: nobody says what they are.
    """
    image = read_photo(images / photo.name)
    height, width = (max(1, round(EDGE * n / max(image.shape[:2]))) for n in image.shape[:2])
    numbers = np.zeros((height, width), np.uint8)
    for number, one in enumerate(photo.instances, 1):
        if one.mask().shape != image.shape[:2]:
            sizes = f"{image.shape[:2]}, its annotations {one.mask().shape}"
            raise UserError(f"{photo.name} is {sizes}; annotate the photos as they are")
        small = Image.fromarray(one.mask()).resize((width, height), Image.Resampling.NEAREST)
        numbers[np.asarray(small)] = number if number <= ANIMALS else IGNORE
    square, mask = np.zeros((EDGE, EDGE, 3), np.uint8), np.full((EDGE, EDGE), IGNORE, np.uint8)
    small_photo = Image.fromarray(image).resize((width, height), Image.Resampling.BOX)
    square[:height, :width] = np.asarray(small_photo)
    mask[:height, :width] = _with_borders(numbers)
    return square, mask, (height, width)


def _with_borders(numbers: np.ndarray) -> np.ndarray:
    """Numbered animals (H, W) with a band of border along each outline, also between two."""
    bordered = numbers.copy()
    for number in np.unique(numbers):
        inside = numbers == number
        if not inside.all():
            bordered[inside & (distance_transform_edt(inside) <= BAND)] = IGNORE
    return bordered


def _species(photo: Annotated) -> str:
    """The species of the animals as text, from 0; -1 where the file names none of ours."""
    kinds = [one.category for one in photo.instances[:ANIMALS]]
    return " ".join(str(CLASSES.index(kind) - 1 if kind in CLASSES[1:] else -1) for kind in kinds)


def _info(parts: Sequence[np.ndarray], table: pd.DataFrame) -> dict:
    names = ("images.npy", "masks.npy", "manifest.csv")
    contents = [*(part.tobytes() for part in parts), table.to_csv().encode()]
    files = {n: hashlib.sha256(c).hexdigest() for n, c in zip(names, contents, strict=True)}
    data = hashlib.sha256(json.dumps(files).encode()).hexdigest()
    return {"size": EDGE, "fit": "stretch", "data": data, "files": files}
