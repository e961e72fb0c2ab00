"""Several animals of a photo: one is chosen, each has its clicks, which rule the others out."""

import numpy as np
import pytest

from common.canvas.album import Album
from common.canvas.animals import ROOM, Animals, segmented
from common.canvas.answers import Answer, Photo
from common.canvas.session import ClickSession
from common.clicks.prompts import Click
from common.config import UserError
from tests.canvas.colours import Colours, scene

LEFT, RIGHT = Click(15, 20), Click(40, 20)


def names(reply: dict) -> list[tuple]:
    """Number, name, whether hidden, and whether there is a mask beside the chosen one's."""
    keys = ("number", "name", "hidden")
    return [(*(one[key] for key in keys), bool(one["mask"])) for one in reply["objects"]]


@pytest.fixture
def session() -> ClickSession:
    photos = [Photo("Square", scene()), Photo("Plain", scene(80, 50))]
    return ClickSession(photos, {"Colours": Colours, "Others": Colours})


@pytest.fixture
def two(ask):
    """The red and the blue square, each an animal; the second is chosen."""
    ask("click", x=LEFT.x, y=LEFT.y, positive=True)
    ask("next")
    return ask("click", x=RIGHT.x, y=RIGHT.y, positive=True)


def test_each_has_its_clicks_and_its_mask(session, ask, two):
    assert names(two) == [(1, "Animal 1", False, True), (2, "Animal 2", False, False)]
    assert two["number"] == 2 and len(two["clicks"]) == 1 and two["objects"][0]["species"] == "cat"
    image, labels = scene(), session.labels
    assert ((labels == 1) == (image == image[20, 15]).all(-1)).all()
    assert ((labels == 2) == (image == image[20, 40]).all(-1)).all() and session.mask[20, 40]
    assert ask("choose", number=1)["clicks"] == [{"x": 15, "y": 20, "positive": True}]
    assert session.mask[20, 15] and not session.mask[20, 40]


def test_undo_is_of_the_chosen_one(ask, two):
    assert ask("undo")["clicks"] == [] and not ask("undo")["can_undo"]
    assert len(ask("choose", number=1)["clicks"]) == 1
    ask("choose", number=2)
    assert len(ask("redo")["clicks"]) == 1


def test_a_next_one_is_not_made_before_the_last_has_a_click(ask):
    assert names(ask("next")) == [(1, "Animal 1", False, False)]


def test_names_and_hiding(session, ask, two):
    assert ask("rename", number=2, name="  Rex\n the  2nd ")["objects"][1]["name"] == "Rex the 2nd"
    assert ask("rename", number=2, name=" ")["objects"][1]["name"] == "Animal 2"
    assert names(ask("hide", number=1, hidden=True))[0] == (1, "Animal 1", True, False)
    assert set(np.unique(session.labels)) == {0, 1}, "what is hidden does not leave"
    assert ask("hide", number=2, hidden=True)["mask"] is None
    assert ask("download", form="mask")["kind"] == "error"
    reply = ask("click", x=41, y=21, positive=True)
    assert reply["mask"] and not reply["objects"][1]["hidden"], "whoever is clicked on is seen"


def test_what_was_deleted_comes_back_by_undo_at_once(ask, two):
    ask("choose", number=1)
    reply = ask("delete", number=1)
    assert names(reply) == [(2, "Animal 2", False, False)] and "undo" in reply["status"]
    assert names(ask("undo"))[0] == (1, "Animal 1", False, False)
    assert ask("delete", number=1)
    assert ask("delete", number=2)["number"] == 1, "there is always one"
    assert [one[0] for one in names(ask("undo"))] == [2]
    for request in ("choose", "delete"):
        assert "no animal 9" in ask(request, number=9)["status"]


def test_a_click_on_one_says_not_this_of_the_other(session, ask):
    """The first takes both squares; a click of the second on the blue one takes that away."""
    ask("click", x=15, y=20, positive=True)
    ask("click", x=40, y=20, positive=True)
    ask("next")
    ask("click", x=42, y=22, positive=True)
    assert session.labels[20, 15] == 1 and session.labels[20, 40] == 2
    ask("undo")
    assert session.labels[20, 40] == 1, "and gives it back"


def test_a_box_is_a_prompt_of_the_chosen_one(session, ask):
    reply = ask("box", x0=10, y0=10, x1=25, y1=30)
    assert reply["box"] == [10, 10, 25, 30] and reply["status"] == "A box."
    assert session.mask[20, 15] and not session.mask[20, 40] and reply["can_undo"]
    assert ask("undo")["box"] is None and ask("redo")["box"]
    assert ask("click", x=1, y=1, positive=False)["status"] == "A box and 1 click."
    assert ask("clear")["box"] is None
    assert "holds no pixel" in ask("box", x0=9, y0=9, x1=2, y1=30)["status"]


def test_resting_refines_all_that_is_seen_and_keeps_the_clicks(ask, two):
    assert two["can_refine"]
    reply = ask("refine", photo="Square")
    assert not reply["can_refine"] and reply["clicks"] == two["clicks"]
    assert ask("click", x=41, y=21, positive=True)["can_refine"]
    assert "no photo is called" in ask("refine", photo="?")["status"]


def test_another_photo_keeps_what_was_done_and_another_model_answers_it(ask, two):
    assert names(ask("photo", name="Plain")) == [(1, "Animal 1", False, False)]
    assert ask("model", name="Others")["worked"] == ["Square"]
    reply = ask("photo", name="Square")
    assert names(reply) == names(two) and reply["mask"] and reply["model"] == "Others"


def test_segmented_are_apart_and_carry_their_prompts():
    def told(prompts) -> Answer:
        logits = np.full((4, 6), -9, np.int8)
        for click in prompts.clicks:
            logits[:, : int(click.x) + 1] = 8 * int(click.x) if click.positive else -9
        return Answer(logits, 0.5, ("cat", 0.9))

    animals = Animals().clicked(lambda clicker: clicker.add(Click(2, 1))).next(24)
    animals = animals.clicked(lambda clicker: clicker.add(Click(4, 1))).answered(told)
    one, two = segmented(animals)
    assert np.flatnonzero(one.mask.all(0)).tolist() == [0, 1, 2]
    assert np.flatnonzero(two.mask.all(0)).tolist() == [3, 4], "the click on the first is no part"
    assert (two.name, two.clicks, two.species, two.logits[0, 3]) == (
        "Animal 2",
        (Click(4, 1),),
        ("cat", 0.9),
        2.0,
    )


def test_what_is_remembered_is_bounded():
    large = Animals().clicked(lambda clicker: clicker.add(Click(1, 1)))
    with pytest.raises(UserError, match="there is room for 1 animals"):
        large.next(int(ROOM))
    album = Album([Photo("a.png", np.zeros((4, 5, 3), np.uint8))], max_pixels=50)
    own = np.zeros((5, 6, 3), np.uint8)
    assert [album.add(name, own[:1]).name for name in ("a.png", "a.png", "C:\\x\\b.png", "")] == [
        "a (2).png",
        "a (3).png",
        "b.png",
        "photo",
    ]
    with pytest.raises(UserError, match="no room beside your 4 photos"):
        album.add("c", own)
