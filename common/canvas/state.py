"""What of a session is to be seen: a photo, its animals, their masks, and what to tell of them.

Shapes: H W pixels of the photo.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from common.canvas.animal import Animal
from common.canvas.animals import Animals, segmented
from common.canvas.answers import Photo, iou
from common.canvas.pictures import mask_url
from common.clicks.objects import label_map

HINT = "Click on the pet."


@dataclass(frozen=True, eq=False)
class State:
    """One state of a session.

    Attributes:
        masks: by an animal's number, (H, W) bool of those that are seen.
        urls: the same, as a page gets them.
        iou: of the chosen one, where the truth is known.
    """

    photo: Photo
    model: str
    animals: Animals
    masks: dict[int, np.ndarray]
    urls: dict[int, str]
    iou: float | None

    @property
    def mask(self) -> np.ndarray:
        """The chosen animal, (H, W) bool."""
        nothing = np.zeros(self.photo.image.shape[:2], bool)
        return self.masks.get(self.animals.chosen.number, nothing)

    @property
    def labels(self) -> np.ndarray:
        """All that are seen, (H, W) uint8: 0 none, else the place of the animal, from 1."""
        found = segmented(self.animals)
        return label_map(found) if found else np.zeros(self.photo.image.shape[:2], np.uint8)

    @property
    def status(self) -> str:
        """How the chosen animal is pointed at, in words."""
        one, several = self.animals.chosen, len(self.animals.all) > 1
        parts, count = ["a box"] * bool(one.clicker.box), len(one.clicker.clicks)
        if count:
            parts.append(f"{count} click{'s' * (count > 1)}")
        if count := len(one.clicker.now.strokes):
            parts.append(f"{count} stroke{'s' * (count > 1)}")
        if one.is_pointed_at and not parts:
            parts.append("a mask from a file")
        if not parts:
            return f"Click on {one.name}, or draw a box round it." if several else HINT
        text = " and ".join([", ".join(parts[:-1]), parts[-1]] if parts[1:] else parts)
        return f"{one.name}: {text}." if several else f"{text[0].upper()}{text[1:]}."

    def told(self) -> dict[str, Any]:
        """As JSON.

        Returns:
            ``status``, a sentence; ``photo`` and ``model`` by name; of the chosen animal
            ``number``, ``clicks``, ``box``, ``mask`` (the address of a PNG), ``score``, ``iou``,
            ``species`` and ``ms``, or None; ``objects``, all of them with number, name, species,
            hidden and, but for the chosen one, mask; ``can_undo``, ``can_redo``, ``can_robot``
            and ``can_refine``.
        """
        animals, one = self.animals, self.animals.chosen
        answer = one.answer if one.is_pointed_at else None
        return {
            "status": self.status,
            "photo": self.photo.name,
            "model": self.model,
            "number": one.number,
            "clicks": [asdict(click) for click in one.clicker.clicks],
            "box": one.clicker.box,
            "mask": self.urls.get(one.number),
            "score": answer and answer.score,
            "iou": self.iou,
            "species": answer and answer.species,
            "ms": answer and answer.ms,
            "objects": [self._told(each) for each in animals.all],
            "can_undo": one.clicker.can_undo or animals.deleted is not None,
            "can_redo": one.clicker.can_redo,
            "can_robot": self.photo.truth is not None,
            "can_refine": any(not (each.answer and each.answer.fine) for each in animals.seen),
        }

    def _told(self, one: Animal) -> dict[str, Any]:
        known = one.answer.species if one.answer and one.is_pointed_at else None
        chosen = one is self.animals.chosen
        return {
            "number": one.number,
            "name": one.name,
            "species": known[0] if known else None,
            "hidden": one.hidden,
            "mask": None if chosen else self.urls.get(one.number),
        }


def state_of(photo: Photo, model: str, animals: Animals, before: State | None = None) -> State:
    """A state, whose pictures are those of ``before`` where the masks are the same."""
    masks = {number: logits > 0 for number, logits in animals.logits().items()}
    old = before if before and before.photo is photo else None
    urls = {
        number: old.urls[number]
        if old and number in old.masks and np.array_equal(old.masks[number], mask)
        else mask_url(mask)
        for number, mask in masks.items()
    }
    chosen = masks.get(animals.chosen.number)
    known = None if chosen is None else iou(chosen, photo.truth)
    return State(photo, model, animals, masks, urls, known)
