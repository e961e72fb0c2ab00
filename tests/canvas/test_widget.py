"""The click canvas without a browser: what travels, in which order, and what is never saved."""

import base64
import io
import json
import re
from pathlib import Path

import comm
import nbformat
import numpy as np
import pytest
from comm.base_comm import BaseComm
from ipywidgets import Widget
from ipywidgets.embed import embed_minimal_html
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell, new_notebook
from PIL import Image

from common.canvas.messages import REQUESTS
from common.canvas.session import ClickSession, Photo
from common.canvas.uploads import PIECE_BYTES
from common.canvas.widget import ClickCanvas
from common.config import ROOT, UserError
from tests.canvas.colours import RED, Colours, encoded, scene, truth

OUTSIDE = re.compile(r"https?://|\bimport\b|@import|url\(|fetch\(|XMLHttp|sendBeacon")
PICTURE = re.compile(r"data:image|;base64,|iVBOR|/9j/")  # as an address, or PNG or JPEG in base64


@pytest.fixture
def sent(monkeypatch) -> list[tuple[str, dict, list]]:
    """All that widgets send while a test runs: kind, data and binary buffers."""
    log: list[tuple[str, dict, list]] = []

    class Recorder(BaseComm):
        def publish_msg(self, msg_type, data=None, metadata=None, buffers=None, **keys):
            log.append((msg_type, json.loads(json.dumps(data)), buffers or []))

    monkeypatch.setattr(comm, "create_comm", Recorder)
    return log


@pytest.fixture
def canvas(sent) -> ClickCanvas:
    photos = [Photo("Square", scene(), truth(), "by me"), Photo("Plain", scene(80, 50))]
    return ClickCanvas(ClickSession(photos, {"Colours": Colours}))


def receive(canvas: ClickCanvas, do: str, seq: int = 0, **fields) -> None:
    """As if a page had sent it."""
    content = {"do": do, "seq": seq, "view": "page", **fields}
    data = {"method": "custom", "content": content}
    canvas._handle_msg({"content": {"data": data}, "buffers": []})


def upload(canvas: ClickCanvas) -> None:
    text = base64.b64encode(encoded(scene(33, 44))).decode()
    receive(canvas, "upload", name="my.png", part=0, parts=1, data=text)


def test_requests_are_answered_in_their_order(canvas, sent):
    for seq in range(20):
        receive(canvas, "click", seq, x=seq, y=20, positive=seq % 2 == 0)
    replies = [data["content"] for kind, data, _ in sent if kind == "comm_msg"]
    assert [reply["seq"] for reply in replies] == list(range(20))
    assert [len(reply["clicks"]) for reply in replies] == list(range(1, 21))
    assert [reply["version"] for reply in replies] == list(range(1, 21))
    assert canvas.points == [(seq, 20, 1 - seq % 2) for seq in range(20)]


def test_nothing_travels_in_binary_or_as_state(canvas, sent):
    """A notebook's client saves every state it sees; pictures are in messages, which it drops."""
    receive(canvas, "open")
    upload(canvas)
    receive(canvas, "click", x=15, y=20, positive=True)
    receive(canvas, "download", form="mask")
    states = [data["state"] for kind, data, _ in sent if kind == "comm_open"]
    assert states and not PICTURE.search(json.dumps(states))
    messages = [(kind, data) for kind, data, _ in sent if kind != "comm_open"]
    assert [(kind, data["method"]) for kind, data in messages] == [("comm_msg", "custom")] * 4
    assert all("state" not in data for _, data in messages)
    assert not any(buffers for _, _, buffers in sent)
    assert PICTURE.search(json.dumps(messages[-1][1]))


def test_saved_state_holds_no_picture(canvas):
    """Neither what a notebook saves nor a page that embeds its widgets."""
    upload(canvas)
    receive(canvas, "click", x=15, y=20, positive=True)
    ours = set(canvas.keys) - set(ClickCanvas.class_trait_names(sync=True))
    assert ours == {"_esm", "_css", "_anywidget_id"}
    state = Widget.get_manager_state()
    assert canvas.model_id in json.dumps(state)
    assert not PICTURE.search(json.dumps(state))
    page = io.StringIO()
    embed_minimal_html(page, views=[canvas])
    assert canvas.model_id in page.getvalue() and not PICTURE.search(page.getvalue())


