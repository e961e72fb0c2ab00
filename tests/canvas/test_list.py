"""Several animals, boxes and what leaves the tool in a browser: by mouse, fingers and keys."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from common.canvas.answers import Photo
from common.canvas.choices import available_models
from common.canvas.session import ClickSession
from common.clicks.robot import centre
from common.config import mask_iou
from common.samples import load_samples
from common.samples.together import beside
from tests.browsing import DESKTOP
from tests.canvas.bench import BLUE, RED, SIZE, Bench, scene
from tests.canvas.test_found import Seeing

pytestmark = pytest.mark.long
SHADE = (255, 209, 122)  # of the second cat
RED_BOX = (300, 100, 500, 300)


@pytest.fixture
def phone(phone) -> Bench:
    """With masks that hide the photo."""
    phone.root.get_by_label("Opacity").fill("100")
    return phone


def rows(canvas: Bench) -> list[str]:
    """The list as it is read."""
    canvas.settle()
    return [" ".join(text.split()) for text in canvas.root.locator(".cc-choose").all_inner_texts()]


def colour(canvas: Bench, point: tuple[int, int]) -> list[int]:
    """What is seen beside a mark."""
    canvas.page.wait_for_timeout(150)
    return canvas.pixels(SIZE)[point[1] + 40, point[0] + 40].tolist()


def downloaded(canvas: Bench, form: str) -> Path:
    canvas.root.get_by_label("Form of the file").select_option(form)
    with canvas.page.expect_download() as download:
        canvas.use("download")
    return Path(download.value.path())


def test_two_animals_each_with_its_colour_and_its_clicks(canvas):
    canvas.click(RED)
    canvas.use("next")
    canvas.click(BLUE)
    assert rows(canvas) == ["Animal 1 cat", "Animal 2 cat"]
    assert "Animal 2: 1 click." in canvas.status
    assert np.allclose(colour(canvas, BLUE), SHADE, atol=6) and canvas.masked(RED)
    canvas.press("1", "u")
    assert canvas.points == [] and np.allclose(colour(canvas, BLUE), SHADE, atol=6)
    canvas.press("y", "n", "2")
    assert len(canvas.points) == 1 and canvas.points[0][0] == pytest.approx(BLUE[0], abs=1)


def test_names_hiding_and_deleting(canvas):
    canvas.click(RED)
    canvas.press("n")
    canvas.click(BLUE)
    canvas.root.get_by_role("button", name="Rename Animal 2").click()
    canvas.page.keyboard.type("Rex u")  # a letter of the canvas's own among them
    canvas.page.keyboard.press("Enter")
    assert rows(canvas)[1] == "Rex u cat" and len(canvas.points) == 1
    assert not canvas.root.locator(".cc-newname:visible").count(), "Enter ends it"
    hide = canvas.root.get_by_role("button", name="Hide Animal 1")
    hide.click()
    canvas.settle()
    assert hide.get_attribute("aria-pressed") == "true" and not canvas.masked(RED)
    canvas.root.get_by_role("button", name="Delete Rex u").click()
    canvas.settle()
    assert rows(canvas) == ["Animal 1 cat"]
    canvas.press("u")
    assert rows(canvas) == ["Animal 1 cat", "Rex u cat"]


def test_a_box_by_mouse_is_no_click_and_is_undone(canvas):
    canvas.use("box")
    (x0, y0), (x1, y1) = canvas.place(RED_BOX[:2], SIZE), canvas.place(RED_BOX[2:], SIZE)
    canvas.page.mouse.move(x1, y1)
    canvas.page.mouse.down()
    canvas.page.mouse.move(x0 + 9, y0 + 5)
    canvas.page.mouse.move(x0, y0)
    canvas.page.mouse.up()
    canvas.settle()
    assert canvas.session.photo.name == "Scene" and canvas.points == []
    assert canvas.status.startswith("A box.") and canvas.masked(RED) and not canvas.masked(BLUE)
    assert canvas.root.locator("button.cc-box").get_attribute("aria-pressed") == "false"
    canvas.click((310, 110), button="right")
    assert "A box and 1 click." in canvas.status
    canvas.press("u", "u")
    assert not canvas.masked(RED) and canvas.status.startswith("Click on")


def test_a_box_by_keys(canvas):
    canvas.press("b", *["Shift+ArrowUp"] * 3, "Enter", *["Shift+ArrowDown"] * 6)
    canvas.press(*["Shift+ArrowRight"] * 6, "Enter")
    assert canvas.status.startswith("A box.") and canvas.masked(RED)
    canvas.press("c", "b", "Escape", "Enter")
    assert "1 click." in canvas.status, "Escape ends the box"


def test_brush_and_eraser_by_mouse_keys_and_undo(canvas):
    canvas.click(RED)
    canvas.use("brush")
    canvas.page.mouse.move(*canvas.place((100, 300), SIZE))
    canvas.page.mouse.down()
    canvas.page.mouse.move(*canvas.place((200, 300), SIZE), steps=4)
    canvas.page.mouse.up()
    assert "1 click and 1 stroke." in canvas.status and canvas.session.mask[300, 100:200].all()
    canvas.root.locator("button.cc-eraser").click()
    canvas.press("]", "]", "Enter", *["Shift+ArrowRight"] * 3, "Enter")  # from the centre
    assert "2 strokes" in canvas.status and not canvas.session.mask[200, 305:380].any()
    canvas.press("e")
    canvas.click((480, 280))
    assert len(canvas.points) == 2 and canvas.session.mask[300, 150], "later clicks respect it"
    assert not canvas.session.mask[200, 340] and canvas.session.mask[380, 20], "told to the model"
    labels = np.asarray(Image.open(downloaded(canvas, "labels")))
    assert (labels > 0)[300, 150] and not labels[200, 340]
    canvas.press("u", "u")
    assert canvas.session.mask[200, 340] and canvas.session.mask[300, 150]
    canvas.press("u")
    assert not canvas.session.mask[300, 150]


def test_a_brush_by_finger(phone):
    phone.root.locator("button.cc-brush").tap()
    phone.canvas.scroll_into_view_if_needed()
    phone.touch("touchStart", phone.place((100, 300), SIZE))
    for x in (130, 160, 200):
        phone.touch("touchMove", phone.place((x, 300), SIZE))
    phone.touch("touchEnd")
    phone.page.wait_for_selector('.cc-text:text-is("1 stroke.")')
    assert phone.session.mask[300, 100:200].all() and phone.points == []


def test_a_box_by_finger_and_a_list_that_fits(phone):
    phone.root.locator("button.cc-box").tap()
    phone.canvas.scroll_into_view_if_needed()
    first, last = phone.place(RED_BOX[:2], SIZE), phone.place(RED_BOX[2:], SIZE)
    phone.touch("touchStart", first)
    for step in np.linspace(first, last, 5):
        phone.touch("touchMove", tuple(step))
    phone.touch("touchEnd")
    phone.page.wait_for_selector('.cc-text:text-is("A box.")')
    assert phone.masked(RED) and not phone.masked(BLUE)
    phone.root.locator("button.cc-next").tap()
    phone.settle()
    assert phone.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    assert phone.root.locator(".cc-icon").first.bounding_box()["height"] >= 44


def test_the_outline_is_refined_once_the_user_rests(canvas):
    canvas.click(RED)
    canvas.page.wait_for_function("() => sent.at(-1).do === 'refine'")
    canvas.settle()
    assert canvas.session._now.animals.chosen.answer.fine and "1 click." in canvas.status
    count = canvas.page.evaluate("() => sent.length")
    canvas.page.wait_for_timeout(1500)
    assert canvas.page.evaluate("() => sent.length") == count, "and only once"


def test_each_form_and_all_photos_in_one_file(canvas):
    canvas.click(RED)
    canvas.root.get_by_title("Turned").click()
    canvas.settle()
    canvas.click(BLUE[::-1], SIZE[::-1])
    opaque = np.asarray(Image.open(downloaded(canvas, "cutout")))[..., 3]
    assert (opaque[60:200, 50:190] > 127).all() and opaque[300, 200] < 128
    assert np.asarray(Image.open(downloaded(canvas, "labels"))).max() == 1
    assert json.loads(downloaded(canvas, "labelme").read_text())["imagePath"] == "Turned"
    coco = COCO(str(downloaded(canvas, "coco")))
    assert [one["file_name"] for one in coco.dataset["images"]] == ["Scene", "Turned"]
    assert (coco.annToMask(coco.imgToAnns[1][0]) == (scene()[..., 0] == 200)).all()
    assert downloaded(canvas, "zip").read_bytes()[:2] == b"PK"
    assert not canvas.root.locator("progress").is_visible() and canvas.complaints == []


class Composite(Bench):
    """The real models, on a photo of a cat and a dog."""

    def start(self, address: str) -> None:
        super().start(address)
        self.page.set_default_timeout(300_000)

    def make_session(self) -> ClickSession:
        samples = load_samples()
        self.pair = beside(samples[2], samples[1])
        photo = Photo("cat and dog.jpg", self.pair.image, credit=self.pair.credit)
        return ClickSession([photo], available_models())


def test_click_the_cat_then_the_dog_and_export_two_annotations(browser):
    """What is read by COCO's own tool are the two animals."""
    canvas = Composite(browser, "about:", **DESKTOP)
    size = canvas.pair.image.shape[1::-1]
    for kind, truth in canvas.pair.truths.items():
        if kind == "dog":
            canvas.use("next")
        middle = centre(truth)
        canvas.click((int(middle.x), int(middle.y)), size)
    coco = COCO(str(downloaded(canvas, "coco")))
    masks = [coco.annToMask(one) > 0 for one in coco.imgToAnns[1]]
    for (kind, truth), mask in zip(canvas.pair.truths.items(), masks, strict=True):
        assert mask_iou(mask, truth) > 0.85, kind
    assert not (masks[0] & masks[1]).any()
    canvas.page.context.close()


