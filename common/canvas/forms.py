"""The forms in which a session's masks leave it, each as one file.

What is hidden stays. The names of the files follow from the photos'.
"""

import io
import json
import re
import zipfile
from collections.abc import Callable, Mapping, Sequence

from PIL import Image

from common.canvas.answers import Photo
from common.canvas.exports import coco_file, cutout, labelme_file, png
from common.clicks.objects import Segmented, label_map
from common.config import UserError

KINDS = {"png": "image/png", "json": "application/json", "zip": "application/zip"}
Worked = Sequence[tuple[Photo, list[Segmented]]]
"""Photos and their animals."""


def stem_of(name: str) -> str:
    """A photo's name as part of a file's."""
    return re.sub(r"\W+", "_", re.sub(r"\.\w{2,5}$", "", name.lower()))


def _mask(photo: Photo, animals: list[Segmented]) -> bytes:
    white = Image.fromarray(label_map(animals) > 0)
    return png(white)


def _labels(photo: Photo, animals: list[Segmented]) -> bytes:
    return png(Image.fromarray(label_map(animals)))


def _cutout(photo: Photo, animals: list[Segmented]) -> bytes:
    return png(cutout(photo.image, animals))


def _labelme(photo: Photo, animals: list[Segmented]) -> bytes:
    return _json(labelme_file(photo.name, animals))


def _json(content: object) -> bytes:
    return json.dumps(content).encode()


PHOTO_FORMS: Mapping[str, tuple[Callable[[Photo, list[Segmented]], bytes], str, str]] = {
    "mask": (_mask, "mask_{}.png", "Mask (PNG)"),
    "labels": (_labels, "labels_{}.png", "Label map (PNG)"),
    "cutout": (_cutout, "cutout_{}.png", "Cut-out (PNG)"),
    "labelme": (_labelme, "{}.json", "labelme (JSON)"),
}
FORMS = {name: text for name, (_, _, text) in PHOTO_FORMS.items()} | {
    "coco": "COCO of all photos (JSON)",
    "zip": "All photos, all forms (ZIP)",
}


def file_of(form: str, photo: Photo, worked: Worked) -> tuple[str, str, bytes]:
    """Name, kind and content of a file.

    Args:
        form: one of `FORMS`.
        photo: the one that is shown.
        worked: all photos with animals that are seen.

    Raises:
        UserError: there is no such form, or nothing to write.
    """
    if form not in FORMS:
        raise UserError(f"no form is called {form!r}; choose one of: {', '.join(FORMS)}")
    shown = [one for one in worked if one[0] is photo]
    if not (shown if form in PHOTO_FORMS else worked):
        raise UserError("there is no mask yet: click on an animal, or show it again")
    if form in PHOTO_FORMS:
        make, name, _ = PHOTO_FORMS[form]
        name, content = name.format(stem_of(photo.name)), make(*shown[0])
    elif form == "coco":
        name, content = "instances.json", _coco(worked)
    else:
        name, content = "masks.zip", _zip(worked)
    return name, KINDS[name.rpartition(".")[2]], content


def _coco(worked: Worked) -> bytes:
    return _json(coco_file((photo.name, animals) for photo, animals in worked))


def _zip(worked: Worked) -> bytes:
    stream, taken = io.BytesIO(), set()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as bundle:  # PNGs are packed already
        bundle.writestr("instances.json", _coco(worked))
        for photo, animals in worked:
            stem = stem_of(photo.name)
            while stem in taken:
                stem += "_"
            taken.add(stem)
            for make, name, _ in PHOTO_FORMS.values():
                bundle.writestr(name.format(stem), make(photo, animals))
    return stream.getvalue()
