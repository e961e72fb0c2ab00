"""A session answers whatever a page sends, in JSON, and survives what a page must not send."""

import base64
import io
import json
import math
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from common.canvas.answers import KEPT, Models, Photo, iou
from common.canvas.messages import MAX_CLICKS, REQUESTS, check_envelope, check_request
from common.canvas.pictures import THUMB, mask_url, photo_url
from common.canvas.session import FAILED, HINT, ClickSession
from common.clicks.prompts import Click, Pointed
from common.clicks.protocol import Found, PhotoPredictor
from common.config import UserError

UPLOAD = "mine.png"
RED, BLUE, GREY = (200, 30, 30), (30, 30, 200), (120, 120, 120)
STATE = ("photo", "model", "clicks", "mask", "score", "iou", "can_undo", "can_redo")


class Colours(PhotoPredictor):
    """The pixels that have the colour of a positive click, and of no negative one.

    Its logits count the answers that led to it, so that a test sees which mask was passed back.
    """

    def __init__(self) -> None:
        super().__init__()
        self.looks, self.depths, self.fail = 0, [], None

    def mask_input(self, logits: np.ndarray) -> np.ndarray:
        return np.zeros((1, 2, 2), np.float32)

    def look(self, image: np.ndarray) -> np.ndarray:
        self.looks += 1
        return image

    def answer(self, kept, points, labels, previous, several) -> Found:
        if self.fail:
            raise self.fail
        columns, rows = points.astype(int).T
        same = (kept[None] == kept[rows, columns][:, None, None]).all(-1)  # (M, H, W)
        mask = same[labels == 1].any(0) & ~same[labels == 0].any(0)
        coarse = np.ones((1, 2, 2), np.float32) * (1 if previous is None else previous + 1)
        self.depths.append(int(coarse[0, 0, 0]))
        logits = np.where(mask, 1.0, -1.0)[None].astype(np.float32)
        return Found(logits, np.array([0.9], np.float32), coarse, ("cat", 0.75))


def scene(width: int = 60, height: int = 40) -> np.ndarray:
    """A red square (the pet) and a blue one on grey: (H, W, 3) uint8."""
    image = np.full((height, width, 3), GREY, np.uint8)
    image[10:30, 10:25], image[10:30, 35:50] = RED, BLUE
    return image


def truth() -> np.ndarray:
    """The red square is the pet; its rim is border."""
    found = np.zeros((40, 60), np.uint8)
    found[9:31, 9:26] = 255
    found[11:29, 11:24] = 1
    return found


@pytest.fixture
def predictor() -> Colours:
    return Colours()


@pytest.fixture
def session(predictor: Colours) -> ClickSession:
    def broken() -> Colours:
        raise UserError("this model is not here; fetch it")

    photos = [Photo("Square", scene(), truth(), "by me, CC0"), Photo("Plain", scene(80, 50))]
    models = {"Colours": lambda: predictor, "Others": Colours, "Broken": broken}
    return ClickSession(photos, models, max_bytes=200_000, max_pixels=100_000)


def asker(session: ClickSession) -> Callable[..., dict]:
    """Sends requests with growing numbers; what comes back went through strict JSON."""
    numbers = iter(range(10**6))

    def send(do: str, **fields) -> dict:
        message = {"do": do, "seq": next(numbers), "view": "v", **fields}
        reply = json.loads(json.dumps(session.handle(message), allow_nan=False))
        assert (reply["seq"], reply["view"]) == (message["seq"], "v")
        return reply

    return send


def picture(url: str) -> Image.Image:
    kind, data = url.split(";base64,")
    image = Image.open(io.BytesIO(base64.b64decode(data, validate=True)))
    assert kind == f"data:image/{image.format.lower()}"
    return image


def encoded(image: np.ndarray, **options) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, "png", **options)
    return stream.getvalue()


def send_file(ask, content: bytes, piece: int = 999) -> dict:
    pieces = [content[at : at + piece] for at in range(0, len(content), piece)] or [b""]
    for part, data in enumerate(pieces):
        text = base64.b64encode(data).decode()
        reply = ask("upload", name=UPLOAD, part=part, parts=len(pieces), data=text)
    return reply


# What a page sees


def test_opening_tells_all_there_is_to_see(ask):
    reply = ask("open")
    assert reply["kind"] == "info" and reply["status"] == HINT
    assert reply["models"] == ["Colours", "Others", "Broken"] and reply["model"] == "Colours"
    assert [each["name"] for each in reply["photos"]] == ["Square", "Plain"]
    assert max(picture(reply["photos"][1]["url"]).size) <= THUMB
    show = reply["show"]
    assert (show["name"], show["width"], show["height"]) == ("Square", 60, 40)
    assert show["credit"] == "by me, CC0"
    assert np.abs(np.asarray(picture(show["url"]), int)[20, 15] - RED).max() < 25
    assert "0.2 MB" in reply["limits"]["text"] and reply["limits"]["bytes"] == 200_000
    assert reply["clicks"] == [] and reply["mask"] is reply["iou"] is reply["ms"] is None


