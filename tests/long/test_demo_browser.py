"""The demo as visitors meet it: the real page and models, served as ``make demo`` serves them."""

import http.client
import json
import re
import socket
import statistics
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from common.canvas.choices import sample_photos
from common.clicks.robot import centre
from common.config import ROOT
from common.web.demo.settings import HIDDEN, PICTURE
from tests.browsing import DESKTOP, PHONE, Canvas, filled, serving
from tests.data.test_photos import png

pytestmark = pytest.mark.long

DOG = sample_photos()[1]
SIZE = DOG.image.shape[1::-1]
SECONDS = 5  # from a click to the mask on the screen, on a machine that does much else
KERNEL = 'JSON.parse(document.getElementById("jupyter-config-data").textContent).kernelId'
DEAF = """const add = window.addEventListener;
window.addEventListener = (type, ...more) =>
    type === "beforeunload" || add.call(window, type, ...more);"""
COME_BACK = "document.dispatchEvent(new Event('visibilitychange', { bubbles: true }))"
SOCKET = f"`ws://${{location.host}}/api/kernels/${{{KERNEL}}}/channels?session_id=test`"
SEND = """(size) => new Promise((resolve) => {
    const socket = new WebSocket(SOCKET);
    socket.onopen = () => socket.send("x".repeat(size));
    socket.onclose = (event) => resolve(event.code);
})""".replace("SOCKET", SOCKET)
RUN = """(code) => new Promise((resolve) => {
    const socket = new WebSocket(SOCKET);
    const header = { msg_id: "1", msg_type: "execute_request", session: "test", username: "",
                     version: "5.3", date: new Date().toISOString() };
    const content = { code, silent: false, store_history: false, user_expressions: {},
                      allow_stdin: false, stop_on_error: true };
    const message = { channel: "shell", header, parent_header: {}, metadata: {}, content };
    const heard = [];
    socket.onmessage = (event) => heard.push(event.data);
    socket.onopen = () => socket.send(JSON.stringify(message));
    setTimeout(() => { socket.close(); resolve(heard.join("\\n")); }, 3000);
})""".replace("SOCKET", SOCKET)


@pytest.fixture(scope="module")
def address(tmp_path_factory) -> Iterator[str]:
    """Where the demo is served."""
    with serving(tmp_path_factory.mktemp("demo"), "common.web.demo", cwd=ROOT) as url:
        yield url


@pytest.fixture(scope="module")
def desktop(browser, address) -> Canvas:
    return Canvas(browser, address, **DESKTOP)


@pytest.fixture
def page(desktop) -> Canvas:
    """The dog, without clicks, its mask in one plain colour."""
    choose_dog(desktop)
    return desktop


@pytest.fixture(scope="module")
def phone(browser, address) -> Canvas:
    found = Canvas(browser, address, **PHONE, color_scheme="dark")
    choose_dog(found)
    return found


def choose_dog(canvas: Canvas) -> None:
    canvas.root.get_by_title(DOG.name).click()
    canvas.page.wait_for_selector(f'.click-canvas[data-photo="{DOG.name}"]')
    canvas.root.get_by_label("Opacity").fill("100")
    canvas.root.get_by_role("checkbox", name="Edge").uncheck()
    canvas.root.locator("button.cc-positive").click()
    canvas.settle()


def inside() -> tuple[int, int]:
    """The middle of the dog."""
    click = centre(DOG.truth)
    return int(click.x), int(click.y)


def covered(canvas: Canvas) -> float:
    """IoU of what is painted in the mask's colour with the true mask, border left out."""
    painted = filled(canvas.pixels(SIZE), 40)
    truth, border = DOG.truth == 1, DOG.truth == 255
    return (painted & truth).sum() / ((painted & ~border) | truth).sum()


