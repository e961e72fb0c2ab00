"""COCO files of a user's own, whose animals the tool shows on their photos, to be corrected.

Shapes: H W pixels of the photo.
"""

import numpy as np
from skimage.measure import label as regions

from common.canvas.animal import Animal
from common.canvas.animals import ROOM, Animals
from common.canvas.answers import Photo
from common.clicks.brush import SURE
from common.clicks.objects import MOST
from common.clicks.prompts import Click, Clicker, Given
from common.clicks.robot import centre
from common.config import CLASSES, UserError
from common.data.coco import Annotated, Instance, parse_instances

PARTS = 8  # of a mask, the largest: each gets a click that stands for it


class Annotations:
    """What files said so far of photos, by the photos' names; nothing of it is ever written."""

    def __init__(self) -> None:
        self._known: dict[str, Annotated] = {}

    def add(self, name: str, content: bytes) -> int:
        """Take a file; how many photos it is about.

        Raises:
            UserError: it is no COCO file.
        """
        found = parse_instances(content.decode("utf-8", errors="replace"), "the file")
        self._known |= {photo.name.replace("\\", "/").rpartition("/")[2]: photo for photo in found}
        return len(found)

    def __contains__(self, name: str) -> bool:
        return name in self._known

    def animals(self, photo: Photo) -> Animals | None:
        """The animals of a photo; None where no file has any.

        Raises:
            UserError: they are damaged, too many, or of a photo of another size.
        """
        known, shape = self._known.get(photo.name), photo.image.shape[:2]
        if known is None or not known.instances:
            return None
        if len(known.instances) > min(MOST, max(1, int(ROOM) // (shape[0] * shape[1]))):
            raise UserError(f"{photo.name}: {len(known.instances)} animals are too many for it")
        all_ = tuple(_animal(at, one, shape) for at, one in enumerate(known.instances, 1))
        return Animals(all_, 0, len(all_))


def _animal(number: int, one: Instance, shape: tuple[int, int]) -> Animal:
    if (one.height, one.width) != shape:
        own, height, width = f"{one.width} × {one.height}", *shape
        raise UserError(f"its masks are {own} pixels and the photo {width} × {height}")
    mask, kind = one.mask(), one.category.lower()
    species = (kind, 1.0) if kind in CLASSES[1:] else None
    logits = np.where(mask, SURE, -SURE).astype(np.int8)
    given = Given(logits, anchors(mask), 0, "", one.score, species, fine=True)
    return Animal(number, one.name or f"Animal {number}", Clicker(given=given))


def anchors(mask: np.ndarray) -> tuple[Click, ...]:
    """A click deep inside each of the largest parts of a mask (H, W) bool."""
    numbers = regions(mask, connectivity=2)
    areas = np.bincount(numbers.ravel())[1:]
    largest = np.argsort(-areas)[:PARTS] + 1
    return tuple(centre((numbers == number).astype(np.uint8)) for number in largest)
