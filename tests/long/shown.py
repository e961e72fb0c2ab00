"""A notebook that shows the canvas, with a predictor that knows colours alone."""

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_notebook

from tests.browsing import Canvas

CELL = '''
import time
import numpy as np
from common.clicks.protocol import Found, PhotoPredictor
from common.canvas.session import ClickSession, Photo
from common.canvas.widget import ClickCanvas

class Colours(PhotoPredictor):
    """Pixels with the colour of a positive click and of no negative one."""

    def look(self, image):
        return image.astype(int)

    def same(self, kept, point):
        return np.abs(kept - kept[int(point[1]), int(point[0])]).sum(-1) < 40

    def answer(self, kept, points, labels, previous, several):
        mask = np.zeros(kept.shape[:2], bool)
        for point in points[labels == 1]:
            mask |= self.same(kept, point)
        for point in points[labels == 0]:
            mask &= ~self.same(kept, point)
        logits = np.where(mask, 1, -1)[None].astype(np.float32)
        return Found(logits, np.full(1, 0.9, np.float32), logits[:, ::9, ::9], ("dog", 0.8))

class Last(Colours):
    """The last click alone counts, and takes its time."""

    def answer(self, kept, points, labels, previous, several):
        time.sleep(0.03)
        return super().answer(kept, points[-1:], labels[-1:], previous, several)

rows, columns = np.mgrid[:400, :600]
image = np.full((400, 600, 3), (130, 130, 120), np.uint8)
red = ((columns - 400) / 120) ** 2 + ((rows - 200) / 90) ** 2 < 1
blue = (columns - 130) ** 2 + (rows - 120) ** 2 < 70**2
image[red], image[blue] = (200, 40, 40), (40, 40, 200)
photos = [
    Photo("Scene", image, red.astype(np.uint8), "Drawn by a test, CC0"),
    Photo("Turned", np.ascontiguousarray(image.transpose(1, 0, 2))),
]
session = ClickSession(photos, {"Colours": Colours, "Last": Last}, max_bytes=6_000_000)
canvas = ClickCanvas(session)
canvas
'''
RED, BLUE = (400, 200), (130, 120)  # (x, y) inside the two
BURST = """(canvas, points) => {
    const box = canvas.getBoundingClientRect();
    for (const [x, y] of points) canvas.dispatchEvent(new PointerEvent("pointerdown", {
        clientX: box.left + x * box.width / 600, clientY: box.top + y * box.height / 400,
        isPrimary: true, pointerType: "mouse", bubbles: true }));
    return new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(() =>
        resolve(canvas.closest(".click-canvas").getAttribute("aria-busy")))));
}"""


def with_notebook(folder: Path, *more: str) -> Path:
    """A folder, with a notebook that shows the canvas, and more cells."""
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    cells = [new_code_cell(CELL), new_code_cell("print(canvas.points)")]
    cells += [new_code_cell(source) for source in more]
    nbformat.write(new_notebook(cells=cells, metadata=kernel), folder / "demo.ipynb")
    return folder


def both(canvas: Canvas) -> tuple[bool, bool]:
    return canvas.masked(RED), canvas.masked(BLUE)
