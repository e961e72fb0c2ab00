"""What tests in a browser share: a server of their own, Chromium, and a page with the canvas."""

import base64
import io
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.config import ROOT

CAT, DOG = (230, 159, 0), (0, 114, 178)  # colours of the first one's fill
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {
    "viewport": {"width": 390, "height": 844},
    "has_touch": True,
    "is_mobile": True,
    "device_scale_factor": 2,
}
PAINTED = """(canvas) => new Promise((resolve) => requestAnimationFrame(() =>
    requestAnimationFrame(() => resolve(canvas.toDataURL()))))"""
CHROMIUM = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]


def filled(pixels: np.ndarray, tolerance: int = 30) -> np.ndarray:
    """Where (H, W) what is shown (H, W, 3) has the colour of a cat's or a dog's mask."""
    return np.min([np.abs(pixels - one).sum(-1) for one in (CAT, DOG)], axis=0) < tolerance


class Served(str):
    """An address, and the process that answers there."""

    server: subprocess.Popen


@contextmanager
def serving(folder: Path, *command: str, cwd: Path | None = None) -> Iterator[Served]:
    """Address of a Jupyter server of its own: ``python -m command``, its log in a folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    option = f"--Voila.port={port}" if "common.web.demo" in command else f"--port={port}"
    own = {f"JUPYTER_{kind}_DIR": str(folder / kind) for kind in ("CONFIG", "RUNTIME")}
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", *command, option],
            cwd=cwd or folder,
            env={**os.environ, **own, "PYTHONPATH": str(ROOT)},
            stdout=log,
            stderr=log,
        )
    try:
        url = Served(f"http://127.0.0.1:{port}/")
        url.server = server
        wait_for(url, server, folder / "log")
        yield url
    finally:
        server.terminate()
        server.wait(20)


def wait_for(url: str, server: subprocess.Popen, log: Path, seconds: int = 500) -> None:
    """Until a server answers, be it that there is no such page."""
    for _ in range(seconds * 5):
        assert server.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(f"{url}static/x", timeout=60)
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.2)
    raise AssertionError(log.read_text())


@contextmanager
def chromium() -> Iterator:
    """The system's Chromium, without a window."""
    program = shutil.which("chromium") or pytest.skip("needs Chromium")
    sync_playwright = pytest.importorskip("playwright.sync_api").sync_playwright
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=program, args=CHROMIUM)
        yield running
        running.close()


class Canvas:
    """One page with the widget, and what a user can do there."""

    def __init__(self, browser, address: str, **context) -> None:
        self.page = browser.new_context(**context).new_page()
        self.page.set_default_timeout(300_000)
        self.outside: list[str] = []
        self.complaints: list[str] = []
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.route(lambda url: not url.startswith(address), self._refuse)
        self.start(address)
        self.root = self.page.locator(".click-canvas")
        self.canvas = self.root.locator("canvas")
        self.settle()

    def start(self, address: str) -> None:
        """Go where the widget is."""
        self.page.goto(address)

    def _listen(self, message) -> None:
        if message.type == "error" and not message.text.startswith("Failed to load resource"):
            self.complaints.append(message.text)

    def _refuse(self, route) -> None:
        if not route.request.url.startswith(("data:", "blob:")):
            self.outside.append(route.request.url)
        route.abort()

    def settle(self) -> None:
        """Wait until all is answered and painted."""
        self.page.wait_for_selector('.click-canvas[aria-busy="false"]')

    @property
    def status(self) -> str:
        self.settle()
        return self.root.locator(".cc-status").inner_text()

    def place(self, point: tuple[int, int], size: tuple[int, int]) -> tuple[float, float]:
        """Where on the page a pixel of a photo of a size is."""
        self.canvas.scroll_into_view_if_needed()
        box = self.canvas.bounding_box()
        x, y = ((p + 0.5) / s for p, s in zip(point, size, strict=True))
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def click(self, point, size=(600, 400), **options) -> None:
        x, y = self.place(point, size)
        self.page.mouse.click(x, y, **options)
        self.settle()

    def press(self, *keys: str) -> None:
        self.canvas.focus()
        for key in keys:
            self.page.keyboard.press(key)
        self.settle()

    def use(self, name: str) -> None:
        self.root.locator(f"button.cc-{name}").click()
        self.settle()

    def reset(self) -> None:
        """First photo, first model, no clicks, a mask in one plain colour."""
        self.root.locator(".cc-thumb").first.click()
        self.root.locator(".cc-model select").select_option("Colours")
        self.root.get_by_label("Opacity").fill("100")
        self.root.get_by_role("checkbox", name="Fill").check()
        self.root.get_by_role("checkbox", name="Edge").uncheck()
        self.root.locator("button.cc-positive").click()
        self.empty()

    def empty(self) -> None:
        """No animal on this photo, and no click."""
        for _ in range(self.root.locator(".cc-list > li").count()):
            self.root.locator("button.cc-delete").first.click()
            self.settle()
        self.settle()

    def pixels(self, size: tuple[int, int] = (600, 400)) -> np.ndarray:
        """What the canvas shows, at the photo's size: (H, W, 3) int."""
        url = self.canvas.evaluate(PAINTED)
        image = Image.open(io.BytesIO(base64.b64decode(url.split(",")[1]))).convert("RGB")
        return np.asarray(image.resize(size, Image.Resampling.NEAREST), int)

    def masked(self, point: tuple[int, int], size: tuple[int, int] = (600, 400)) -> bool:
        """Whether the mask covers the surroundings of a pixel, beside a click's own mark."""
        x, y = point[0] + 30, point[1] + 30
        patch = self.pixels(size)[y - 5 : y + 5, x - 5 : x + 5]
        covered = filled(patch)
        assert covered.all() or not covered.any()
        return bool(covered.all())
