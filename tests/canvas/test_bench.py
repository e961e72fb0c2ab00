"""What a user does in a browser, without a server: marks, keys, files, and what is said."""

import base64
import io
from collections.abc import Iterator

import numpy as np
import pytest
from PIL import Image

from tests.browsing import DESKTOP, PHONE
from tests.canvas.bench import BLUE, RED, SIZE, Bench

pytestmark = pytest.mark.long
DROP = """([target, files]) => {
    const data = new DataTransfer();
    for (const [name, content] of files) data.items.add(new File([content], name));
    const tell = (type) => document.querySelector(target).dispatchEvent(new DragEvent(type,
        { dataTransfer: data, bubbles: true, cancelable: true }));
    tell("dragenter");
    const marked = document.querySelector(".click-canvas").classList.contains("cc-drop");
    return [marked, tell("drop")];
}"""
PASTE = """(content) => {
    const data = new DataTransfer(), bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt());
    data.items.add(new File([bytes], "image.png", { type: "image/png" }));
    document.body.dispatchEvent(new ClipboardEvent("paste",
        { clipboardData: data, bubbles: true, cancelable: true }));
}"""
BURST = """(canvas, points) => {
    const box = canvas.getBoundingClientRect();
    for (const [x, y] of points) canvas.dispatchEvent(new PointerEvent("pointerdown", {
        clientX: box.left + x * box.width / 600, clientY: box.top + y * box.height / 400,
        isPrimary: true, pointerType: "mouse", bubbles: true }));
}"""


@pytest.fixture(scope="module")
def desktop(browser) -> Iterator[Bench]:
    yield Bench(browser, "about:", **DESKTOP)


@pytest.fixture
def canvas(desktop) -> Iterator[Bench]:
    desktop.reset()
    desktop.press("0", "Escape", "c")
    desktop.page.evaluate("sent.length = 0")
    yield desktop
    assert desktop.complaints == []


def png(width: int = 30, height: int = 20) -> str:
    stream = io.BytesIO()
    Image.fromarray(np.full((height, width, 3), 90, np.uint8)).save(stream, "png")
    return base64.b64encode(stream.getvalue()).decode()


def test_rapid_clicks_are_answered_twice(canvas):
    canvas.page.evaluate("delay = 200")
    points = [[310 + 20 * (turn % 9), 120 + 15 * turn] for turn in range(10)]
    canvas.canvas.evaluate(BURST, points)
    assert len(canvas.points) == 10 and canvas.sent[:2] == ["click", "clicks"]
    canvas.page.evaluate("delay = 0")
    assert np.allclose([point[:2] for point in canvas.points], points, atol=0.6)
    canvas.use("undo")
    assert len(canvas.points) == 9


def test_a_mark_is_moved_and_none_piles_up_on_it(canvas):
    canvas.click(RED)
    canvas.click((RED[0] + 3, RED[1]))
    assert len(canvas.points) == 1
    canvas.click(RED, button="right")
    assert [positive for _, _, positive in canvas.points] == [False]
    x, y = canvas.place(RED, SIZE)
    canvas.page.mouse.move(x, y)
    canvas.page.mouse.down()
    canvas.page.mouse.move(*canvas.place(BLUE, SIZE), steps=3)
    canvas.page.mouse.up()
    ((x, y, positive),) = canvas.points
    assert (x, y) == pytest.approx(np.add(BLUE, 0.5), abs=0.6) and positive
    canvas.press("Escape")
    assert canvas.masked(BLUE)


def test_keys_follow_the_mode_and_step_back_and_forth_everywhere(canvas):
    canvas.click(RED)
    canvas.use("negative")
    canvas.press("Shift+ArrowLeft", "Enter")
    assert [positive for _, _, positive in canvas.points] == [True, False]
    canvas.press("Control+z")
    assert len(canvas.points) == 1
    canvas.root.locator("button.cc-robot").focus()
    canvas.page.keyboard.press("Control+y")
    assert len(canvas.points) == 2
    canvas.press("Meta+z", "Meta+Shift+z")
    assert len(canvas.points) == 2
    canvas.root.get_by_title("Turned").click()
    canvas.page.wait_for_selector('.click-canvas[data-photo="Turned"]')
    assert canvas.root.locator("button.cc-positive").get_attribute("aria-pressed") == "true"
    canvas.press("Control+z")
    canvas.page.wait_for_selector('.click-canvas[data-photo="Scene"]')
    assert len(canvas.points) == 2, "undo across photos, whose clicks are kept"


def test_what_is_read_out_says_what_is_covered_and_no_milliseconds(canvas):
    canvas.click(RED)
    canvas.settle()
    said = canvas.root.get_by_role("status").inner_text()
    assert "1 click." in said and "17 % of the photo covered" in said and "ms" not in said


def test_files_come_by_drop_and_paste_and_each_refusal_says_why(canvas):
    files = [["notes.txt", "text"], ["empty.png", ""]]
    assert canvas.page.evaluate(DROP, ["h1", files]) == [True, False], "anywhere on the page"
    canvas.page.wait_for_selector(".cc-text >> text=of 2 files taken")
    assert canvas.status.startswith("0 of 2 files taken. notes.txt: not a photo of a known kind")
    assert "empty.png: not a photo" in canvas.status
    assert canvas.root.locator(".cc-drop").count() == 0
    for name in ("image.png", "image (2).png"):
        canvas.page.evaluate(PASTE, png())
        canvas.page.wait_for_selector(f'.click-canvas[data-photo="{name}"]')
    canvas.settle()
    assert canvas.root.locator(".cc-thumb").count() == 4


def test_leaving_with_clicks_asks_first(canvas):
    leaves = "() => dispatchEvent(new Event('beforeunload', { cancelable: true }))"
    canvas.click(RED)
    assert canvas.page.evaluate(leaves) is False
    with canvas.page.expect_download():
        canvas.use("download")
    assert canvas.page.evaluate(leaves) is True


def test_a_phone_on_its_side_shows_the_photo_and_the_buttons_beside_it(browser):
    side = Bench(browser, "about:", **{**PHONE, "viewport": {"width": 844, "height": 390}})
    side.canvas.evaluate("canvas => canvas.scrollIntoView()")
    box = side.canvas.bounding_box()
    buttons = side.root.locator("button.cc-positive, button.cc-undo").all()
    places = [button.bounding_box() for button in buttons]
    assert box["width"] > 480 and box["y"] > -1 and box["y"] + box["height"] <= 390
    assert all(place["x"] > box["x"] + box["width"] for place in places)
    assert all(place["y"] + place["height"] <= 390 for place in places)
    assert side.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    side.page.context.close()
