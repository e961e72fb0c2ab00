"""The demo without a browser: its options exist, its page says what it must, its doors are few."""

import asyncio
import json
import os
import re
import signal
from datetime import datetime, timezone
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_client import KernelManager
from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor, TagRemovePreprocessor
from voila.app import Voila
from voila.configuration import VoilaConfiguration
from voila.execute import VoilaExecutor
from voila.paths import collect_template_paths
from voila.voila_kernel_manager import voila_kernel_manager_factory

from common.canvas.uploads import PIECE_CHARS
from common.config import ROOT
from common.data.photos import MAX_BYTES
from common.web.demo import __main__ as door
from common.web.demo import server
from common.web.demo.limits import limits
from common.web.demo.places import Places
from common.web.demo.settings import (
    HIDDEN,
    MESSAGE_BYTES,
    NOTEBOOK,
    PICTURE,
    POLICY,
    SETTINGS,
    VISITORS,
)

KERNELS = VoilaConfiguration().multi_kernel_manager_class
OWNERS = {
    "Voila": Voila,
    "VoilaConfiguration": VoilaConfiguration,
    "VoilaExecutor": VoilaExecutor,
    "VoilaKernelManager": voila_kernel_manager_factory(KERNELS, True, 1),
    "KernelManager": KernelManager,
    "MappingKernelManager": KERNELS,
    "TagRemovePreprocessor": TagRemovePreprocessor,
    "CSSHTMLHeaderPreprocessor": CSSHTMLHeaderPreprocessor,
}
PAGE = [path for path in sorted((ROOT / "common" / "web" / "demo").rglob("*")) if path.is_file()]
ELSEWHERE = re.compile(r"(?:https?:)?//(?!www\.w3\.org/2000/svg|127\.0\.0\.1)[\w.-]+\.\w+")


@pytest.fixture
def demo(monkeypatch):
    """Makes a server with options, and does not start it."""
    monkeypatch.setenv("JUPYTER_PATH", "")
    before = signal.getsignal(signal.SIGTERM)
    yield lambda *argv: server.prepare(argv)
    signal.signal(signal.SIGTERM, before)


# Options


@pytest.mark.parametrize("section", SETTINGS)
def test_every_option_is_one_of_the_installed_version(section):
    """A renamed option would be ignored in silence."""
    known = OWNERS[section].class_traits(config=True)
    assert set(SETTINGS[section]) <= set(known)


def test_only_this_machine_is_served_unless_told_otherwise(demo):
    assert demo().ip == "127.0.0.1"
    assert demo("--Voila.ip=0.0.0.0", "--Voila.port=9001").port == 9001
    assert demo("--Voila.ip=0.0.0.0").ip == "0.0.0.0"


def test_options_reach_their_places(demo):
    made = demo()
    options = made.voila_configuration
    assert options.preheat_kernel and options.strip_sources and not options.show_tracebacks
    assert options.template == "demo" and options.allow_template_override == "NO"
    culling = KERNELS(parent=made)
    assert (culling.cull_idle_timeout, culling.cull_connected) == (20 * 60, True)
    assert culling.cull_interval == 60