def fetch(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status, answer.read().decode(errors="replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode(errors="replace")


# What is there


def test_the_mask_follows_a_click_and_covers_the_dog(page):
    assert covered(page) < 0.05, "what is found before a click is outlined, not filled"
    page.click(inside(), SIZE)
    assert covered(page) > 0.75
    told = float(re.search(r"IoU (0\.\d+)", page.status)[1])
    assert told == pytest.approx(covered(page), abs=0.03)
    page.use("clear")
    assert page.status.startswith("Found"), "the dog is only lit up, to be taken again"


def test_the_page_asks_no_other_host_and_complains_of_nothing(page):
    page.page.locator(".page-picture").scroll_into_view_if_needed()
    page.page.wait_for_timeout(500)
    assert page.outside == [] and page.complaints == []


def test_no_code_no_path_and_no_hidden_cell_is_on_the_page(page, address):
    status, sent = fetch(address)
    shown = page.page.content()
    node = json.loads((ROOT / "notebooks" / "09_demo.ipynb").read_text(encoding="utf-8"))
    for cell in node["cells"]:
        hidden = cell["cell_type"] == "code" or HIDDEN in cell["metadata"].get("tags", [])
        for line in map(str.strip, cell["source"]):
            if hidden and len(line) > 25:
                assert line not in shown and line not in sent, line
    for text in (sent, shown):
        assert not re.search(r"Traceback|site-packages|\.venv|import os|/(home|root|tmp)/", text)
        assert str(ROOT) not in text and str(Path.home()) + "/" not in text
    assert status == 200 and "<h1>Click on a pet</h1>" in sent, "the door, for who runs no script"


def test_the_picture_of_the_guide_is_shown(page):
    if not (ROOT / PICTURE).is_file():
        pytest.skip("the notebook has not drawn it yet")
    picture = page.page.locator(".page-picture")
    picture.scroll_into_view_if_needed()
    page.page.wait_for_function("() => document.querySelector('.page-picture').complete")
    assert picture.evaluate("image => image.naturalWidth") > 500


def test_from_click_to_paint(page, capsys):
    """The median of ten clicks, as the page itself measures them."""
    page.click(inside(), SIZE)
    taken = []
    for turn in range(10):
        x, y = inside()
        page.click((x - 120 + 24 * turn, y), SIZE)  # none on another
        readouts = page.root.locator(".cc-readouts").inner_text()
        taken.append([int(ms) for ms in re.findall(r"(\d+) ms", readouts)])
    whole = [both for both in taken if len(both) == 2]  # none where the outline was refined since
    assert len(whole) > 5
    model, screen = (statistics.median(column) for column in zip(*whole, strict=True))
    with capsys.disabled():
        print(f"\nclick to paint: {screen:.0f} ms, of them {model:.0f} ms the model's (medians)")
    assert screen < 1000 * SECONDS


def gone(address: str, kernel: str) -> bool:
    """Whether a kernel is stopped within ten seconds."""
    for _ in range(50):
        if fetch(f"{address}api/kernels/{kernel}")[0] == 404:
            return True
        time.sleep(0.2)
    return False


def test_whoever_comes_back_after_a_long_rest_gets_a_new_kernel(browser, address):
    mine = Canvas(browser, address, **DESKTOP)
    kernel = mine.page.evaluate(KERNEL)
    mine.page.evaluate(COME_BACK)
    mine.page.wait_for_timeout(500)
    assert mine.page.evaluate(KERNEL) == kernel, "it is still there, and so is the page"
    mine.click(inside(), SIZE)
    mine.page.route("**/alive/*", lambda route: route.fulfill(status=404))
    mine.page.wait_for_selector('[role="alert"] >> text=Your kernel was stopped', timeout=3000)
    assert "1 click" in mine.status, "nothing is lost that was on the screen"
    mine.page.context.close()


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_a_server_that_ends_is_missed_within_three_seconds(browser, tmp_path, how):
    with serving(tmp_path, "common.web.demo", cwd=ROOT) as url:
        mine = Canvas(browser, url, **DESKTOP)
        getattr(url.server, how)()
        start = time.monotonic()
        mine.page.wait_for_selector('[role="alert"] >> text=server does not answer')
        assert time.monotonic() - start < 3.3, "a second between two questions, 1.8 of patience"
        mine.page.context.close()


class Deaf(Canvas):
    """A page in one of the browsers that never say that it will be left, as on some phones."""

    def start(self, address: str) -> None:
        self.page.add_init_script(DEAF)
        super().start(address)


@pytest.mark.parametrize("kind", [Canvas, Deaf])
def test_a_page_that_is_left_takes_its_kernel_along(browser, address, kind):
    """And the photo that was uploaded to it."""
    mine = kind(browser, address, **DESKTOP)
    kernel = mine.page.evaluate(KERNEL)
    mine.page.unroute_all()  # it would hold back the page's last message
    mine.page.goto("about:blank")
    assert gone(address, kernel)
    mine.page.context.close()


# A phone


def test_on_a_phone(phone):
    """Nothing is wider than the screen, buttons are as large as a finger, a tap is a click."""
    assert phone.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert phone.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    for control in phone.root.locator("button:visible, select, label").all():
        box = control.bounding_box()
        assert min(box["height"], box["width"]) >= 44, control.evaluate("it => it.outerHTML")
    phone.page.touchscreen.tap(*phone.place(inside(), SIZE))
    phone.settle()
    assert "1 click" in phone.status and covered(phone) > 0.75
    assert phone.root.get_attribute("data-theme") == "dark"
    assert phone.outside == [] and phone.complaints == []


# What must not do harm


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"text, whatever its name", "not a photo"),
        (bytes(21_000_000), "more than 20 MB"),
        (png(20_000, 20_000, 8, 2, b"\0"), "million pixels"),
    ],
    ids=["text", "large", "bomb"],
)
def test_a_bad_upload_is_explained_and_life_goes_on(page, content, reason, tmp_path):
    (tmp_path / "pet.jpg").write_bytes(content)
    page.root.locator('input[type="file"]').set_input_files(tmp_path / "pet.jpg")
    page.page.wait_for_selector('.cc-status[data-kind="error"]')
    assert reason in page.status and str(tmp_path) not in page.status
    page.click(inside(), SIZE)
    assert covered(page) > 0.75