def test_the_mask_follows_the_clicks(session, ask):
    reply = ask("click", x=15, y=20.7, positive=True)
    assert reply["clicks"] == [{"x": 15, "y": 20.7, "positive": True}]
    expected = (scene() == RED).all(-1)
    assert (session.mask == expected).all()
    assert (np.asarray(picture(reply["mask"])) == expected).all()
    assert reply["score"] == pytest.approx(0.9) and reply["species"] == ["cat", 0.75]
    assert reply["ms"] > 0 and reply["can_undo"] and not reply["can_redo"]
    assert reply["iou"] == 1  # the rim of the square is border, and the rest is right
    reply = ask("click", x=40, y=20, positive=True)
    both, rim = 2 * 300, 300 - 18 * 13
    assert reply["iou"] == pytest.approx(18 * 13 / (both - rim))
    assert ask("click", x=42, y=22, positive=False)["iou"] == 1


def test_the_mask_handed_out_is_a_copy(session, ask):
    ask("click", x=15, y=20, positive=True)
    session.mask[:] = False
    assert session.mask.any()


def test_going_back_and_forth_gives_what_was_there(session, ask, predictor):
    states = [ask("open")]
    for x, positive in ((15, True), (40, True), (41, False)):
        states.append(ask("click", x=x, y=20, positive=positive))
    back = [ask("undo") for _ in range(3)][::-1]
    forth = [ask("redo") for _ in range(3)]
    for seen, again in zip(states, [*back, forth[-1]], strict=True):
        assert [seen[key] for key in STATE[:-1]] == [again[key] for key in STATE[:-1]]
    assert predictor.depths == [1, 2, 3, 2, 1, 1, 2, 3]  # each from the mask of the clicks before
    assert ask("clear")["clicks"] == []
    assert len(ask("undo")["clicks"]) == 3
    assert not session.failure


def test_clicks_made_together_are_one_answer_and_taken_back_one_by_one(session, ask, predictor):
    """Going back gives a mask that was not seen yet; going forth again, the one that was."""
    ask("click", x=15, y=20, positive=True)
    both = ask("clicks", points=[[40, 20, True], [41, 20, False], [42, 20, True]])
    assert len(both["clicks"]) == 4 and predictor.depths == [1, 2]
    back = [ask("undo") for _ in range(2)]
    assert [len(reply["clicks"]) for reply in back] == [3, 2]
    assert back[1]["mask"] != back[0]["mask"]
    assert ask("redo")["kind"] == "info" and ask("redo")["mask"] == both["mask"]
    assert predictor.depths == [1, 2, 2, 2, 2, 2], "each refines what was said to the first"


def test_a_mark_moves_and_changes_its_meaning(session, ask):
    ask("clicks", points=[[15, 20, True], [40, 20, True]])
    reply = ask("move", index=1, x=41.5, y=21, positive=False)
    assert reply["clicks"][1] == {"x": 41.5, "y": 21, "positive": False}
    assert (session.mask == (scene() == RED).all(-1)).all()
    assert ask("undo")["clicks"][1] == {"x": 40, "y": 20, "positive": True}


def test_undo_goes_on_to_the_photo_before_which_kept_its_clicks(session, ask, predictor):
    first = ask("click", x=15, y=20, positive=True)
    assert ask("photo", name="Plain")["mask"] is None
    second = ask("click", x=40, y=20, positive=True)
    assert ask("photo", name="Square")["mask"] == first["mask"] and predictor.looks == 2
    back = [ask("undo") for _ in range(4)]  # the clicks in sight first, then the photo before
    told = [(reply["photo"], len(reply["clicks"])) for reply in back]
    assert told == [("Square", 0), ("Plain", 1), ("Plain", 0), ("Square", 0)]
    assert back[1]["show"]["name"] == "Plain" and back[1]["mask"] == second["mask"]
    assert not back[-1]["can_undo"]
    forth = [ask("redo") for _ in range(4)]
    told = [(reply["photo"], len(reply["clicks"])) for reply in forth]
    assert told == [("Square", 1), ("Plain", 0), ("Plain", 1), ("Square", 1)]
    assert forth[-1]["mask"] == first["mask"] and not forth[-1]["can_redo"]


def test_nothing_to_undo_is_no_error(ask):
    for do in ("undo", "redo", "clear"):
        assert ask(do)["kind"] == "info"


