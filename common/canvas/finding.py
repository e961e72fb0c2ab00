"""What a model finds on a photo before anybody clicks: a place at a time, so that no click waits.

Shapes: H W pixels of the photo.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from common.canvas.animals import ROOM, Animals
from common.canvas.answers import Models, Photo, packed
from common.canvas.pictures import mask_url
from common.clicks.everything import same, search
from common.clicks.objects import Segmented
from common.clicks.prompts import Given
from common.config import UserError

PHOTOS = 3  # of which it is remembered


@dataclass(frozen=True, eq=False)
class Ghost:
    """An animal that was found and not taken: its number on the photo, mask and picture of it."""

    number: int
    given: Given
    url: str


@dataclass
class _Search:
    """How far it is on one photo: what goes on with it, None at its end, and what was found."""

    steps: Iterator[list[Segmented]] | None
    seen: dict[int, tuple[Segmented, Ghost]] = field(default_factory=dict)  # by `id`
    ghosts: list[Ghost] = field(default_factory=list)


class Finder:
    """Looks for the animals of photos.

    Args:
        models: that are asked.
    """

    def __init__(self, models: Models) -> None:
        self._models = models
        self._searches: dict[tuple[str, Photo], _Search] = {}

    def step(self, model: str, photo: Photo) -> None:
        """Ask at one place more, or note that there is none."""
        predictor = self._models.prepare(model, photo)
        if (model, photo) not in self._searches:
            self._searches[model, photo] = _Search(search(predictor))
        while len(self._searches) > PHOTOS:
            del self._searches[next(iter(self._searches))]
        now = self._searches[model, photo]
        found = next(now.steps, None) if now.steps else None
        if found is None:
            now.steps = None
            return
        room = max(1, int(ROOM) // 4 // photo.image[..., 0].size)
        now.ghosts = [self._ghost(now, one, model) for one in found[:room]]

    @staticmethod
    def _ghost(now: _Search, one: Segmented, model: str) -> Ghost:
        if id(one) not in now.seen:
            logits = packed(one.logits)
            given = Given(logits, one.clicks, 0, model, one.score, one.species)
            before = (g.number for g in now.ghosts if same(g.given.logits > 0, one.mask))
            number = next(before, len(now.seen) + 1)  # the page may still show what it was
            now.seen[id(one)] = one, Ghost(number, given, mask_url(logits > 0))
        return now.seen[id(one)][1]

    def is_done(self, model: str, photo: Photo) -> bool:
        """Whether there is nowhere left to ask."""
        known = self._searches.get((model, photo))
        return known is not None and known.steps is None

    def left(self, model: str, photo: Photo, animals: Animals) -> list[Ghost]:
        """What was found, but for what an animal of the user's shows already."""
        known = self._searches.get((model, photo))
        taken = [one.answer.mask for one in animals.all if one.is_pointed_at and one.answer]
        ghosts = known.ghosts if known else []
        return [
            one for one in ghosts if not any(same(one.given.logits > 0, mask) for mask in taken)
        ]


def ghost_of(ghosts: Sequence[Ghost], number: int) -> Ghost:
    """One by its number; `UserError` if it is not there."""
    for ghost in ghosts:
        if ghost.number == number:
            return ghost
    raise UserError(f"there is no animal {number} among those that were found")


def told(ghosts: Sequence[Ghost]) -> list[dict[str, Any]]:
    """As JSON."""
    kinds = ((ghost, ghost.given.species) for ghost in ghosts)
    return [
        {"number": ghost.number, "species": kind and kind[0], "mask": ghost.url}
        for ghost, kind in kinds
    ]


def in_words(ghosts: Sequence[Ghost]) -> str:
    """What to do with them."""
    kinds = [ghost.given.species[0] if ghost.given.species else "animal" for ghost in ghosts]
    parts = [
        f"{kinds.count(kind)} {kind}{'s' * (kinds.count(kind) > 1)}" for kind in sorted(set(kinds))
    ]
    which = "one" if len(ghosts) > 1 else "it"
    return f"Found {' and '.join(parts)}: click on {which} to take it, or on what is missing."
