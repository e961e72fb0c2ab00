"""What pages send and notebooks are given: answered, or refused in one line."""

import base64
import json
from pathlib import Path

import hypothesis.strategies as st
import pytest

from common.canvas.answers import Models, Photo
from common.canvas.messages import REQUESTS
from common.canvas.session import ClickSession
from common.pipeline.notebook import read_notebook
from common.pipeline.parameters import assign
from tests.canvas.colours import Colours, scene, truth
from tests.fuzzing import JSON, damaged, survive
from tests.long.test_fuzz_files import photos
from tests.pipeline.projects import write_notebook

pytestmark = pytest.mark.long

# Messages of a page

FIELDS = sorted({"do", "seq", "view", "more", *(f for each in REQUESTS.values() for f in each)})
BROKEN = st.dictionaries(st.sampled_from(FIELDS), JSON | st.sampled_from(list(REQUESTS)))
REQUEST = st.fixed_dictionaries(
    {"do": st.sampled_from(list(REQUESTS)), "seq": st.integers(0, 99)},
    optional={
        "x": st.floats(-5, 65),
        "y": st.floats(-5, 45),
        "positive": st.booleans(),
        "radius": st.floats(-1, 70),
        "number": st.integers(0, 3),
        "points": st.lists(st.lists(st.floats(-1, 45), min_size=2, max_size=2), max_size=4),
        "name": st.sampled_from(["Square", "Plain", "Others", "Broken", "photo"]),
    },
)
NEEDED = REQUEST.map(
    lambda message: {
        key: value
        for key, value in message.items()
        if key in ("do", "seq") or key in REQUESTS[message["do"]]
    }
)


@st.composite
def upload(draw: st.DrawFn) -> list[dict]:
    """A file in pieces, some of them lost, doubled, spoilt or of a false number."""
    content = draw(st.sampled_from(photos()) | damaged(photos()))
    size = draw(st.integers(1, 400))
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    messages = [
        {
            "do": "upload",
            "seq": n,
            "name": "",
            "part": n,
            "parts": len(pieces),
            "data": base64.b64encode(piece).decode(),
        }
        for n, piece in enumerate(pieces)
    ]
    for _ in range(draw(st.integers(0, 2)) if messages else 0):
        message = draw(st.sampled_from(messages))
        key = draw(st.sampled_from(["part", "parts", "data", "seq"]))
        message[key] = draw(JSON | st.sampled_from([0, -1, 10**9, "A" * 2_000_000, "é", "=="]))
    return messages


def test_messages(record_property) -> None:
    """Each is answered in strict JSON, nothing unexpected happens, and the session goes on."""
    shown = [Photo("Square", scene(), truth()), Photo("Plain", scene(80, 50))]

    def attempt(messages: list) -> None:
        session = ClickSession(
            shown, {"Colours": Colours, "Others": Colours}, max_bytes=4000, max_pixels=10_000
        )
        for count, message in enumerate(messages, 1):
            reply = session.handle(message)
            json.dumps(reply, allow_nan=False)
            assert not session.failure, repr(session.failure)
            assert reply["kind"] == "info" or 0 < len(reply["status"]) < 400
            assert session.mask.shape == session.photo.image.shape[:2]
            assert session.photo.image.size <= 30_000
            assert reply["version"] == count
            chosen = session._now.animals.chosen
            assert (reply["mask"] is None) == (chosen.hidden or not chosen.is_pointed_at)
            if len(session._now.animals.all) == 1 and not chosen.hidden:  # others would count too
                prompts = chosen.prompts
                fresh = Models({"m": Colours}).ask("m", session.photo, prompts)
                assert (fresh.mask == session.mask).all(), "the mask depends on the clicks alone"
        good = session.handle({"do": "click", "seq": 1, "x": 1, "y": 1, "positive": True})
        assert good["kind"] == "info" or len(session.clicks) == 50

    one = NEEDED | REQUEST | BROKEN | JSON
    inputs = st.lists(one, min_size=1, max_size=6) | upload()
    survive(record_property, inputs, attempt, 700)


# Parameters of notebooks


def test_parameters(tmp_path: Path, record_property) -> None:
    """``-p NAME.key=value``: what is taken has the type that the notebook declares."""
    declared = "train = True\ndata_root = 'x'\nepochs = 3\nlr = 0.1\nsizes = [1, 2]\nstart = None"
    (tmp_path / "notebooks").mkdir()
    notebooks = [
        read_notebook(write_notebook(tmp_path, name, parameters=declared))
        for name in ("01_prep", "02_model")
    ]
    known = notebooks[0].declared
    who = st.sampled_from(["*", "01_prep", "02", "[", "*a*a*a*a*b", "", "01_prep.x", "**" * 99])
    key = st.sampled_from([*known, "nothing", "", "__class__"])
    value = JSON.map(json.dumps) | st.sampled_from(
        ["", "True", "NaN", "-Infinity", "1e400", "9" * 5000, "[" * 100_000, "null", "=", "\n"]
    )
    written = st.builds("{}.{}={}".format, who, key, value | st.text(max_size=9))

    def attempt(overrides: list[str]) -> None:
        given = assign(notebooks, {"*": {"train": False}}, overrides)
        for parameters in given.values():
            assert parameters.keys() <= known.keys()
            for name, found in parameters.items():
                kinds = (float, int) if name == "lr" else (type(known[name]),)
                assert known[name] is None or type(found) in kinds

    inputs = st.lists(written | st.text(max_size=30), min_size=1, max_size=3)
    survive(record_property, inputs, attempt, 500)