class Seen(Bench):
    """With a model that finds both squares by itself."""

    def make_session(self) -> ClickSession:
        return ClickSession([Photo("Scene", scene())], {"Seeing": Seeing})

    def start(self, address: str) -> None:
        super().start(address)
        self.page.wait_for_selector(".cc-text >> text=Found 2 cats")


def test_what_is_found_lights_up_under_the_pointer_and_is_taken_by_a_click(browser):
    canvas = Seen(browser, "about:", **DESKTOP)
    canvas.root.get_by_label("Opacity").fill("100")
    assert not canvas.masked(RED) and not canvas.masked(BLUE)
    canvas.page.mouse.move(*canvas.place(RED, SIZE))
    assert canvas.masked(RED) and not canvas.masked(BLUE), "a preview"
    canvas.click(RED)
    assert canvas.status.startswith("1 click.") and canvas.masked(RED)
    canvas.press("n", *["Shift+ArrowLeft"] * 9, *["Shift+ArrowUp"] * 3, "Enter")
    assert rows(canvas) == ["Animal 1 cat", "Animal 2 cat"] and len(canvas.points) == 1
    assert "take" in canvas.sent and "find" in canvas.sent
    canvas.empty()
    canvas.use("all")
    assert len(rows(canvas)) == 2 and canvas.complaints == []
    canvas.page.context.close()
