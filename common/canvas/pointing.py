"""What is pointed at on the photo that is shown: clicks, boxes, animals, and steps back and forth.

Points are (x, y) in pixels of the photo.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from common.canvas.album import Album
from common.canvas.animals import Animals
from common.canvas.answers import Models, Photo
from common.canvas.finding import Finder, Ghost, ghost_of
from common.canvas.messages import MAX_CLICKS
from common.canvas.pictures import shown
from common.canvas.state import State, state_of
from common.clicks.checks import check_box, check_points
from common.clicks.prompts import Click, Clicker, Stroke, next_click
from common.config import UserError

MAX_STROKES = 200  # on one animal


class Pointing:
    """The requests of a session that change what is pointed at; one that fails changes nothing."""

    _album: Album
    _models: Models
    _finder: Finder
    _now: State

    @property
    def photo(self) -> Photo:
        """The one to click on."""
        return self._now.photo

    @property
    def clicks(self) -> tuple[Click, ...]:
        """On the chosen animal, in the order they were made."""
        return self._now.animals.chosen.clicker.clicks

    def _become(self, photo: Photo, model: str, animals: Animals) -> None:
        """Ask for the masks, and only if that worked take all of it as the new state."""
        answered = animals.answered(partial(self._models.ask, model, photo))
        self._now = state_of(photo, model, answered, self._now)
        self._album.keep(photo, model, answered)

    def _change(self, animals: Animals) -> dict[str, Any]:
        self._become(self.photo, self._now.model, animals)
        return {}

    def _change_clicks(self, change: Callable[[Clicker], None]) -> dict[str, Any]:
        return self._change(self._now.animals.clicked(change))

    def _show(self, photo: Photo) -> dict[str, Any]:
        """Turn to a photo, with all that was done on it."""
        self._become(photo, self._now.model, self._album.animals(photo, self._now.model))
        return {"show": shown(photo)}

    def _visit(self, photo: Photo) -> dict[str, Any]:
        """`_show`, which can be taken back."""
        seen = self._show(photo)
        self._album.visit(photo)
        return seen

    # Requests, by their names in `messages`: each returns what to say beyond the state.

    def _do_click(self, x: float, y: float, positive: bool) -> None:
        self._do_clicks([(x, y, positive)])

    def _do_clicks(self, points: list[tuple[float, float, bool]]) -> None:
        clicks = [self._checked(*point) for point in points]
        if len(self.clicks) + len(clicks) > MAX_CLICKS:
            raise UserError(f"more than {MAX_CLICKS} clicks are of no use; undo some, or clear")

        def add(clicker: Clicker) -> None:
            for click in clicks:
                clicker.add(click)

        self._change_clicks(add)

    def _do_move(self, index: int, x: float, y: float, positive: bool) -> None:
        if not 0 <= index < len(self.clicks):
            raise UserError(f"there is no click {index} to move; there are {len(self.clicks)}")
        click = self._checked(x, y, positive)
        self._change_clicks(lambda clicker: clicker.move(index, click))

    def _checked(self, x: float, y: float, positive: bool) -> Click:
        """A click that is in the photo."""
        check_points(np.array([(x, y)]), np.ones(1), self.photo.image.shape[:2])
        return Click(x, y, positive)

    def _do_paint(self, points: list[tuple[float, float]], radius: float, positive: bool) -> None:
        if len(self._now.animals.chosen.clicker.now.strokes) >= MAX_STROKES:
            raise UserError(f"more than {MAX_STROKES} strokes are too many; undo some, or clear")
        shape = self.photo.image.shape[:2]
        check_points(np.array(points), np.ones(len(points)), shape)
        if not 0 < radius <= max(shape):
            raise UserError(f"a brush of radius {radius:g} does not fit the photo")
        stroke = Stroke(tuple(points), radius, positive)
        self._change_clicks(lambda clicker: clicker.paint(stroke))

    def _do_find(self) -> None:
        self._finder.step(self._now.model, self.photo)

    @property
    def ghosts(self) -> list[Ghost]:
        """The animals that were found on the photo, and that nobody has taken."""
        return self._finder.left(self._now.model, self.photo, self._now.animals)

    def _do_take(self, number: int, x: float, y: float) -> None:
        given, click = ghost_of(self.ghosts, number).given, self._checked(x, y, True)
        self._change(self._taken(self._now.animals, lambda clicker: clicker.take(click, given)))

    def _taken(self, animals: Animals, take: Callable[[Clicker], None]) -> Animals:
        """With one more animal, unless the chosen one is nothing yet."""
        if animals.chosen.is_pointed_at:
            animals = animals.next(self.photo.image[..., 0].size)
        return animals.clicked(take)

    def _do_take_all(self) -> None:
        animals = self._now.animals
        for ghost in self.ghosts:
            take = partial(Clicker.take, click=ghost.given.anchors[0], given=ghost.given)
            animals = self._taken(animals, take)
        self._change(animals)

    def _do_box(self, **sides: float) -> None:
        box = check_box(np.array(list(sides.values())), self.photo.image.shape[:2])
        self._change_clicks(lambda clicker: clicker.draw(box))

    def _do_robot(self) -> dict[str, Any]:
        if self.photo.truth is None:
            raise UserError("the robot must know the true mask, and of this photo it is unknown")
        click = next_click(self._now.mask, self.photo.truth, self.clicks)
        if click is None:
            return {"status": "The robot finds nothing to mend."}
        self._do_click(click.x, click.y, click.positive)
        where = "the pet" if click.positive else "what is not the pet"
        return {"status": f"The robot clicked on {where}."}

    def _do_undo(self) -> dict[str, Any]:
        return self._beyond(-1) or self._change(self._now.animals.undone())

    def _do_redo(self) -> dict[str, Any]:
        return self._beyond(1) or self._change_clicks(Clicker.redo)

    def _beyond(self, by: int) -> dict[str, Any] | None:
        """To the photo before (-1) or after (1), where nothing can be taken back on this one."""
        photo = self._album.beyond(by)
        if self._now.told()["can_undo" if by < 0 else "can_redo"] or photo is None:
            return None
        seen = self._show(photo)
        self._album.step(by)
        return seen

    def _do_clear(self) -> None:
        self._change_clicks(Clicker.clear)

    def _do_next(self) -> None:
        self._change(self._now.animals.next(self.photo.image[..., 0].size))

    def _do_choose(self, number: int) -> None:
        self._change(self._now.animals.choose(number))

    def _do_rename(self, number: int, name: str) -> None:
        self._change(self._now.animals.named(number, name))

    def _do_hide(self, number: int, hidden: bool) -> None:
        self._change(self._now.animals.hide(number, hidden))

    def _do_delete(self, number: int) -> dict[str, Any]:
        gone = self._now.animals.name_of(number)
        self._change(self._now.animals.delete(number))
        return {"status": f"{gone} is deleted; undo brings it back."}
