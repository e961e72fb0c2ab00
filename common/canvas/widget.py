"""The click canvas: a photo in a notebook or on a page, and a mask that follows the clicks.

All there is to see is drawn by the scripts in ``js``; `ClickSession` does the thinking. The two
exchange custom messages and share no state at all: what is no state can neither be saved with a
notebook, nor echoed, nor lost where two clicks follow each other faster than the kernel answers.
"""

from pathlib import Path
from typing import Any

import anywidget
import numpy as np
from PIL import Image

from common.canvas.session import ClickSession
from common.config import atomic_path

HERE = Path(__file__).parent
SCRIPTS = tuple(  # parts of one module, which is all that a notebook takes
    HERE / "js" / f"{part}.js"
    for part in (
        "bytes elements view edges painter link mode screen uploads actions mouse touch keys "
        "buttons animals found box brush leave guard widget"
    ).split()
)


class ClickCanvas(anywidget.AnyWidget):
    """Shows a session, in JupyterLab, Notebook, VS Code, Colab and Voilà.

    Args:
        session: of this canvas; two views of one canvas show the same clicks.
    """

    _esm = "\n".join(script.read_text(encoding="utf-8") for script in SCRIPTS)
    _css = HERE / "widget.css"

    def __init__(self, session: ClickSession) -> None:
        super().__init__()
        self.session = session
        self.on_msg(self._answer)

    @property
    def mask(self) -> np.ndarray:
        """The pet, (H, W) bool, in pixels of the native photo; all False before any click."""
        return self.session.mask

    @property
    def points(self) -> list[tuple[float, float, int]]:
        """The clicks in order, (x, y, label): 1 the pet, 0 not the pet."""
        return [(click.x, click.y, int(click.positive)) for click in self.session.clicks]

    def save_mask(self, path: str | Path) -> Path:
        """Write the mask as a PNG of the photo's size, 255 on the pet and 0 elsewhere.

        Raises:
            UserError: the file cannot be written.
        """
        with atomic_path(path) as temporary:
            Image.fromarray(self.mask.astype(np.uint8) * 255).save(temporary, "png")
        return Path(path)

    def _answer(self, _widget: Any, content: Any, _buffers: Any) -> None:
        self.send(self.session.handle(content))

    def __repr__(self) -> str:
        """What a notebook shows that is read without a kernel."""
        return "A photo to click on, once this cell has run (it needs a kernel)."