CELL = """
import base64, io, sys
import numpy as np
from PIL import Image
from common.clicks.protocol import Found, PhotoPredictor
from common.canvas.session import ClickSession, Photo
from common.canvas.widget import ClickCanvas

class Everything(PhotoPredictor):
    def look(self, image):
        return np.ones((1, *image.shape[:2]), np.float32)
    def answer(self, kept, points, labels, previous, several):
        return Found(kept, np.ones(1, np.float32), kept[:, :1, :1], None)

image = np.random.default_rng(0).integers(0, 256, (40, 60, 3), dtype=np.uint8)
canvas = ClickCanvas(ClickSession([Photo("Noise", image)], {"all": Everything}))
display(canvas)
"""
USE = """
stream = io.BytesIO()
Image.fromarray(image[::-1]).save(stream, "png")
upload = dict(name="my.png", part=0, parts=1, data=base64.b64encode(stream.getvalue()).decode())
click, download = dict(x=1, y=2, positive=True), dict(form="mask")
requests = dict(open={}, upload=upload, click=click, download=download)
for do, fields in requests.items():
    content = dict(do=do, seq=1, view="page", **fields)
    data = dict(method="custom", content=content)
    canvas._handle_msg(dict(content=dict(data=data), buffers=[]))
print(canvas.session.photo.name, canvas.points, canvas.mask.all())
"""


def test_an_executed_notebook_holds_no_picture(tmp_path: Path):
    """In a real kernel, as the pipeline executes notebooks, with a photo uploaded meanwhile."""
    node = new_notebook(cells=[new_code_cell(CELL), new_code_cell(USE)])
    start = f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
    node.cells[0].source = start + CELL
    NotebookClient(node, kernel_name="python3", timeout=300, startup_timeout=300).execute()
    assert node.cells[1].outputs[0].text == "my.png [(1.0, 2.0, 1)] True\n"
    assert "widgets" in node.metadata, "the client did record states"
    assert not PICTURE.search(nbformat.writes(node))
    shown = node.cells[0].outputs[0].data
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert "0x" not in shown["text/plain"], "an address, another one at each run"


def test_mask_and_points_from_python(canvas, tmp_path: Path):
    assert not canvas.mask.any() and canvas.points == []
    receive(canvas, "click", x=15, y=20, positive=True)
    assert (canvas.mask == (scene() == RED).all(-1)).all()
    path = canvas.save_mask(tmp_path / "new" / "mask.png")
    saved = np.asarray(Image.open(path))
    assert saved.dtype == np.uint8 and (saved == 255 * canvas.mask).all()


def test_a_mask_that_cannot_be_written_says_so(canvas, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="could not be written"):
        canvas.save_mask(tmp_path / "file" / "mask.png")


@pytest.mark.parametrize("content", [None, 7, [], "open", {"do": "open"}, {"do": "x", "seq": 1}])
def test_what_is_no_request_is_answered(canvas, sent, content):
    data = {"method": "custom", "content": content}
    canvas._handle_msg({"content": {"data": data}, "buffers": [b"surplus"]})
    assert sent[-1][1]["content"]["kind"] == "error"


def test_the_page_and_python_agree():
    """Requests, limits and the promise to ask no other host, read off the source."""
    script, style = str(ClickCanvas._esm), str(ClickCanvas._css)
    assert not OUTSIDE.search(script + style)
    assert PIECE_BYTES == 3 * 2**18 and "const PIECE = 3 * 2 ** 18;" in script
    buttons = re.search(r"for \(const what of \[(.*?)\]\)", script).group(1)
    asked = re.findall(r'do: "(\w+)"', script) + re.findall(r'"(\w+)"', buttons)
    assert set(asked) == set(REQUESTS)
