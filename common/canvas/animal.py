"""One animal of a photo: what points at it, and what was answered."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from common.canvas.answers import Answer
from common.clicks.prompts import Click, Clicker, Pointed


@dataclass(frozen=True, eq=False)
class Animal:
    """One of them.

    Attributes:
        number: from 1; it decides the colour.
        answer: to its own prompts and what others' clicks say of it; None: still to be asked for.
        alone: to its own prompts.
        denied: clicks on others that lie in what it would take by itself.
    """

    number: int
    name: str
    clicker: Clicker = field(default_factory=Clicker)
    hidden: bool = False
    answer: Answer | None = None
    alone: Answer | None = None
    denied: tuple[Click, ...] = ()

    @property
    def is_pointed_at(self) -> bool:
        """Whether there is anything that points at it."""
        return self.clicker.now != Pointed()

    @property
    def prompts(self) -> Pointed:
        """What the model is asked."""
        return replace(self.clicker.now, clicks=(*self.clicker.clicks, *self.denied))

    @property
    def is_given(self) -> bool:
        """Whether its mask is exactly one that came with the photo."""
        given, prompts = self.clicker.now.given, self.prompts
        return bool(given and given.fine and prompts.stands and not prompts.strokes)

    def within(self, other: Animal) -> list[Click]:
        """Those positive clicks on it that lie in what another one would take by itself."""
        assert other.alone is not None
        taken = other.alone.logits > 0
        return [c for c in self.clicker.clicks if c.positive and taken[int(c.y), int(c.x)]]

    def claims(self, other: Animal) -> bool:
        """Whether each was clicked on where the other one is."""
        return bool(self.within(other) and other.within(self))
