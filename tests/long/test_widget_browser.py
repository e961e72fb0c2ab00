"""The click canvas as people meet it: in a browser, through Voilà, with mouse, finger and keys."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import pytest
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from tests.browsing import PHONE, Canvas, filled, serving

pytestmark = pytest.mark.long

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


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """Where Voilà serves the notebook."""
    folder = with_notebook(tmp_path_factory.mktemp("voila"))
    with serving(folder, "voila", "demo.ipynb", "--no-browser") as url:
        yield url


@pytest.fixture(scope="module")
def desktop(browser, address) -> Canvas:
    return Canvas(browser, address, viewport={"width": 1000, "height": 1000})


@pytest.fixture
def canvas(desktop) -> Canvas:
    desktop.reset()
    return desktop


@pytest.fixture(scope="module")
def phone(browser, address) -> Canvas:
    return Canvas(browser, address, **PHONE, color_scheme="dark")


def both(canvas: Canvas) -> tuple[bool, bool]:
    return canvas.masked(RED), canvas.masked(BLUE)


def test_the_mask_covers_what_is_clicked_and_nothing_else(canvas):
    assert both(canvas) == (False, False)
    canvas.click(RED)
    rows, columns = np.mgrid[:400, :600]
    inside = ((columns - 400) / 120) ** 2 + ((rows - 200) / 90) ** 2
    shown = filled(canvas.pixels())
    mark = (columns - 400) ** 2 + (rows - 200) ** 2 < 15**2
    assert shown[(inside < 0.94) & ~mark].all()
    assert not shown[inside > 1.06].any()
    assert re.search(r"1 click.*IoU 1\.000.*dog 80 %.*\d ms.*\d ms", canvas.status, re.S)


def test_right_and_shift_click_and_the_toggle_are_negative(canvas):
    for undone in range(3):
        canvas.click(RED)
        canvas.click(BLUE)
        assert both(canvas) == (True, True)
        if undone == 2:
            canvas.use("negative")
        shift, button = ["Shift"] * (undone == 0), "right" if undone == 1 else "left"
        for key in shift:
            canvas.page.keyboard.down(key)
        canvas.click(BLUE, button=button)
        for key in shift:
            canvas.page.keyboard.up(key)
        assert both(canvas) == (True, False)
        canvas.use("undo")
        assert both(canvas) == (True, True)
        canvas.use("redo")
        assert both(canvas) == (True, False)
        canvas.use("clear")
        assert both(canvas) == (False, False)


def test_fill_and_edge_can_be_turned_off(canvas):
    plain = canvas.pixels()
    canvas.click(RED)
    canvas.root.get_by_role("checkbox", name="Fill").uncheck()
    beside = np.zeros((400, 600), bool)
    beside[:, 415:] = True
    assert (canvas.pixels() == plain)[beside].all()
    canvas.root.get_by_role("checkbox", name="Edge").check()
    changed = (canvas.pixels() != plain).any(-1) & beside
    assert 300 < changed.sum() < 4000 and not changed[160:240, 430:480].any()
    canvas.root.get_by_role("checkbox", name="Fill").check()


def test_keys(canvas):
    canvas.root.locator(".cc-model select").focus()
    canvas.page.keyboard.press("Tab")
    focus = "canvas => canvas === document.activeElement && getComputedStyle(canvas).outlineStyle"
    assert canvas.canvas.evaluate(focus) == "solid", "the canvas has the focus, which can be seen"
    canvas.press(*["Shift+ArrowRight"] * 3, "ArrowUp", "Enter")  # from the centre to the red one
    assert both(canvas) == (True, False)
    canvas.press("u")
    assert both(canvas) == (False, False)
    canvas.press("y", *["Shift+ArrowLeft"] * 9, *["Shift+ArrowUp"] * 3, "Enter")
    assert both(canvas) == (True, True)
    canvas.press("Shift+Enter")
    assert both(canvas) == (True, False)
    canvas.press("c", "Escape")
    assert canvas.status.startswith("Click on")


def test_another_photo(canvas):
    assert canvas.root.locator(".cc-credit").inner_text() == "Scene. Photo: Drawn by a test, CC0"
    canvas.click(RED)
    canvas.root.get_by_title("Turned").click()
    canvas.settle()
    box = canvas.canvas.bounding_box()
    assert box["width"] / box["height"] == pytest.approx(400 / 600, abs=0.01)
    assert canvas.root.locator(".cc-credit").inner_text() == "Turned"
    assert not canvas.root.locator(".cc-robot").is_visible()
    turned = RED[::-1], (400, 600)
    assert not canvas.masked(*turned)
    canvas.click(*turned)
    assert canvas.masked(*turned)
    assert "IoU" not in canvas.status


def test_the_robot_and_another_model(canvas):
    canvas.use("robot")
    assert both(canvas) == (True, False) and "robot clicked on the pet" in canvas.status
    canvas.click(BLUE)
    canvas.root.locator(".cc-model select").select_option("Last")
    canvas.settle()
    assert both(canvas) == (False, True)


def noise(height: int = 900, width: int = 1300) -> bytes:
    """A PNG of more than one piece: noise, but for a plain disk in its middle."""
    image = np.random.default_rng(0).integers(0, 90, (height, width, 3), dtype=np.uint8)
    rows, columns = np.mgrid[:height, :width]
    image[(columns - width // 2) ** 2 + (rows - height // 2) ** 2 < 300**2] = (250, 200, 30)
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png")
    return stream.getvalue()


def test_upload_click_download(canvas, tmp_path: Path):
    content = noise()
    assert 2e6 < len(content) < 6e6
    (tmp_path / "my photo.png").write_bytes(content)
    canvas.root.locator('input[type="file"]').set_input_files(tmp_path / "my photo.png")
    canvas.page.wait_for_selector('.cc-thumb[title="my photo.png"][aria-pressed="true"]')
    centre, size = (650, 450), (1300, 900)
    canvas.click(centre, size)
    assert canvas.masked(centre, size)
    with canvas.page.expect_download() as download:
        canvas.use("download")
    assert download.value.suggested_filename == "mask_my_photo.png"
    mask = np.asarray(Image.open(download.value.path()))
    expected = np.asarray(Image.open(io.BytesIO(content)))[..., 0] == 250
    assert (mask.astype(bool) == expected).all()


def test_rapid_clicks_keep_their_order_and_the_last_one_wins(canvas):
    """Twelve in one go, alternately on red and blue, to a model that obeys the last one only."""
    canvas.root.locator(".cc-model select").select_option("Last")
    canvas.settle()
    turns = [(turn, RED if turn % 2 else BLUE) for turn in range(12)]
    points = [(x - 55 + 10 * turn, y) for turn, (x, y) in turns]
    assert canvas.canvas.evaluate(BURST, points) == "true", "they are on their way"
    early = canvas.pixels()
    marks = [early[y, x] for x, y in points]
    assert all(np.abs(mark - 255).max() < 40 for mark in marks), "and all of them to be seen"
    assert "12 clicks" in canvas.status
    assert both(canvas) == (True, False)
    canvas.use("undo")
    assert both(canvas) == (False, True)


def test_a_page_that_is_opened_anew_starts_at_the_beginning(browser, address, canvas):
    """Voilà gives every page its own kernel: nobody sees another one's photo."""
    canvas.click(RED)
    other = Canvas(browser, address, viewport={"width": 700, "height": 800})
    assert other.status.startswith(("Ready", "Click"))
    assert other.root.locator(".cc-thumb").count() == 2
    other.page.context.close()


