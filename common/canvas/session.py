"""One person's clicks on photos with a model: all of the click canvas but its drawing.

A page sends requests (`messages`), `ClickSession.handle` answers each of them with what is to be
seen now. Predictors are handed in; a photo that is uploaded lives in this object, nowhere else.

Shapes: H W pixels of the photo. Points are (x, y) in pixels of the photo.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from common.canvas.album import Album
from common.canvas.animals import Animals, segmented
from common.canvas.annotations import Annotations
from common.canvas.answers import Models, Photo
from common.canvas.finding import Finder, in_words, told
from common.canvas.forms import FORMS, file_of
from common.canvas.messages import check_envelope, check_request, short
from common.canvas.pictures import data_url, gallery, shown
from common.canvas.pointing import Pointing
from common.canvas.state import HINT, state_of
from common.canvas.uploads import Upload
from common.clicks.protocol import Predictor
from common.clicks.sam import missing_sam
from common.config import UserError
from common.data.photos import MAX_BYTES, MAX_PIXELS, read_photo

KINDS = "JPEG, PNG, WebP, AVIF, GIF, BMP or TIFF"
FAILED = "Something went wrong; the clicks are as they were. Try again, or choose another photo."


class ClickSession(Pointing):
    """Photos, models, animals, their clicks and masks, without any user interface.

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
        self._album = Album(photos, 3 * max_pixels)
        self.max_bytes, self.max_pixels = max_bytes, max_pixels
        self.failure: Exception | None = None  # the last unexpected one, for whoever debugs
        self._models = Models(models)
        self._finder = Finder(self._models)
        self._annotations = Annotations()
        self._upload = Upload(max_bytes)
        self._version = 0
        self._now = state_of(photos[0], self._models.names[0], Animals())

    @property
    def mask(self) -> np.ndarray:
        """The chosen animal, (H, W) bool; a copy. All False before the first click."""
        return self._now.mask.copy()

    @property
    def labels(self) -> np.ndarray:
        """All that are seen, (H, W) uint8: 0 none, else the place of the animal, from 1."""
        return self._now.labels

    def handle(self, message: Any) -> dict[str, Any]:
        """Do what a page asks, and say what is to be seen now; never raises.

        Args:
            message: a request as in `messages`; anything else is answered with the reason.

        Returns:
            JSON: ``seq`` and ``view`` of the request; ``version``, one more each time; ``kind``,
            "info" or "error", of the text ``status``; what `State.told` says; and, where asked
            for, ``show`` (the photo), ``photos``, ``models``, ``forms``, ``limits`` and ``file``.
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
        seen = {"worked": self._album.worked_names, **self._now.told()}
        seen["can_undo"] |= self._album.beyond(-1) is not None
        seen["can_redo"] |= self._album.beyond(1) is not None
        ghosts, searched = self.ghosts, self._finder.is_done(self._now.model, self.photo)
        seen |= {"found": told(ghosts), "can_find": not searched}
        if searched and ghosts and not self._now.animals.chosen.is_pointed_at:
            seen["status"] = in_words(ghosts)
        return {**envelope, **seen, **more}

    # Requests, by their names in `messages`: each returns what to say beyond the state.

    def _do_open(self) -> dict[str, Any]:
        text = f"{KINDS}, up to {self.max_bytes / 1e6:g} MB"
        limits = {"bytes": self.max_bytes, "text": text}
        photos = {"photos": gallery(self._album.photos), "show": shown(self.photo)}
        models = {"models": self._models.names, "absent": missing_sam()}
        return {**models, "forms": FORMS, "limits": limits, **photos}

    def _do_prepare(self) -> dict[str, Any]:
        start = time.perf_counter()
        self._models.prepare(self._now.model, self.photo)
        seconds = time.perf_counter() - start
        return {} if self._now.animals.seen else {"status": f"Ready after {seconds:.1f} s. {HINT}"}

    def _do_refine(self, photo: str) -> None:
        """Of the photo that is shown, or of another one that leaves the tool with it."""
        kept, model = self._album.photo(photo), self._now.model
        ask = partial(self._models.ask, model, kept)
        fine = self._album.animals(kept, model).answered(ask).refined(partial(ask, fine=True))
        self._album.keep(kept, model, fine)
        if kept is self.photo:
            self._now = state_of(kept, model, fine, self._now)

    def _do_photo(self, name: str) -> dict[str, Any]:
        return self._visit(self._album.photo(name))

    def _do_model(self, name: str) -> dict[str, Any]:
        if name not in self._models.names:
            raise UserError(f"no model is called {short(name)}; choose another")
        self._models.prepare(name, self.photo)
        self._become(self.photo, name, self._album.animals(self.photo, name))
        return {"status": f"{name} answers now." + ("" if self._now.animals.seen else f" {HINT}")}

    def _do_upload(self, name: str, part: int, parts: int, data: str) -> dict[str, Any]:
        content = self._upload.add(part, parts, data)
        if content is None:
            return {"status": f"Receiving the photo: {100 * (part + 1) // parts} %"}
        if name.lower().endswith(".json"):
            return self._take_coco(name, content)
        warned: list[str] = []
        image = read_photo(
            content, warn=warned.append, max_bytes=self.max_bytes, max_pixels=self.max_pixels
        )
        photo = self._album.add(name, image)
        self._fill(photo)
        seen = self._visit(photo)
        status = {"status": warned[0]} if warned else {}
        return {"photos": gallery(self._album.photos), **seen, **status}

    def _take_coco(self, name: str, content: bytes) -> dict[str, Any]:
        """A COCO file, whose animals are to be corrected, for photos that are here or will be."""
        count = self._annotations.add(name, content)
        mine = [photo for photo in self._album.photos if self._fill(photo)]
        here = sum(photo.name in self._annotations for photo in self._album.photos)
        seen = self._visit(mine[0]) if mine else {}
        status = f"{count} photos in {short(name)}, {here} of them here; add the others by name."
        return {**seen, "status": status}

    def _fill(self, photo: Photo) -> bool:
        """Put a COCO file's animals on their photo, unless there are some already."""
        model = self._now.model
        animals = self._annotations.animals(photo)
        if animals is None or any(one.is_pointed_at for one in self._of(photo).all):
            return False
        self._album.keep(photo, model, animals.answered(partial(self._models.ask, model, photo)))
        return True

    def _of(self, photo: Photo) -> Animals:
        return self._album.animals(photo, self._now.model)

    def _do_download(self, form: str) -> dict[str, Any]:
        for photo, *_ in self._album.worked if form in ("coco", "zip") else []:
            self._do_refine(photo.name)
        self._do_refine(self.photo.name)
        worked = [(photo, segmented(animals)) for photo, _, animals in self._album.worked]
        name, kind, content = file_of(form, self.photo, worked)
        return {"file": {"name": name, "url": data_url(content, kind)}}
