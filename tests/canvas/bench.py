"""The canvas in a browser without a server: its script on an empty page, a session in here.

The predictor knows colours alone, so that a mask can be told from a photo by hand.
"""

import numpy as np

from common.canvas.answers import Photo
from common.canvas.session import ClickSession
from common.canvas.widget import ClickCanvas
from tests.browsing import Canvas
from tests.canvas.colours import Colours

SIZE = (600, 400)
RED, BLUE = (400, 200), (130, 120)  # (x, y) inside the two
PAGE = """<!DOCTYPE html><html lang="en"><meta name="viewport" content="width=device-width">
<title>Canvas</title><style>STYLE</style><main><h1>Canvas</h1><div id="el"></div></main>
<script type="module">SCRIPT
const hears = [];
window.sent = [];
window.delay = 0;
render({ el: document.getElementById("el"), model: {
    on: (type, hear) => { if (type === "msg:custom") hears.push(hear); },
    send: async (request) => {
        sent.push(request);
        const reply = await answer(request);
        await new Promise((resolve) => setTimeout(resolve, delay));
        hears.forEach((hear) => hear(reply));
    } } });
</script>"""


def scene() -> np.ndarray:
    """A red square (the pet) and a blue one on grey: (400, 600, 3) uint8."""
    image = np.full((SIZE[1], SIZE[0], 3), 120, np.uint8)
    image[100:300, 300:500], image[50:190, 60:200] = (200, 40, 40), (40, 40, 200)
    return image


class Bench(Canvas):
    """A canvas with a session that the test can look into."""

    def start(self, address: str) -> None:
        self.page.set_default_timeout(15_000)
        self.session = self.make_session()
        self.page.expose_function("answer", self.session.handle)
        script, style = str(ClickCanvas._esm), str(ClickCanvas._css)
        script = script.replace("export default", "//")
        self.page.set_content(PAGE.replace("SCRIPT", script).replace("STYLE", style))

    def make_session(self) -> ClickSession:
        """Of a scene with its truth, and the same turned without one."""
        image = scene()
        truth = (image[..., 0] == 200).astype(np.uint8)
        turned = np.ascontiguousarray(image.transpose(1, 0, 2))
        photos = [Photo("Scene", image, truth, "Drawn, CC0"), Photo("Turned", turned)]
        return ClickSession(photos, {"Colours": Colours})

    @property
    def sent(self) -> list[str]:
        """What the page has asked for so far."""
        return self.page.evaluate("sent.map((request) => request.do)")

    @property
    def points(self) -> list[tuple[float, float, bool]]:
        """The clicks, as the session has them."""
        self.settle()
        return [(click.x, click.y, click.positive) for click in self.session.clicks]

    def touch(self, kind: str, *points: tuple[float, float]) -> None:
        """Fingers go down, move or (with no point) leave: a real gesture, by the browser."""
        if not hasattr(self, "_fingers"):
            self._fingers = self.page.context.new_cdp_session(self.page)
        places = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self._fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": places})
