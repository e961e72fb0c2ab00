"""The photos of a session, those of its user among them, and what was done on each."""

from collections.abc import Sequence

import numpy as np

from common.canvas.animals import Animals
from common.canvas.answers import Photo
from common.canvas.messages import short
from common.config import UserError
from common.data.photos import MAX_PIXELS

OWN = 50  # photos of the user's, at most
NAME_CHARS = 80


class Album:
    """Photos by name, and the animals on each; nothing of it is ever written.

    Args:
        photos: to choose from.
        max_pixels: of all photos of the user's together.

    Raises:
        UserError: there is no photo, or two have one name.
    """

    def __init__(self, photos: Sequence[Photo], max_pixels: int = 3 * MAX_PIXELS) -> None:
        self._photos = {photo.name: photo for photo in photos}
        if not photos or len(self._photos) < len(photos):
            raise UserError("there must be a photo, and each must have its own name")
        self._given, self.max_pixels = len(photos), max_pixels
        self._kept: dict[str, tuple[str, Animals]] = {}
        self._trail, self._at = [photos[0]], 0

    @property
    def photos(self) -> list[Photo]:
        """In the order they came."""
        return list(self._photos.values())

    def photo(self, name: str) -> Photo:
        """One by its name; `UserError` if there is none."""
        if name not in self._photos:
            raise UserError(f"no photo is called {short(name)}; choose another")
        return self._photos[name]

    def add(self, name: str, image: np.ndarray) -> Photo:
        """A photo of the user's, by the name of its file; another one of that name gets a number.

        Raises:
            UserError: there are too many, or they are too large.
        """
        own = self.photos[self._given :]
        pixels = sum(photo.image[..., 0].size for photo in own) + image[..., 0].size
        if len(own) >= OWN or (own and pixels > self.max_pixels):
            raise UserError(
                f"there is no room beside your {len(own)} photos; download what you have, and "
                "load the page, or run the cell, again"
            )
        plain = " ".join(name.replace("\\", "/").rpartition("/")[2].split())[-NAME_CHARS:]
        stem, dot, end = (plain or "photo").rpartition(".")
        unique, count = plain or "photo", 2
        while unique in self._photos:
            unique, count = (
                f"{stem or end} ({count}){dot if stem else ''}{end if stem else ''}",
                count + 1,
            )
        self._photos[unique] = Photo(unique, image)
        return self._photos[unique]

    def keep(self, photo: Photo, model: str, animals: Animals) -> None:
        """What is on a photo now, by a model's answers."""
        self._kept[photo.name] = (model, animals)

    def animals(self, photo: Photo, model: str) -> Animals:
        """What was kept; where another model answered, its prompts alone."""
        answered, animals = self._kept.get(photo.name, (model, Animals()))
        return animals if answered == model else animals.forgotten()

    def visit(self, photo: Photo) -> None:
        """Look at a photo after the one before."""
        if photo is not self._trail[self._at]:
            self._trail = [*self._trail[: self._at + 1], photo]
            self._at += 1

    def beyond(self, by: int) -> Photo | None:
        """What was looked at before this one (-1), or after it until that was taken back (1)."""
        at = self._at + by
        return self._trail[at] if 0 <= at < len(self._trail) else None

    def step(self, by: int) -> None:
        """Go there."""
        self._at += by

    @property
    def worked(self) -> list[tuple[Photo, str, Animals]]:
        """The photos on which there is an animal to be seen, and the model that answered."""
        kept = [
            (photo, *self._kept[photo.name]) for photo in self.photos if photo.name in self._kept
        ]
        return [one for one in kept if one[2].seen]

    @property
    def worked_names(self) -> list[str]:
        """Their names."""
        return [photo.name for photo, *_ in self.worked]
