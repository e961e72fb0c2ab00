"""What a model finds before any click: shown, taken by a click, then corrected by others."""

import numpy as np
import pytest

from common.canvas.answers import Photo
from common.canvas.session import ClickSession
from common.clicks.protocol import Found
from tests.canvas.colours import BLUE, RED, Colours, scene


class Seeing(Colours):
    """Takes, without a click, all that is not grey for animals; it is sure of what it says."""

    def answer(self, kept, points, labels, previous, several) -> Found:
        found = super().answer(kept, points, labels, previous, several)
        if len(points):
            return found._replace(logits=4 * found.logits)
        grey = kept[0, 0]
        logits = np.where((kept != grey).any(-1), 4.0, -4.0)[None].astype(np.float32)
        return found._replace(logits=logits)


@pytest.fixture
def session() -> ClickSession:
    photos = [Photo("Square", scene()), Photo("Plain", scene(80, 50))]
    return ClickSession(photos, {"Seeing": Seeing, "Others": Seeing})


@pytest.fixture
def found(ask) -> dict:
    """Asked until there is nothing left to find; what is asked for again keeps its number."""
    steps = [ask("find")]
    while steps[-1]["can_find"]:
        steps.append(ask("find"))
    counts = [len(reply["found"]) for reply in steps]
    assert counts[0] == 1 and counts == sorted(counts) and counts[-1] == 2
    assert {one["number"] for reply in steps for one in reply["found"]} == {1, 2}
    return steps[-1]


def pixels(session: ClickSession, colour: tuple) -> np.ndarray:
    return (session.photo.image == colour).all(-1)


def test_each_is_told_with_its_species_and_no_mask_is_taken_yet(session, ask, found):
    assert found["status"].startswith("Found 2 cats: click on one")
    assert found["mask"] is None and not session.labels.any()
    assert {one["species"] for one in found["found"]} == {"cat"}
    assert ask("download", form="mask")["kind"] == "error"


def test_a_click_takes_one_later_ones_correct_it_and_undo_gives_it_back(session, ask, found):
    number = found["found"][0]["number"]
    colour = RED if number == 1 else BLUE
    x = 15 if colour is RED else 40
    taken = ask("take", number=number, x=x, y=20)
    assert (session.mask == pixels(session, colour)).all() and len(taken["clicks"]) == 1
    assert len(taken["found"]) == 1 and taken["can_refine"]
    ask("click", x=1, y=1, positive=True)
    assert session.mask[1, 1] and session.mask[20, x]
    ask("undo")
    assert len(ask("undo")["found"]) == 2 and not session.mask.any()
    assert ask("redo")["mask"] == taken["mask"]


def test_the_next_one_that_is_taken_is_another_animal(session, ask, found):
    for one, x in zip(found["found"], (15, 40), strict=True):
        reply = ask("take", number=one["number"], x=x, y=20)
    assert len(reply["objects"]) == 2 and not reply["found"]
    assert sorted(np.unique(session.labels)) == [0, 1, 2]
    assert "no animal 1" in ask("take", number=1, x=15, y=20)["status"]


def test_all_are_taken_at_once_and_what_is_deleted_is_found_again(session, ask, found):
    reply = ask("take_all")
    assert [one["species"] for one in reply["objects"]] == ["cat", "cat"]
    assert len(ask("delete", number=1)["found"]) == 1
    refined = ask("refine", photo="Square")
    assert not refined["can_refine"] and refined["mask"]


def test_another_model_and_another_photo_find_their_own(ask, found):
    ask("take", number=1, x=15, y=20)
    assert ask("photo", name="Plain")["found"] == []
    reply = ask("model", name="Others")
    assert reply["found"] == [] and reply["can_find"]
    back = ask("photo", name="Square")
    assert len(back["clicks"]) == 1 and back["mask"], "the click is asked of the other model"


def test_moving_the_mark_asks_the_model(session, ask, found):
    ask("take", number=1, x=15, y=20)
    ask("move", index=0, x=40, y=20, positive=True)
    assert (session.mask == pixels(session, BLUE)).all()
