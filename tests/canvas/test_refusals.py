"""What people upload and what must not be sent: explained, and nothing changes."""

import json
import math

import numpy as np
import pytest
from PIL import Image

from common.canvas.answers import KEPT, Models, Photo
from common.canvas.messages import MAX_CLICKS
from common.canvas.session import FAILED
from common.clicks.prompts import Click, Pointed
from tests.canvas.colours import STATE, UPLOAD, Colours, encoded, scene, send_file

# Uploads


def test_an_upload_becomes_the_photo(session, ask):
    """It is read by `read_photo`, whose tests hold what people upload; so it is turned, too."""
    image = np.random.default_rng(0).integers(0, 256, (70, 30, 3), dtype=np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6  # turn it 90° clockwise to see it
    reply = send_file(ask, encoded(image, exif=exif))
    assert reply["photo"] == UPLOAD and reply["show"]["width"] == 70
    assert [each["name"] for each in reply["photos"]] == ["Square", "Plain", UPLOAD]
    assert reply["can_robot"] is False and reply["iou"] is None
    assert np.array_equal(session.photo.image, np.rot90(image, -1))
    assert ask("click", x=69, y=29, positive=True)["kind"] == "info" and session.mask[-1, -1]
    again = send_file(ask, encoded(scene()))
    assert [each["name"] for each in again["photos"]][2:] == [UPLOAD, "mine (2).png"]
    assert again["show"]["width"] == 60 and ask("photo", name="Square")["photo"] == "Square"
    assert len(ask("photo", name=UPLOAD)["clicks"]) == 1, "nothing is lost"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a text file, whatever its name", "not a photo"),
        (encoded(np.zeros((500, 500, 3), np.uint8)), "pixels"),
        (encoded(scene())[:-30], "damaged"),
        (bytes(200_001), "0.2 MB"),
        (b"", "not a photo"),
    ],
)
def test_a_bad_upload_changes_nothing(session, ask, content, reason):
    before = ask("click", x=15, y=20, positive=True)
    reply = (
        send_file(ask, content) if content else ask("upload", name="a", part=0, parts=1, data="")
    )
    assert reply["kind"] == "error" and reason in reply["status"]
    assert [reply[key] for key in STATE] == [before[key] for key in STATE]
    assert "show" not in reply and not session.failure
    assert send_file(ask, encoded(scene()))["photo"] == UPLOAD


def test_a_model_that_fails_on_an_upload_leaves_the_photo_before(session, ask, predictor):
    """The photo is chosen before the model sees it; a click then reports what is wrong."""
    send_file(ask, encoded(scene()))
    predictor.fail = RuntimeError("out of memory at 0x7f")
    reply = ask("click", x=1, y=1, positive=True)
    assert (reply["kind"], reply["status"], reply["clicks"]) == ("error", FAILED, [])


# What must not be sent

