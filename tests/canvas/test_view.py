"""Zoom and pan in a browser, by mouse, fingers and keys: where a click falls, what is seen."""

import numpy as np
import pytest

from tests.browsing import filled
from tests.canvas.bench import RED, SIZE, Bench

pytestmark = pytest.mark.long
ZOOM = "() => Number(document.querySelector('.cc-whole').textContent.replace('×', ''))"


def zoom(canvas: Bench) -> float:
    canvas.page.wait_for_timeout(150)  # until the edge is drawn anew
    return canvas.page.evaluate(ZOOM)


def corner(canvas: Bench) -> tuple[float, float]:
    box = canvas.canvas.bounding_box()
    return box["x"], box["y"]


def test_the_wheel_zooms_where_it_points_and_clicks_fall_between_pixels(canvas):
    """Three notches: e^0.6 times as large; the photo's point under the pointer stays there."""
    x, y = map(round, canvas.place(RED, SIZE))  # a wheel knows whole pixels
    canvas.page.mouse.move(x, y)
    for _ in range(3):
        canvas.page.mouse.wheel(0, -100)
    assert zoom(canvas) == pytest.approx(np.exp(0.6), abs=0.06)
    canvas.page.mouse.click(x, y)
    canvas.page.mouse.click(x + 31, y)  # CSS pixels
    (first, second) = canvas.points
    assert first[:2] == pytest.approx(np.add(RED, 0.5), abs=0.5)
    scale = SIZE[0] / canvas.canvas.bounding_box()["width"] / np.exp(0.6)
    assert second[0] - first[0] == pytest.approx(31 * scale, abs=0.01)
    canvas.press("0")
    assert zoom(canvas) == 1


def test_the_wheel_is_the_pages_until_the_canvas_is_used(canvas):
    x, y = canvas.place(RED, SIZE)
    canvas.root.locator("button.cc-undo").focus()
    canvas.page.mouse.move(x, y)
    canvas.page.mouse.wheel(0, -100)
    assert zoom(canvas) == 1
    canvas.canvas.focus()
    canvas.page.mouse.wheel(0, 100)  # no farther
    assert zoom(canvas) == 1


def test_space_and_the_middle_button_drag(canvas):
    canvas.press("+", "+")  # round the middle
    x, y = canvas.place((300, 200), SIZE)
    canvas.page.keyboard.down(" ")
    canvas.page.mouse.move(x, y)
    canvas.page.mouse.down()
    canvas.page.mouse.move(x - 40, y + 10, steps=4)
    canvas.page.mouse.up()
    canvas.page.keyboard.up(" ")
    canvas.page.mouse.down(button="middle")
    canvas.page.mouse.move(x - 80, y + 20, steps=4)
    canvas.page.mouse.up(button="middle")
    assert canvas.points == []
    canvas.page.mouse.click(x - 80, y + 20)  # what was in the middle has come here
    assert canvas.points[0][:2] == pytest.approx((300.5, 200.5), abs=0.6)


def test_keys_alone(canvas):
    """The crosshair's step is a part of what is seen, and the view goes along with it."""
    canvas.press(*["+"] * 9)
    assert zoom(canvas) == pytest.approx(16 * 600 / canvas.canvas.bounding_box()["width"], 0.05)
    canvas.press(*["Shift+ArrowRight"] * 40, "Enter", "-", "0")
    ((x, y, _),) = canvas.points
    assert y == 200 and 360 < x < 600 and zoom(canvas) == 1


def test_buttons_say_how_near_the_photo_is(canvas):
    whole = canvas.root.locator("button.cc-whole")
    assert whole.get_attribute("aria-disabled") == "true"
    canvas.use("nearer")
    assert whole.inner_text() == "1.5×"
    canvas.use("nearer")
    canvas.use("farther")
    canvas.use("whole")
    assert whole.inner_text() == "1×"


def test_the_mask_is_as_crisp_as_the_photo_when_it_is_near(canvas):
    """From the fill to what is beside it is one step, not a slope."""
    canvas.click(RED)
    x, y = canvas.place((300, 110), SIZE)
    canvas.canvas.focus()
    canvas.page.mouse.move(x, y)
    for _ in range(20):
        canvas.page.mouse.wheel(0, -100)
    assert zoom(canvas) > 8
    size = tuple(int(canvas.canvas.get_attribute(side)) for side in ("width", "height"))
    row = canvas.pixels(size)[size[1] // 2]
    assert filled(row).any() and not filled(row, 60).all()
    steps = np.flatnonzero(np.abs(np.diff(row, axis=0)).sum(-1) > 6)
    assert len(steps) < 4, "no slope of many pixels, which enlarging would make"


def test_two_fingers_zoom_and_one_drags_what_is_zoomed(phone):
    left, top = corner(phone)
    phone.touch("touchStart", (left + 100, top + 100))
    phone.touch("touchStart", (left + 100, top + 100), (left + 200, top + 100))
    phone.touch("touchMove", (left + 50, top + 100), (left + 250, top + 100))
    phone.touch("touchEnd")
    assert zoom(phone) == 2 and phone.points == []
    phone.touch("touchStart", (left + 150, top + 100))
    phone.touch("touchMove", (left + 150, top + 140))
    phone.touch("touchMove", (left + 110, top + 140))
    phone.touch("touchEnd")
    assert phone.points == [] and phone.page.evaluate("scrollY") == 0
    scale = SIZE[0] / phone.canvas.bounding_box()["width"]
    phone.page.touchscreen.tap(left + 110, top + 140)
    assert phone.points[0][:2] == pytest.approx((150 * scale, 100 * scale), abs=1)


def test_one_finger_scrolls_the_page_or_aims_if_it_rests(phone):
    phone.page.evaluate("document.body.style.paddingBottom = '2000px'")
    left, top = corner(phone)
    phone.touch("touchStart", (left + 100, top + 200))
    for step in range(1, 10):
        phone.touch("touchMove", (left + 100, top + 200 - 15 * step))
    phone.touch("touchEnd")
    phone.page.wait_for_timeout(300)
    assert phone.page.evaluate("scrollY") > 60 and phone.points == []
    phone.page.evaluate("scrollTo(0, 0)")
    phone.touch("touchStart", (left + 100, top + 200))
    phone.page.wait_for_timeout(600)
    phone.touch("touchMove", (left + 100, top + 150))
    phone.touch("touchEnd")
    scale = SIZE[0] / phone.canvas.bounding_box()["width"]
    assert phone.page.evaluate("scrollY") == 0
    assert phone.points[0][:2] == pytest.approx((100 * scale, 150 * scale), abs=1)
