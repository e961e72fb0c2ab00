"""The robot at a photo: how it opens, what it asks, when it stops, and what is shown of it."""

import numpy as np
import pytest

from common.canvas.answers import Photo
from common.canvas.film import film, films
from common.clicks.prompts import Click
from common.clicks.robot import FIRST, first_click, replies
from common.config import UserError

TRUTH = np.zeros((40, 60), np.uint8)
TRUTH[10:30, 20:40] = 1
TRUTH[9, 20:40] = 255
PHOTO = np.zeros((40, 60, 3), np.uint8)
CENTRE = Click(30.0, 20.0)


class Painter:
    """Paints a square round each click; remembers what it was asked."""

    species = ("dog", 0.9)

    def __init__(self, reach: int = 6) -> None:
        self.reach, self.asked = reach, []

    def set_image(self, image: np.ndarray, image_format: str = "RGB") -> None:
        self.shape = image.shape[:2]

    def predict(self, coords, labels, box=None, mask_input=None, return_logits=True):
        self.asked.append((len(labels), mask_input))
        mask = np.full(self.shape, -1.0)
        for (x, y), label in zip(coords.astype(int), labels, strict=True):
            top, left = max(0, y - self.reach), max(0, x - self.reach)
            mask[top : y + self.reach, left : x + self.reach] = 2 * label - 1
        return mask[None], np.full(1, 0.7), np.full((1, 2, 2), len(labels), np.float32)


def painter(reach: int = 6) -> Painter:
    made = Painter(reach)
    made.set_image(PHOTO)
    return made


def test_each_answer_but_the_first_two_refines_the_one_before():
    """The first click meets an empty mask, whatever was said without any."""
    asked = painter()
    told = list(replies(asked, TRUTH, first_click("robot", TRUTH, None), clicks=4))
    assert [len(reply.clicks) for reply in told] == [0, 1, 2, 3, 4]
    assert [count for count, _ in asked.asked] == [0, 1, 2, 3, 4]
    before = [None if given is None else float(given[0, 0, 0]) for _, given in asked.asked]
    assert before == [None, None, 1, 2, 3]
    assert {reply.score for reply in told} == {0.7}
    assert all(reply.ms >= 0 for reply in told)


def test_where_all_is_right_no_more_is_asked_and_the_answer_stays():
    asked = painter(reach=10)
    told = list(replies(asked, TRUTH, CENTRE, clicks=5))
    assert len(told) == 6
    assert len(asked.asked) == 2
    assert all(reply is told[1] for reply in told[2:])
    assert np.array_equal(told[-1].mask, TRUTH == 1)


@pytest.mark.parametrize("how", FIRST)
def test_first_clicks_fall_where_they_should(how: str):
    for seed in range(20):
        click = first_click(how, TRUTH, np.random.default_rng(seed))
        on = TRUTH[int(click.y), int(click.x)]
        assert click.positive
        if how == "wrong":
            assert on == 0
        if how in ("robot", "random"):
            assert on == 1


def test_a_jittered_click_stays_in_the_photo():
    corner = np.zeros((30, 30), np.uint8)
    corner[:3, :3] = 1
    for seed in range(50):
        click = first_click("jittered", corner, np.random.default_rng(seed))
        assert 0 <= click.x <= 29 and 0 <= click.y <= 29


def test_an_unknown_first_click_is_told():
    with pytest.raises(UserError, match="choose one of robot"):
        first_click("best", TRUTH, np.random.default_rng(0))


def test_a_film_shows_the_answers_at_its_stops():
    found = film(Painter(), Photo("square", PHOTO, TRUTH, "by me"), stops=(0, 2))
    assert (found["name"], found["credit"]) == ("square", "by me")
    none, two = found["frames"]
    assert (none["clicks"], none["points"], none["iou"]) == (0, [], 0.0)
    assert not none["mask"].any()
    assert two["clicks"] == len(two["points"]) == 2
    assert two["points"][0] == (29.0, 19.0, True)
    assert set(np.unique(two["mask"])) == {0, 2}, "the species is the class of the mask"
    both = (two["mask"] > 0) & (TRUTH != 255)
    expected = (both & (TRUTH == 1)).sum() / (both | (TRUTH == 1)).sum()
    assert two["iou"] == pytest.approx(expected)


def test_a_model_without_species_paints_cats():
    class Silent(Painter):
        species = None

    (found,) = films(Silent(), [Photo("square", PHOTO, TRUTH)], stops=(1,))
    assert found["frames"][0]["mask"].max() == 1
