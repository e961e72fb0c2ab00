"""Photos, masks and requests check themselves."""

import numpy as np
import pytest

from common.canvas.answers import Photo, iou
from common.canvas.messages import REQUESTS, check_envelope, check_request
from common.canvas.pictures import mask_url, photo_url
from common.canvas.session import ClickSession
from common.config import UserError
from tests.canvas.colours import Colours, asker, picture, scene, truth


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
