"""The page that needs no Python, as people meet it: a file, opened in Chromium."""

import base64
import io
import json
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from pycocotools.coco import COCO

from common.canvas.exports import coco_file
from common.checkpoint import load_checkpoint
from common.clicks.objects import Segmented
from common.clicks.prompts import pet_truth
from common.clicks.robot import centre
from common.clicks.zoom import ZoomPredictor
from common.config import CHECKPOINTS
from common.data.photos import read_photo
from common.samples import samples_to_click
from common.samples.together import beside
from common.web.page.page import build_page
from tests.browsing import DESKTOP, PHONE, Canvas, filled

pytestmark = pytest.mark.long

NAME = "point_unet"  # as `make report` builds it
SAMPLES = samples_to_click()
PAIR = ("chelsea", "german_shepherd")


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    return build_page(tmp_path_factory.mktemp("page") / "click.html", CHECKPOINTS / f"{NAME}.json")


@pytest.fixture(scope="module")
def predictor():
    """As the page has it: without a second network's opinion of portraits."""
    return ZoomPredictor(*load_checkpoint(NAME))


@pytest.fixture(scope="module")
def desktop(browser, built) -> Canvas:
    canvas = Canvas(browser, built.as_uri(), **DESKTOP)
    canvas.root.get_by_label("Opacity").fill("100")
    canvas.root.get_by_role("checkbox", name="Edge").uncheck()
    return canvas


@pytest.fixture
def canvas(desktop) -> Canvas:
    """The first photo, without a click."""
    desktop.root.locator(".cc-thumb").first.click()
    desktop.root.get_by_role("checkbox", name="Found").uncheck()  # its clicks ask the network
    desktop.root.locator("button.cc-positive").click()
    desktop.empty()
    return desktop


def size_of(sample) -> tuple[int, int]:
    return sample.image.shape[1::-1]


def downloaded(canvas: Canvas) -> np.ndarray:
    """The mask that the page hands out, (H, W) bool."""
    with canvas.page.expect_download() as download:
        canvas.use("download")
    return np.asarray(Image.open(download.value.path()).convert("L")) > 127


def saved(canvas: Canvas, form: str) -> Path:
    """A file in another form."""
    forms = canvas.root.get_by_label("Form of the file")
    forms.select_option(form)
    with canvas.page.expect_download() as download:
        canvas.use("download")
    forms.select_option("mask")
    return Path(download.value.path())


def agreement(a: np.ndarray, b: np.ndarray) -> float:
    """IoU of two masks."""
    return (a & b).sum() / (a | b).sum()


def answers(predictor, image: np.ndarray, clicks) -> np.ndarray:
    """Python's mask (H, W) under the same clicks, one after the other."""
    predictor.set_image(image)
    previous = None
    for count in range(1, len(clicks) + 1):
        points = np.array([click[:2] for click in clicks[:count]], float)
        labels = np.array([click[2] for click in clicks[:count]])
        masks, _, previous = predictor.predict(points, labels, mask_input=previous)
    return masks[0]


@pytest.mark.parametrize("number", range(len(SAMPLES)), ids=[s.name for s in SAMPLES])
def test_one_click_covers_the_pet_as_in_python(canvas, predictor, number):
    sample = SAMPLES[number]
    canvas.root.locator(".cc-thumb").nth(number).click()
    truth = pet_truth(sample.mask)
    first = centre(truth)
    canvas.click((first.x, first.y), size_of(sample))
    rows, columns = np.mgrid[: truth.shape[0], : truth.shape[1]]
    scored = (truth != 255) & ((columns - first.x) ** 2 + (rows - first.y) ** 2 > 40**2)
    shown = filled(canvas.pixels(size_of(sample)))
    least = 0.5 if sample.name == "cat_with_yarn" else 0.85
    assert agreement(shown[scored], truth[scored] == 1) >= least
    expected = answers(predictor, sample.image, [(first.x, first.y, 1)])
    assert agreement(downloaded(canvas), expected) > 0.995
    species, chance = predictor.species
    said = re.search(rf"{species}\s+(\d+) %", canvas.status)
    assert said and abs(int(said[1]) - 100 * chance) <= 25, "its classifier is rounded to bytes"