BAD = [
    None,
    3,
    "click",
    [],
    {},
    {"do": None},
    {"do": "_do_click"},
    {"do": ["open"]},
    {"do": "open"},
    {"do": "open", "seq": -1},
    {"do": "open", "seq": True},
    {"do": "open", "seq": 1.0},
    {"do": "open", "seq": 2**60},
    {"do": "open", "seq": "1"},
    {"do": "open", "seq": 1, "more": 2},
    {"do": "click", "seq": 1, "x": 1, "y": 1},
    {"do": "click", "seq": 1, "x": 1, "positive": True},
    *(
        {"do": "click", "seq": 1, "x": x, "y": 1, "positive": True}
        for x in (math.nan, math.inf, -math.inf, "1", None, True, [1], {}, 10**400, -1, 60, 1e9)
    ),
    {"do": "click", "seq": 1, "x": 1, "y": 40, "positive": True},
    {"do": "click", "seq": 1, "x": 1, "y": -0.01, "positive": True},
    *({"do": "click", "seq": 1, "x": 1, "y": 1, "positive": value} for value in (1, "yes", None)),
    {"do": "clicks", "seq": 1, "points": []},
    {"do": "clicks", "seq": 1, "points": [[1, 1, True]] * (MAX_CLICKS + 1)},
    {"do": "clicks", "seq": 1, "points": [[1, 1, True], [1, 40, True]]},
    *(
        {"do": "clicks", "seq": 1, "points": points}
        for points in (3, [3], [[1, 1]], [[1, 1, 1]], [["1", 1, True]], [[math.nan, 1, True]])
    ),
    *(
        {"do": "move", "seq": 1, "index": index, "x": x, "y": 1, "positive": True}
        for index, x in ((1, 1), (-1, 1), (0, 60), (0.0, 1))
    ),
    *(
        {"do": "paint", "seq": 1, "points": points, "radius": radius, "positive": True}
        for points, radius in (([], 3), ([[1, 1]], 0), ([[1, 1]], 61), ([[60, 1]], 3), ([[1]], 3))
    ),
    {"do": "take", "seq": 1, "number": 1, "x": 1, "y": 1},
    {"do": "photo", "seq": 1, "name": "no such"},
    {"do": "photo", "seq": 1, "name": UPLOAD},
    {"do": "photo", "seq": 1, "name": 3},
    {"do": "photo", "seq": 1, "name": "x" * 10**6},
    {"do": "model", "seq": 1, "name": "no such"},
    {"do": "model", "seq": 1, "name": "Broken"},
    {"do": "model", "seq": 1, "name": ["Colours"]},
    {"do": "upload", "seq": 1, "part": 0, "parts": 1, "data": "no base64"},
    {"do": "upload", "seq": 1, "part": 0, "parts": 1, "data": b"QUJD"},
    {"do": "upload", "seq": 1, "part": 0.0, "parts": 1, "data": ""},
    {"do": "upload", "seq": 1, "part": 0, "parts": 10**9, "data": "A" * 3_000_000},
]


@pytest.mark.parametrize("message", BAD, ids=lambda message: repr(message)[:60])
def test_bad_requests_are_answered_and_change_nothing(session, ask, message):
    before = ask("click", x=15, y=20, positive=True)
    reply = session.handle(message)
    assert reply["kind"] == "error" and 10 < len(reply["status"]) < 300
    assert not session.failure, "an unexpected error, not a considered answer"
    json.dumps(reply, allow_nan=False)
    assert [reply[key] for key in STATE] == [before[key] for key in STATE]
    assert ask("click", x=40, y=20, positive=True)["kind"] == "info"


def test_an_unexpected_error_tells_no_path_and_changes_nothing(session, ask, predictor):
    before = ask("click", x=15, y=20, positive=True)
    predictor.fail = OSError("/secret/place/weights.bin is gone")
    reply = ask("click", x=40, y=20, positive=True)
    assert reply["kind"] == "error" and reply["status"] == FAILED
    assert "secret" not in json.dumps(reply) and "secret" in str(session.failure)
    assert [reply[key] for key in STATE] == [before[key] for key in STATE]
    predictor.fail = None
    assert len(ask("click", x=40, y=20, positive=True)["clicks"]) == 2


def test_a_models_own_complaint_reaches_the_user(ask):
    assert ask("model", name="Broken")["status"] == "this model is not here; fetch it"


def test_clicks_are_bounded(ask):
    for _ in range(MAX_CLICKS):
        assert ask("click", x=1, y=1, positive=True)["kind"] == "info"
    reply = ask("click", x=1, y=1, positive=True)
    assert reply["kind"] == "error" and len(reply["clicks"]) == MAX_CLICKS


def test_what_is_remembered_is_bounded():
    predictor, photo = Colours(), Photo("p", scene())
    models = Models({"m": lambda: predictor})
    for x in range(50):
        for y in range(6):
            models.ask("m", photo, Pointed((Click(15, 20), Click(x, y))))
    assert len(models._logits) == KEPT
    predictor.depths.clear()
    models.ask("m", photo, Pointed((Click(15, 20), Click(0, 0))))
    assert predictor.depths[-1] == 2  # asked for again, from its own beginning


def test_a_score_that_is_no_number_stays_out_of_json(session, ask, predictor):
    answer = predictor.answer
    predictor.answer = lambda *args: answer(*args)._replace(scores=np.array([np.nan]))
    assert ask("click", x=1, y=1, positive=True)["score"] is None
