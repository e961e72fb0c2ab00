"""A predictor that knows colours alone, its scene, and a page that asks a session."""

import base64
import io
import json
from collections.abc import Callable

import numpy as np
from PIL import Image

from common.canvas.session import ClickSession
from common.clicks.protocol import Found, PhotoPredictor

UPLOAD = "mine.png"
RED, BLUE, GREY = (200, 30, 30), (30, 30, 200), (120, 120, 120)
STATE = ("photo", "model", "clicks", "mask", "score", "iou", "can_undo", "can_redo")


class Colours(PhotoPredictor):
    """The pixels that have the colour of a positive click, and of no negative one.

    Its logits count the answers that led to it, so that a test sees which mask was passed back.
    """

    def __init__(self) -> None:
        super().__init__()
        self.looks, self.depths, self.fail = 0, [], None

    def mask_input(self, logits: np.ndarray) -> np.ndarray:
        return np.zeros((1, 2, 2), np.float32)

    def look(self, image: np.ndarray) -> np.ndarray:
        self.looks += 1
        return image

    def answer(self, kept, points, labels, previous, several) -> Found:
        if self.fail:
            raise self.fail
        columns, rows = points.astype(int).T
        same = (kept[None] == kept[rows, columns][:, None, None]).all(-1)  # (M, H, W)
        mask = same[labels == 1].any(0) & ~same[labels == 0].any(0)
        coarse = np.ones((1, 2, 2), np.float32) * (1 if previous is None else previous + 1)
        self.depths.append(int(coarse[0, 0, 0]))
        logits = np.where(mask, 1.0, -1.0)[None].astype(np.float32)
        return Found(logits, np.array([0.9], np.float32), coarse, ("cat", 0.75))


def scene(width: int = 60, height: int = 40) -> np.ndarray:
    """A red square (the pet) and a blue one on grey: (H, W, 3) uint8."""
    image = np.full((height, width, 3), GREY, np.uint8)
    image[10:30, 10:25], image[10:30, 35:50] = RED, BLUE
    return image


def truth() -> np.ndarray:
    """The red square is the pet; its rim is border."""
    found = np.zeros((40, 60), np.uint8)
    found[9:31, 9:26] = 255
    found[11:29, 11:24] = 1
    return found


def asker(session: ClickSession) -> Callable[..., dict]:
    """Sends requests with growing numbers; what comes back went through strict JSON."""
    numbers = iter(range(10**6))

    def send(do: str, **fields) -> dict:
        message = {"do": do, "seq": next(numbers), "view": "v", **fields}
        reply = json.loads(json.dumps(session.handle(message), allow_nan=False))
        assert (reply["seq"], reply["view"]) == (message["seq"], "v")
        return reply

    return send


def picture(url: str) -> Image.Image:
    kind, data = url.split(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    assert kind == f"data:image/{image.format.lower()}"
    return image


def encoded(image: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png", **options)
    return stream.getvalue()


def send_file(ask, content: bytes, piece: int = 999) -> dict:
    pieces = [content[at : at + piece] for at in range(0, len(content), piece)] or [b""]
    for part, data in enumerate(pieces):
        text = base64.b64encode(data).decode()
        reply = ask("upload", name=UPLOAD, part=part, parts=len(pieces), data=text)
    return reply