def test_clicks_refine_each_other_and_can_be_taken_back(canvas, predictor):
    sample = SAMPLES[0]
    size = size_of(sample)
    clicks = [(540, 390, 1), (660, 480, 1), (900, 120, 0)]
    masks = []
    for x, y, positive in clicks:
        canvas.click((x, y), size, button="left" if positive else "right")
        masks.append(downloaded(canvas))
    assert "3 clicks." in canvas.status
    assert agreement(masks[2], answers(predictor, sample.image, clicks)) > 0.995
    canvas.use("undo")
    assert "2 clicks." in canvas.status and (downloaded(canvas) == masks[1]).all()
    canvas.press("y")
    assert (downloaded(canvas) == masks[2]).all()
    canvas.press("c")
    assert canvas.status.startswith(("Click on the pet", "Found"))
    assert not (filled(canvas.pixels(size))).any()


def test_two_animals_leave_as_labels_and_as_coco(canvas):
    size = size_of(SAMPLES[0])
    canvas.click((540, 390), size)
    canvas.use("next")
    canvas.click((120, 640), size)
    canvas.root.get_by_role("button", name="Rename Animal 2").click()
    canvas.page.keyboard.type("Thread")
    canvas.page.keyboard.press("Enter")
    canvas.settle()
    labels = np.asarray(Image.open(saved(canvas, "labels")))
    coco = COCO(str(saved(canvas, "coco")))
    assert [one["name"] for one in coco.imgToAnns[1]] == ["Animal 1", "Thread"]
    for number, one in enumerate(coco.imgToAnns[1], 1):
        assert one["iscrowd"] == 0 and one["area"] == (labels == number).sum() > 0
        assert ((coco.annToMask(one) > 0) == (labels == number)).all()
    canvas.root.get_by_role("button", name="Hide Animal 1").click()
    canvas.settle()
    assert (downloaded(canvas) == (labels == 2)).all(), "what is hidden stays"


def test_what_is_found_before_any_click_is_taken_by_one(canvas, tmp_path):
    sample, size = SAMPLES[1], size_of(SAMPLES[1])
    place(canvas, sample.image, tmp_path / "untouched.png")
    canvas.root.get_by_role("checkbox", name="Found").check()
    canvas.page.wait_for_selector('.cc-text:text("Found 1 dog")')
    canvas.click((569, 384), size)
    taken = downloaded(canvas)
    truth = pet_truth(sample.mask)
    assert agreement(taken[truth != 255], truth[truth != 255] == 1) > 0.85
    canvas.click((900, 120), size, button="right")
    assert "2 clicks." in canvas.status and agreement(downloaded(canvas), taken) > 0.9


def test_a_box_is_answered_as_in_python_and_clicks_mend_it(canvas, predictor):
    size, box = size_of(SAMPLES[1]), (180, 40, 900, 740)
    canvas.root.locator(".cc-thumb").nth(1).click()
    canvas.empty()
    canvas.use("box")
    canvas.page.mouse.move(*np.subtract(canvas.place(box[:2], size), 0.3))
    canvas.page.mouse.down()
    canvas.page.mouse.move(*canvas.place(box[2:], size))
    canvas.page.mouse.up()
    assert canvas.status.startswith("A box.")
    predictor.set_image(SAMPLES[1].image)
    (expected,), _, previous = predictor.predict(box=np.array(box, float))
    assert agreement(downloaded(canvas), expected) > 0.99
    canvas.click((500, 300), size)
    points = np.array([[500.0, 300.0]]), np.ones(1)
    (expected,), _, _ = predictor.predict(*points, np.array(box, float), previous)
    assert agreement(downloaded(canvas), expected) > 0.99


