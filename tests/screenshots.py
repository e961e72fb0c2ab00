"""Pictures of the demo for the README, of the real page: ``python -m tests.screenshots``.

Writes figures/09_demo_desktop.webp and figures/09_demo_phone.webp.
"""

import io
import tempfile
from pathlib import Path

from PIL import Image

from common.config import FIGURES, ROOT, atomic_path
from common.samples import samples_to_click
from tests.browsing import DESKTOP, PHONE, Canvas, chromium, serving

BY_HAND = (640, 390), (600, 600)  # where the first photo is clicked on, the robot in between

TIMELESS = """() => {  // milliseconds are of the machine that took the picture
    scrollTo(0, 0);
    for (const one of document.querySelectorAll(".cc-readout")) {
        if (one.textContent.endsWith(" ms")) one.remove();
    }
}"""


def take(folder: Path = FIGURES) -> list[Path]:
    """Open the page in both sizes, click, and write what is to be seen into a folder."""
    size = samples_to_click()[0].image.shape[1::-1]
    written = []
    with (
        tempfile.TemporaryDirectory() as place,
        chromium() as browser,
        serving(Path(place), "common.web.demo", cwd=ROOT) as address,
    ):
        for name, context in (("desktop", DESKTOP), ("phone", PHONE)):
            canvas = Canvas(browser, address, **context)
            canvas.click(BY_HAND[0], size)
            canvas.use("robot")
            canvas.click(BY_HAND[1], size)
            canvas.page.evaluate(TIMELESS)
            written.append(folder / f"09_demo_{name}.webp")
            picture = Image.open(io.BytesIO(canvas.page.screenshot()))
            with atomic_path(written[-1]) as path:
                picture.save(path, "webp", quality=82, method=6)
            canvas.page.context.close()
    return written


if __name__ == "__main__":
    print(*(path.relative_to(ROOT) for path in take()), sep="\n")
