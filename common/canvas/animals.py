"""The animals of a photo as a user points at them: one after the other, each with its own clicks.

Nothing here changes: each step gives new `Animals`.

Shapes: H W pixels of the photo.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from common.canvas.animal import Animal
from common.canvas.answers import STEPS, Answer
from common.clicks.objects import MOST, Segmented, apart
from common.clicks.prompts import Click, Clicker, Pointed
from common.config import UserError

ROOM = 4e8  # pixels of all masks of a photo: an int8 each, twice
NAME_CHARS = 60


Ask = Callable[[Pointed], Answer]


@dataclass(frozen=True, eq=False)
class Animals:
    """All of a photo, and which one is pointed at.

    Attributes:
        at: the place in ``all`` of the chosen one.
        made: how many there ever were.
        deleted: the one that was deleted last, and its place, until something else is done.
    """

    all: tuple[Animal, ...] = (Animal(1, "Animal 1"),)
    at: int = 0
    made: int = 1
    deleted: tuple[int, Animal] | None = None

    @property
    def chosen(self) -> Animal:
        """The one that clicks are about."""
        return self.all[self.at]

    @property
    def seen(self) -> list[Animal]:
        """Those that are pointed at and not hidden: what leaves the tool."""
        return [one for one in self.all if one.is_pointed_at and not one.hidden]

    def place(self, number: int) -> int:
        """Where an animal of a number stands; `UserError` if there is none."""
        for place, one in enumerate(self.all):
            if one.number == number:
                return place
        raise UserError(f"there is no animal {number}")

    def choose(self, number: int) -> Animals:
        """Point at another one from now on."""
        return replace(self, at=self.place(number), deleted=None)

    def next(self, pixels: int) -> Animals:
        """One more, unless one is without a click; its mask needs room for the photo's pixels."""
        for place, one in enumerate(self.all):
            if not one.is_pointed_at:
                return replace(self, at=place, deleted=None)
        if len(self.all) >= min(MOST, max(1, ROOM // pixels)):
            raise UserError(f"there is room for {len(self.all)} animals on this photo; delete one")
        new = Animal(self.made + 1, f"Animal {self.made + 1}")
        return Animals((*self.all, new), len(self.all), self.made + 1)

    def delete(self, number: int) -> Animals:
        """Without that one; `undone` brings it back."""
        place = self.place(number)
        rest = (*self.all[:place], *self.all[place + 1 :])
        left = rest or Animals().all
        at = min(self.at - (place < self.at), len(left) - 1)
        return Animals(left, at, self.made if rest else 1, (place, self.all[place]))

    def undone(self) -> Animals:
        """The last change of the chosen one is taken back; or one just deleted is there again."""
        if self.deleted is None:
            return self.clicked(Clicker.undo)
        place, one = self.deleted
        rest = tuple(other for other in self.all if other.is_pointed_at or len(self.all) > 1)
        made = max(self.made, one.number)
        return Animals((*rest[:place], one, *rest[place:]), place, made)

    def name_of(self, number: int) -> str:
        """What one is called."""
        return self.all[self.place(number)].name

    def named(self, number: int, name: str) -> Animals:
        """With another name for one."""
        name = " ".join(name.split())[:NAME_CHARS]
        return self._with(self.place(number), name=name or f"Animal {number}")

    def hide(self, number: int, hidden: bool) -> Animals:
        """With one hidden, or shown again."""
        return self._with(self.place(number), hidden=hidden)

    def clicked(self, change: Callable[[Clicker], None]) -> Animals:
        """With other clicks on the chosen one, which is seen again."""
        clicker = deepcopy(self.chosen.clicker)
        change(clicker)
        return self._with(self.at, clicker=clicker, hidden=False, answer=None, alone=None)

    def forgotten(self) -> Animals:
        """As before any answer, for another model."""
        fresh = tuple(replace(one, answer=None, alone=None, denied=()) for one in self.all)
        return replace(self, all=fresh)

    def _with(self, place: int, **changes: Any) -> Animals:
        changed = replace(self.all[place], **changes)
        return replace(
            self, all=(*self.all[:place], changed, *self.all[place + 1 :]), deleted=None
        )

    def answered(self, ask: Ask) -> Animals:
        """With an answer for each: a click on one says of those whose mask holds it "not this".

        Where two say so of each other, the newer one is right.

        Args:
            ask: what a model says to a box and clicks.
        """
        alone = [replace(one, alone=one.alone or ask(one.clicker.now)) for one in self.all]
        return replace(self, all=tuple(self._resolved(alone, ask)))

    @staticmethod
    def _resolved(alone: list[Animal], ask: Ask) -> Iterator[Animal]:
        for one in alone:
            denied = tuple(
                Click(click.x, click.y, positive=False)
                for other in alone
                if other is not one and not (one.number > other.number and one.claims(other))
                for click in other.within(one)
            )
            if one.answer is not None and denied == one.denied:
                yield one
            else:
                one = replace(one, denied=denied)
                yield replace(one, answer=ask(one.prompts) if denied else one.alone)

    def refined(self, ask: Ask) -> Animals:
        """With a fine outline for each that is seen.

        Args:
            ask: as of `answered`, but for the outline.
        """
        seen = [one.number for one in self.seen if not (one.answer and one.answer.fine)]
        fine = [
            replace(one, answer=ask(one.prompts)) if one.number in seen else one
            for one in self.all
        ]
        return replace(self, all=tuple(fine))

    def logits(self) -> dict[int, np.ndarray]:
        """By number, of those that are seen, (H, W) int8.

        No pixel is above 0 in two, but for masks that came so with the photo, and stay so.
        """
        found = {one.number: one.answer.logits for one in self.seen if one.answer}
        given = {one.number for one in self.seen if one.is_given}
        shares = dict(zip(found, apart([*found.values()]), strict=True))
        return {n: found[n] if n in given else share for n, share in shares.items()}


def segmented(animals: Animals) -> list[Segmented]:
    """Those that are seen, as `canvas.exports` takes them."""
    logits, found = animals.logits(), []
    for one in animals.seen:
        assert one.answer is not None
        native = logits[one.number].astype(np.float32) / STEPS
        score, species, prompts = one.answer.score or 0.0, one.answer.species, one.clicker
        found.append(Segmented(one.name, prompts.clicks, native, score, species, prompts.box))
    return found