def test_each_form_is_as_python_writes_it(canvas):
    """Soft alpha, labelme's mask and a ZIP of all, with what was painted by hand."""
    size = size_of(SAMPLES[0])
    canvas.click((540, 390), size)
    canvas.use("brush")
    canvas.click((950, 80), size)
    canvas.use("brush")
    assert "1 click and 1 stroke." in canvas.status
    mask = downloaded(canvas)
    assert mask[80, 950]
    cut = np.asarray(Image.open(saved(canvas, "cutout")))
    assert ((cut[..., 3] > 127) == mask).all() and len(np.unique(cut[..., 3])) > 50
    assert (cut[..., :3] == SAMPLES[0].image).all(), "whatever its opacity"
    shape = json.loads(saved(canvas, "labelme").read_text())["shapes"][0]
    inside = np.asarray(Image.open(io.BytesIO(base64.b64decode(shape["mask"]))))
    (x0, y0), (x1, y1) = shape["points"]
    assert (inside.astype(bool) == mask[y0 : y1 + 1, x0 : x1 + 1]).all()
    with zipfile.ZipFile(saved(canvas, "zip")) as bundle:
        assert bundle.testzip() is None and len(bundle.namelist()) > 4
        stem = bundle.namelist()[1].removeprefix("mask_")
        found = np.asarray(Image.open(io.BytesIO(bundle.read(f"mask_{stem}"))))
        assert ((found > 0) == mask).all()


def test_a_coco_file_comes_back_to_the_pixel(canvas, tmp_path):
    sample = SAMPLES[2]
    Image.fromarray(sample.image).save(tmp_path / "mine too.png")
    mask = pet_truth(sample.mask) == 1
    one = Segmented("Tom", (), np.where(mask, 5.0, -5.0), 0.5, ("cat", 1.0))
    content = coco_file([("mine too.png", [one])])
    (tmp_path / "instances.json").write_text(json.dumps(content))
    files = [tmp_path / "instances.json", tmp_path / "mine too.png"]
    canvas.root.locator('input[type="file"]').set_input_files(files)
    canvas.page.wait_for_selector('.cc-thumb[title="mine too.png"][aria-pressed="true"]')
    canvas.settle()
    assert canvas.root.locator(".cc-name").all_inner_texts() == ["Tom"]
    assert (downloaded(canvas) == mask).all()
    coco = COCO(str(saved(canvas, "coco")))
    (number,) = [i for i, each in coco.imgs.items() if each["file_name"] == "mine too.png"]
    assert (coco.annToMask(coco.imgToAnns[number][0]) == mask).all()
    canvas.click((5, 5), size_of(sample), button="right")
    assert "1 click." in canvas.status and agreement(downloaded(canvas), mask) > 0.8


def test_two_animals_of_one_photo_are_told_apart(canvas, tmp_path):
    """A cat and a dog that touch: each is found, clicked on, named and saved for itself."""
    cat, dog = (next(one for one in SAMPLES if one.name == name) for name in PAIR)
    pair = beside(cat, dog)
    size = pair.image.shape[1::-1]
    place(canvas, pair.image, tmp_path / "both.png")
    clicks = {kind: centre(truth) for kind, truth in pair.truths.items()}
    for number, (kind, click) in enumerate(clicks.items(), 1):
        if number > 1:
            canvas.use("next")
        canvas.click((click.x, click.y), size)
        assert kind in canvas.status
    labels = np.asarray(Image.open(saved(canvas, "labels")))
    for number, truth in enumerate(pair.truths.values(), 1):
        known = truth != 255
        assert agreement(labels[known] == number, truth[known] == 1) > 0.8
    coco = COCO(str(saved(canvas, "coco")))
    (photo,) = [i for i, each in coco.imgs.items() if each["file_name"] == "both.png"]
    kinds = [coco.cats[one["category_id"]]["name"] for one in coco.imgToAnns[photo]]
    assert kinds == list(pair.truths)