def test_fingers_on_a_phone(phone):
    phone.reset()
    page = phone.page
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert phone.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    page.touchscreen.tap(*phone.place(RED, (600, 400)))
    phone.settle()
    assert both(phone) == (True, False)
    page.touchscreen.tap(*phone.place(BLUE, (600, 400)))
    phone.settle()
    phone.root.locator("button.cc-negative").tap()
    page.touchscreen.tap(*phone.place((BLUE[0] - 40, BLUE[1]), (600, 400)))
    phone.settle()
    assert both(phone) == (True, False) and "3 clicks" in phone.status
    assert phone.root.get_attribute("data-theme") == "light", "as the page around it"
    assert phone.complaints == []


class Lab(Canvas):
    """The same in JupyterLab, where the widget stands below its cell."""

    def start(self, address: str) -> None:
        self.page.goto(f"{address}lab/tree/demo.ipynb?token=secret")
        self.page.wait_for_selector('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        self.run(0)

    def run(self, cell: int) -> None:
        """Run a cell; the kernel may be idle before JupyterLab lets it work."""
        prompt = self.page.locator(".jp-InputPrompt").nth(cell)
        while prompt.inner_text() == "[ ]:":
            self.page.locator(".jp-Cell .cm-content").nth(cell).click()
            self.page.keyboard.press("Control+Enter")
            self.page.wait_for_timeout(300)

    def cells(self) -> tuple[int, int]:
        """How many cells there are, and how many are selected."""
        cells = self.page.locator(".jp-Notebook .jp-Cell")
        return cells.count(), self.page.locator(".jp-Notebook .jp-Cell.jp-mod-selected").count()


def test_in_jupyterlab(browser, tmp_path: Path):
    """Clicks and keys are the widget's alone, and what it shows is not saved."""
    command = "jupyterlab", "--allow-root", "--no-browser", "--IdentityProvider.token=secret"
    end = "import os\nos.kill(os.getpid(), 9)"
    with serving(with_notebook(tmp_path, end), *command) as address:
        lab = Lab(browser, address, viewport={"width": 1100, "height": 1200})
        lab.reset()
        lab.click(RED)
        lab.click(BLUE)
        lab.page.keyboard.down("Shift")
        lab.click(BLUE)
        lab.page.keyboard.up("Shift")
        assert both(lab) == (True, False)
        lab.click(RED, button="right")
        assert both(lab) == (False, False) and not lab.page.locator(".lm-Menu").count()
        lab.press("u", "u", "y", "ArrowDown", "Enter", "Shift+Enter", "u", "c", "u")
        assert both(lab) == (True, False) and "3 clicks" in lab.status  # one set on another
        assert lab.cells() == (3, 1), "no key or click was JupyterLab's"
        lab.run(1)
        lab.page.wait_for_selector(".jp-OutputArea-output >> text=(300.0, 204.0, 1)]")
        lab.click(RED)  # the canvas has the focus again
        lab.page.keyboard.press("Control+s")  # which is JupyterLab's own
        lab.page.wait_for_selector(".jp-mod-current:not(.jp-mod-dirty)")
        saved = (tmp_path / "demo.ipynb").read_text()
        assert "widget-view" in saved and not re.search(r"data:image|;base64,|iVBOR", saved)
        lab.page.locator(".jp-Cell .cm-content").nth(2).click()
        lab.page.keyboard.press("Control+Enter")
        lab.page.wait_for_selector(".cc-text >> text=The kernel is gone", timeout=30_000)
        lab.page.context.close()
