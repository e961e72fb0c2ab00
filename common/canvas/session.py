"""One person's clicks on one photo with one model: all of the click canvas but its drawing.

A page sends requests (`messages`), `ClickSession.handle` answers each of them with what is to be
seen now. Predictors are handed in; a photo that is uploaded lives in this object, nowhere else.

Shapes: H W pixels of the photo. Points are (x, y) in pixels of the photo.
"""

import copy
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from common.canvas.answers import Answer, Models, Photo
from common.canvas.messages import check_envelope, check_request, short
from common.canvas.pictures import gallery, mask_url, shown
from common.canvas.uploads import Upload
from common.clicks.prompts import Click, Clicker, next_click
from common.clicks.protocol import Predictor
from common.config import UserError
from common.data.photos import MAX_BYTES, MAX_PIXELS, read_photo

UPLOAD = "Your photo"
MAX_CLICKS = 50
HINT = "Click on the pet."
FAILED = "Something went wrong; the clicks are as they were. Try again, or choose another photo."


@dataclass(frozen=True, eq=False)
class _State:
    """All that a request may change; one that fails leaves the old state in place."""

    photo: Photo
    model: str
    clicker: Clicker
    answer: Answer
    url: str | None = None  # the mask as a page gets it


class ClickSession:
    """Photos, models, the clicks and the mask, without any user interface.

    Args:
        photos: to choose from; the first is shown.
        models: by the name that is shown, what loads a predictor of this session's own; called
            once, when first needed. The first is used.
        max_bytes, max_pixels: limits of an upload.

    Raises:
        UserError: there is no photo or no model, or two photos have one name.
    """

    def __init__(
        self,
        photos: Sequence[Photo],
        models: Mapping[str, Callable[[], Predictor]],
        *,
        max_bytes: int = MAX_BYTES,
        max_pixels: int = MAX_PIXELS,
    ) -> None:
        self._photos = {photo.name: photo for photo in photos}
        if not photos or len(self._photos) < len(photos) or UPLOAD in self._photos:
            raise UserError(f"there must be a photo, each with its own name, none {UPLOAD!r}")
        self.max_bytes, self.max_pixels = max_bytes, max_pixels
        self.failure: Exception | None = None  # the last unexpected one, for whoever debugs
        self._models = Models(models)
        self._upload = Upload(max_bytes)
        self._version = 0
        self._become(photos[0], self._models.names[0], Clicker())

    @property
    def mask(self) -> np.ndarray:
        """The pet, (H, W) bool; a copy. All False before the first click."""
        return self._state.answer.mask.copy()

    @property
    def photo(self) -> Photo:
        """The one to click on."""
        return self._state.photo

    @property
    def clicks(self) -> tuple[Click, ...]:
        """In the order they were made."""
        return self._state.clicker.clicks

    def handle(self, message: Any) -> dict[str, Any]:
        """Do what a page asks, and say what is to be seen now; never raises.

        Args:
            message: a request as in `messages`; anything else is answered with the reason.

        Returns:
            JSON: ``seq`` and ``view`` of the request; ``version``, one more each time; ``kind``,
            "info" or "error", of the text ``status``; ``photo`` and ``model`` by name; ``clicks``;
            ``mask``, the address of a PNG or None; ``score``, ``iou``, ``species``, ``ms`` or
            None; ``can_undo``, ``can_redo``, ``can_robot``; and, where asked for, ``show``
            (the photo), ``photos``, ``models``, ``limits`` and ``file``.
        """
        self._version += 1
        seq, view = check_envelope(message)
        kind = "error"
        try:
            do, fields = check_request(message)
            more = getattr(self, f"_do_{do}")(**fields) or {}
            kind = "info"
        except UserError as error:
            more = {"status": str(error)}
        except Exception as error:  # its text may name paths, and helps nobody on a page
            self.failure, more = error, {"status": FAILED}
        envelope = {"seq": seq, "view": view, "version": self._version, "kind": kind}
        return {**envelope, **self._to_see(), **more}

    def _to_see(self) -> dict[str, Any]:
        """The state as JSON."""
        state, count = self._state, len(self.clicks)
        return {
            **state.answer.told(),
            "status": f"{count} click{'s' * (count > 1)}." if count else HINT,
            "photo": state.photo.name,
            "model": state.model,
            "clicks": [asdict(click) for click in self.clicks],
            "mask": state.url,
            "can_undo": state.clicker.can_undo,
            "can_redo": state.clicker.can_redo,
            "can_robot": state.photo.truth is not None,
        }

    def _become(self, photo: Photo, model: str, clicker: Clicker) -> None:
        """Ask for the mask, and only if that worked take all of it as the new state."""
        answer = self._models.ask(model, photo, clicker.clicks)
        url = mask_url(answer.mask) if clicker.clicks else None
        self._state = _State(photo, model, clicker, answer, url)

    def _change_clicks(self, change: Callable[[Clicker], None]) -> None:
        clicker = copy.deepcopy(self._state.clicker)
        change(clicker)
        self._become(self.photo, self._state.model, clicker)

    # Requests, by their names in `messages`: each returns what to say beyond the state.

    def _do_open(self) -> dict[str, Any]:
        text = f"JPEG, PNG or WebP, up to {self.max_bytes / 1e6:g} MB"
        limits = {"bytes": self.max_bytes, "text": text}
        photos = {"photos": gallery(self._photos.values()), "show": shown(self.photo)}
        return {"models": self._models.names, "limits": limits, **photos}

    def _do_prepare(self) -> dict[str, Any]:
        start = time.perf_counter()
        self._models.prepare(self._state.model, self.photo)
        seconds = time.perf_counter() - start
        return {} if self.clicks else {"status": f"Ready after {seconds:.1f} s. {HINT}"}

    def _do_click(self, x: float, y: float, positive: bool) -> None:
        height, width = self.photo.image.shape[:2]
        if not (0 <= x < width and 0 <= y < height):
            size = f"{width} pixels wide and {height} high"
            raise UserError(f"({x:g}, {y:g}) is not in the photo, which is {size}")
        if len(self.clicks) >= MAX_CLICKS:
            raise UserError(f"more than {MAX_CLICKS} clicks are of no use; undo some, or clear")
        self._change_clicks(lambda clicker: clicker.add(Click(x, y, positive)))

    def _do_robot(self) -> dict[str, Any]:
        if self.photo.truth is None:
            raise UserError("the robot must know the true mask, and of this photo it is unknown")
        click = next_click(self._state.answer.mask, self.photo.truth, self.clicks)
        if click is None:
            return {"status": "The robot finds nothing to mend."}
        self._do_click(click.x, click.y, click.positive)
        where = "the pet" if click.positive else "what is not the pet"
        return {"status": f"The robot clicked on {where}."}

    def _do_undo(self) -> None:
        self._change_clicks(Clicker.undo)

    def _do_redo(self) -> None:
        self._change_clicks(Clicker.redo)

    def _do_clear(self) -> None:
        self._change_clicks(Clicker.clear)

    def _do_photo(self, name: str) -> dict[str, Any]:
        if name not in self._photos:
            raise UserError(f"no photo is called {short(name)}; choose another")
        self._become(self._photos[name], self._state.model, Clicker())
        return {"show": shown(self.photo)}

    def _do_model(self, name: str) -> dict[str, Any]:
        if name not in self._models.names:
            raise UserError(f"no model is called {short(name)}; choose another")
        self._models.prepare(name, self.photo)
        self._become(self.photo, name, self._state.clicker)
        return {"status": f"{name} answers now." + ("" if self.clicks else f" {HINT}")}

    def _do_upload(self, part: int, parts: int, data: str) -> dict[str, Any]:
        content = self._upload.add(part, parts, data)
        if content is None:
            return {"status": f"Receiving the photo: {100 * (part + 1) // parts} %"}
        told: list[str] = []
        image = read_photo(
            content, warn=told.append, max_bytes=self.max_bytes, max_pixels=self.max_pixels
        )
        photo = Photo(UPLOAD, image)
        self._become(photo, self._state.model, Clicker())
        self._photos[UPLOAD] = photo
        status = {"status": told[0]} if told else {}
        return {"photos": gallery(self._photos.values()), "show": shown(photo), **status}

    def _do_download(self) -> dict[str, Any]:
        stem = re.sub(r"\W+", "_", self.photo.name.lower())
        return {"file": {"name": f"mask_{stem}.png", "url": mask_url(self.mask, longest=None)}}