def test_what_else_is_configured_here_does_not_matter(demo, monkeypatch, tmp_path):
    (tmp_path / "voila.json").write_text(json.dumps({"Voila": {"ip": "0.0.0.0"}}))
    monkeypatch.setenv("JUPYTER_CONFIG_DIR", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    assert demo().ip == "127.0.0.1"


def test_messages_are_bounded_but_a_piece_of_an_upload_fits():
    bound = SETTINGS["Voila"]["tornado_settings"]["websocket_max_message_size"]
    assert PIECE_CHARS + 10_000 < bound == MESSAGE_BYTES < MAX_BYTES


def test_the_limits_that_are_told_are_those_in_force():
    told = dict(zip(limits()["limit"], limits()["value"], strict=True))
    assert told["address"] == "127.0.0.1" and told["visitors at a time"] == VISITORS
    assert told["MB of an upload"] == "20" and told["minutes of rest"] == 20


# The page


def test_our_template_comes_before_voilas(monkeypatch):
    monkeypatch.setenv("JUPYTER_PATH", str(server.TEMPLATES))
    paths = collect_template_paths(["voila", "nbconvert"], "demo", prune=True)
    names = [path.rstrip(os.sep).rpartition(os.sep)[2] for path in paths]
    assert names[:2] == ["demo", "lab"] and paths[0].startswith(str(ROOT))


@pytest.mark.parametrize("path", [p for p in PAGE if p.suffix != ".pyc"], ids=lambda p: p.name)
def test_nothing_of_the_page_is_elsewhere(path):
    assert not (found := ELSEWHERE.search(path.read_text(encoding="utf-8"))), found.group()


def test_the_browser_is_told_to_ask_nobody_else():
    sources = re.findall(r"[\w-]+-src ([^;]+)", POLICY)
    allowed = {"'self'", "'none'", "'unsafe-inline'", "'unsafe-eval'", "data:", "blob:"}
    assert sources and {word for each in sources for word in each.split()} <= allowed


@pytest.fixture(scope="module")
def cells() -> list:
    """Of notebook 09, those that the page shows."""
    node = nbformat.read(NOTEBOOK, as_version=4)
    assert node.metadata.title
    return [cell for cell in node.cells if HIDDEN not in cell.metadata.get("tags", [])]


def test_the_page_has_the_canvas_and_a_guide(cells):
    assert sum("ClickCanvas(" in cell.source for cell in cells) == 1
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for part in ("How to click", "Keyboard", "Finger", "Who answers", "memory", "CC BY 2.0"):
        assert part in text, part
    assert "colab" not in text and "make demo" not in text


def test_the_page_needs_no_formula_and_no_picture_of_the_notebook(cells):
    """Either would be asked for from elsewhere; the guide's picture is served here."""
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert not re.search(r"\$|!\[|<img|<script|<iframe", text)
    (picture,) = [cell.metadata.picture for cell in cells if "picture" in cell.metadata]
    assert picture.file == PICTURE and len(picture.alt) > 20
    (allowed,) = SETTINGS["VoilaConfiguration"]["file_allowlist"]
    assert re.fullmatch(allowed, PICTURE) and not re.fullmatch(allowed, f"x/{PICTURE}")


# Visitors


def handler(kind, kernels: int, places: Places, cookie: str | None) -> SimpleNamespace:
    """A request where two may visit and one kernel waits; what it is told stands in ``said``."""
    request = object.__new__(kind)
    request.voila_configuration = SimpleNamespace(default_pool_size=1)
    demo = SimpleNamespace(
        visitors=2, places=places, voila_configuration=request.voila_configuration
    )
    settings = {"voila": demo, "kernel_manager": range(kernels)}
    request.application = SimpleNamespace(settings=settings)
    request.said = []
    request.send_error = request.set_status = request.write = request.said.append
    request.get_cookie, request._xsrf_token = lambda _: cookie, b""
    request.set_cookie = lambda name, value, **_: request.said.append((name, value))
    request.set_header = lambda *_: None
    request.render_template = lambda name, **_: name
    return request


def visit(places: Places, cookie: str | None, path: str = "") -> list:
    request = handler(server.OnePage, 0, places, cookie)
    asyncio.run(request.get(path))
    return request.said


def ask(places: Places, cookie: str | None, kernels: int) -> object:
    request = handler(server.Place, kernels, places, cookie)
    request.post()
    return request.said[-1]


def test_only_who_asked_for_a_place_gets_a_kernel(monkeypatch):
    async def get(self) -> None:
        self.said.append("a kernel")

    monkeypatch.setattr(server.TornadoVoilaHandler, "get", get)
    places = Places()
    first, door = visit(places, None)
    assert first[0] == server.COOKIE and len(first[1]) > 20 and door == "door.html"
    assert visit(places, "a")[-1] == "door.html", "a cookie alone is no place"
    assert ask(places, None, 0) == 403
    assert ask(places, "a", 1) == {"before": 0} and visit(places, "a") == ["a kernel"]
    assert visit(places, "a")[-1] == "door.html", "once only"
    assert [visit(places, "a", path) for path in ("x", "09_demo.ipynb")] == [[404], [404]]


def test_who_comes_first_is_served_first_and_who_went_away_is_forgotten():
    seconds = [0.0]
    places = Places(lambda: seconds[0])
    assert [places.ask(who, 1) for who in "abc"] == [0, 1, 2]
    seconds[0] = 14
    assert places.ask("a", 1) == 0 and places.ask("c", 1) == 2, "a's place is kept"
    assert places.take("a") and not places.take("a")
    seconds[0] = 16  # b said nothing for longer than it may
    assert places.ask("c", 0) == 1 and places.ask("c", 1) == 0
    seconds[0] = 80
    assert places.ask("b", 1) == 0, "c never came for its place"


def test_a_kernel_that_waited_is_new_to_whom_it_is_handed_out():
    kernel = SimpleNamespace(last_activity=None)

    async def hand_out(name: str) -> tuple:
        return "task", [], "k"

    kernels = SimpleNamespace(get_rendered_notebook=hand_out, get_kernel={"k": kernel}.get)
    server.renew_at_hand_out(kernels)
    assert asyncio.run(kernels.get_rendered_notebook("n")) == ("task", [], "k")
    assert (datetime.now(timezone.utc) - kernel.last_activity).total_seconds() < 60


def test_a_missing_notebook_is_one_line(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(door, "NOTEBOOK", tmp_path / "09_demo.ipynb")
    assert door.main([]) == 2
    assert "09_demo.ipynb is missing" in capsys.readouterr().err


def test_the_command_line_is_ours_and_voilas(monkeypatch, capsys):
    started = []
    monkeypatch.setattr(server.Demo, "start", lambda demo: started.append(demo))
    before = signal.getsignal(signal.SIGTERM)
    assert door.main(["--visitors", "3", "--Voila.port=9001", "--Voila.base_url=/pets/"]) == 0
    assert door.main([]) == 0
    signal.signal(signal.SIGTERM, before)
    told = [(demo.visitors, demo.port, demo.base_url) for demo in started]
    assert told == [(3, 9001, "/pets/"), (VISITORS, 8866, "/")]
    with pytest.raises(SystemExit) as ended:
        door.main(["--help"])
    assert not ended.value.code and "--visitors" in capsys.readouterr().out