def test_a_small_animal_is_cut_out_as_in_python(canvas, predictor, tmp_path):
    """A seventh of the photo's width: what one look at the whole leaves of it is little."""
    sample, image = SAMPLES[1], np.full((900, 1200, 3), 200, np.uint8)
    small = np.asarray(Image.fromarray(sample.image).resize((256, 192)))
    truth = np.zeros((900, 1200), bool)
    mask = Image.fromarray(pet_truth(sample.mask) == 1).resize((256, 192))
    image[500:692, 700:956], truth[500:692, 700:956] = small, np.asarray(mask)
    place(canvas, image, tmp_path / "small.png")
    rows, columns = np.nonzero(truth)
    click = (int(np.median(columns)), int(np.median(rows)))
    canvas.click(click, (1200, 900))
    mask = downloaded(canvas)
    assert agreement(mask, truth) > 0.7
    assert agreement(mask, answers(predictor, image, [(*click, 1)])) > 0.99


@pytest.mark.parametrize("place", [(540, 390), (5, 5)])
def test_every_click_is_obeyed(canvas, place):
    """Deep in the animal or far from it, whatever the network says."""
    size = size_of(SAMPLES[0])
    canvas.click((660, 480), size)
    for button, wanted in (("right", False), ("left", True)):
        canvas.click(np.add(place, 3 * wanted), size, button=button)
        assert downloaded(canvas)[place[1] + 3 * wanted, place[0] + 3 * wanted] == wanted


def place(canvas: Canvas, image: np.ndarray, file: Path) -> None:
    """A photo into the page."""
    Image.fromarray(image).save(file)
    canvas.root.locator('input[type="file"]').set_input_files(file)
    canvas.page.wait_for_selector(f'.cc-thumb[title="{file.name}"][aria-pressed="true"]')
    canvas.settle()


def test_the_keyboard_is_enough(canvas):
    canvas.root.locator(".cc-thumb").nth(2).click()
    canvas.empty()
    canvas.press("ArrowRight", "Enter")
    assert "1 click." in canvas.status and canvas.masked((230, 160), size_of(SAMPLES[2]))


def sideways(image: np.ndarray) -> bytes:
    """A JPEG as a camera held upright writes it: on its side, with a note to turn it."""
    exif, stream = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6  # turn by 90° clockwise
    Image.fromarray(image).rotate(90, expand=True).save(stream, "jpeg", quality=95, exif=exif)
    return stream.getvalue()


def test_a_photo_of_ones_own_is_turned_upright_and_stays_here(canvas, predictor, tmp_path):
    sample = SAMPLES[1]
    content = sideways(sample.image)
    (tmp_path / "mine.jpg").write_bytes(content)
    canvas.root.locator('input[type="file"]').set_input_files(tmp_path / "mine.jpg")
    canvas.page.wait_for_selector('.cc-thumb[title="mine.jpg"][aria-pressed="true"]')
    canvas.settle()
    box = canvas.canvas.bounding_box()
    assert box["width"] / box["height"] == pytest.approx(1024 / 768, abs=0.01)
    canvas.click((500, 400), size_of(sample))
    expected = answers(predictor, read_photo(content), [(500, 400, 1)])
    assert agreement(downloaded(canvas), expected) > 0.995


def test_what_is_no_photo_is_refused_and_life_goes_on(canvas, tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"text, whatever its name")
    canvas.root.locator('input[type="file"]').set_input_files(tmp_path / "a.jpg")
    canvas.page.wait_for_selector('.cc-status[data-kind="error"]')
    assert "known kind" in canvas.status
    canvas.click((540, 390), size_of(SAMPLES[0]))
    assert "1 click." in canvas.status


def test_a_phone_sees_all_of_it(browser, built):
    canvas = Canvas(browser, built.as_uri(), color_scheme="dark", **PHONE)
    assert canvas.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    x, y = canvas.place((540, 390), size_of(SAMPLES[0]))
    canvas.page.touchscreen.tap(x, y)
    canvas.page.wait_for_selector('.cc-text:text-is("1 click.")')
    assert canvas.root.get_attribute("data-theme") == "dark"
    assert canvas.complaints == [] and canvas.outside == []
    canvas.page.context.close()


def test_nothing_is_asked_of_anyone_and_nothing_complains(canvas):
    assert canvas.outside == [] and canvas.complaints == []