def test_too_long_a_message_ends_its_connection_and_no_other(page, phone):
    assert phone.page.evaluate(SEND, 3_000_000) in (1006, 1009)
    page.click(inside(), SIZE)
    assert covered(page) > 0.75
    choose_dog(phone)
    phone.page.touchscreen.tap(*phone.place(inside(), SIZE))
    phone.settle()
    assert "1 click" in phone.status


def test_a_page_cannot_run_code(page, tmp_path):
    proof = tmp_path / "ran"
    heard = page.page.evaluate(RUN, f"open({str(proof)!r}, 'w').close()")
    assert not proof.exists() and "execute_reply" not in heard


FILES = "README.md notebooks/09_demo.ipynb common/config.py figures/02_samples.jpg"
FILES += " ..%2f..%2fetc/passwd"
PATHS = "09_demo.ipynb notebooks/01_data_prep.ipynb voila/tree api/contents api/kernels"
PATHS += " voila/static/..%2f..%2f..%2fapp.py api/kernels/no-such-kernel-at-all"


@pytest.mark.parametrize("path", [*PATHS.split(), *(f"voila/files/{f}" for f in FILES.split())])
def test_nothing_else_is_served(address, path):
    status, text = fetch(address + path)
    assert status in (403, 404)
    assert "Traceback" not in text and str(ROOT) not in text and "jsdelivr" not in text


def test_a_wrong_address_leads_back_to_the_page(address):
    assert "There is no such page" in fetch(f"{address}somewhere")[1]
    assert fetch(f"{address}?template=classic&theme=dark")[0] == 200


def test_only_the_loopback_address_listens(address):
    port = int(address.rstrip("/").rpartition(":")[2])
    for other in ("127.0.0.2", socket.gethostname()):
        with pytest.raises(OSError), socket.create_connection((other, port), timeout=5) as found:
            if found.getpeername()[0] == "127.0.0.1":  # a host may be called its loopback
                raise OSError


@pytest.mark.parametrize(("origin", "status"), [("http://elsewhere.example", 403), ("", 101)])
def test_another_site_cannot_use_a_visitors_kernel(page, address, origin, status):
    """Not even knowing its name, through the visitor's own browser."""
    server = http.client.HTTPConnection(address.split("/")[2], timeout=60)
    headers = {
        "Origin": origin or address.rstrip("/"),
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    path = f"/api/kernels/{page.page.evaluate(KERNEL)}/channels"
    server.request("GET", path, headers=headers)
    assert server.getresponse().status == status
    server.close()
