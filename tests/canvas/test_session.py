"""A session answers whatever a page sends, in JSON, and survives what a page must not send."""

import numpy as np
import pytest

from common.canvas.answers import Photo
from common.canvas.pictures import THUMB
from common.canvas.session import HINT, ClickSession
from tests.canvas.colours import GREY, RED, STATE, Colours, asker, picture, scene


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