def test_a_photo_is_read_once_and_before_the_first_click(ask, predictor):
    assert ask("prepare")["status"].startswith("Ready")
    for x in (1, 2, 3):
        ask("click", x=x, y=1, positive=True)
    assert predictor.looks == 1
    assert ask("photo", name="Plain")["clicks"] == []
    ask("click", x=70, y=45, positive=True)
    ask("photo", name="Square")
    ask("prepare")
    assert predictor.looks == 3


def test_another_model_answers_the_same_clicks(session, ask, predictor):
    for x in (15, 40):
        before = ask("click", x=x, y=20, positive=True)
    reply = ask("model", name="Others")
    assert reply["model"] == "Others" and reply["clicks"] == before["clicks"]
    assert reply["mask"] == before["mask"]
    ask("model", name="Colours")
    assert predictor.depths == [1, 2, 2]  # what it said to the first is remembered
    assert predictor.looks == 1  # the photo is still the one it has read


def test_the_robot_clicks_until_nothing_is_wrong(session, ask):
    first = ask("robot")
    assert first["clicks"] == [{"x": 17, "y": 17, "positive": True}]
    assert first["iou"] == 1 and "on the pet" in first["status"]
    assert "nothing" in ask("robot")["status"] and len(session.clicks) == 1
    ask("click", x=40, y=20, positive=True)
    last = ask("robot")
    assert not last["clicks"][-1]["positive"] and last["iou"] == 1


def test_the_robot_needs_a_truth(ask):
    assert ask("photo", name="Plain")["can_robot"] is False
    reply = ask("robot")
    assert reply["kind"] == "error" and "unknown" in reply["status"]


def test_the_mask_is_downloaded_at_the_photos_own_size():
    image = np.full((1700, 3300, 3), GREY, np.uint8)
    image[100:900, 200:1800] = RED
    session = ClickSession([Photo("Über groß/..", image)], {"m": Colours})
    ask = asker(session)
    show = ask("open")["show"]
    assert picture(show["url"]).size == (1600, 824) and show["width"] == 3300
    seen = ask("click", x=1799, y=899, positive=True)["mask"]
    assert picture(seen).size == (1600, 824)
    file = ask("download", form="mask")["file"]
    assert file["name"] == "mask_über_groß_.png"
    assert (np.asarray(picture(file["url"])) == session.mask).all()


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


# Parts


def test_every_request_has_its_handler():
    handlers = {name[4:] for name in dir(ClickSession) if name.startswith("_do_")}
    assert handlers == set(REQUESTS)


def test_a_checked_request_has_its_types():
    message = {"do": "click", "seq": 0, "view": "a", "x": 3, "y": 4.5, "positive": False}
    assert check_request(message) == ("click", {"x": 3.0, "y": 4.5, "positive": False})
    assert check_envelope(message) == (0, "a")
    assert check_envelope({"seq": 5, "view": "a" * 41}) == (5, "")


def test_there_is_no_iou_without_a_truth():
    mask = np.array([[1, 1, 0, 0]], bool)
    assert iou(mask, np.array([[1, 0, 1, 0]])) == pytest.approx(1 / 3)
    assert iou(mask, None) is None


def test_a_reduced_mask_keeps_what_fills_most_of_a_pixel():
    mask = np.zeros((100, 300), bool)
    mask[:50] = True
    small = np.asarray(picture(mask_url(mask, 30)))
    assert small.shape == (10, 30) and small[:5].all() and not small[5:].any()


@pytest.mark.parametrize("shape", [(1, 1), (1, 5000), (5000, 1)])
def test_photos_of_odd_shapes_can_be_shown_and_clicked(shape):
    photo = Photo("odd", np.full((*shape, 3), 7, np.uint8))
    ask = asker(ClickSession([photo], {"m": Colours}))
    assert max(picture(ask("open")["show"]["url"]).size) <= 1600
    reply = ask("click", x=shape[1] - 1, y=shape[0] - 1, positive=True)
    assert np.asarray(picture(reply["mask"])).all()
    assert picture(photo_url(photo.image, 3)).size


@pytest.mark.parametrize(
    ("photos", "models"),
    [
        ([], {"m": Colours}),
        ([Photo("a", scene()), Photo("a", scene())], {"m": Colours}),
        ([Photo("a", scene())], {}),
    ],
)
def test_a_session_needs_photos_of_different_names_and_a_model(photos, models):
    with pytest.raises(UserError):
        ClickSession(photos, models)


@pytest.mark.parametrize(
    ("image", "mask"),
    [(scene()[..., 0], None), (scene() / 255, None), (scene()[:0], None), (scene(), truth().T)],
)
def test_a_photo_checks_itself(image, mask):
    with pytest.raises(UserError, match="photo 'a'"):
        Photo("a", image, mask)
