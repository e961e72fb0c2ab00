"""The click canvas as people meet it: in a browser, through Voilà, with mouse, finger and keys."""

import io
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browsing import PHONE, Canvas, filled, serving
from tests.long.shown import BLUE, BURST, RED, both, with_notebook

pytestmark = pytest.mark.long


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
