"""The canvas: a test's own session, and a bench in a browser, desktop and phone."""

from collections.abc import Callable, Iterator

import pytest

from common.canvas.answers import Photo
from common.canvas.session import ClickSession
from common.config import UserError
from tests.browsing import DESKTOP, PHONE
from tests.canvas.bench import Bench
from tests.canvas.colours import Colours, asker, scene, truth


@pytest.fixture
def ask(session: ClickSession) -> Callable[..., dict]:
    return asker(session)


@pytest.fixture(scope="module")
def desktop(browser) -> Iterator[Bench]:
    yield Bench(browser, "about:", **DESKTOP)


@pytest.fixture
def canvas(desktop) -> Bench:
    desktop.reset()
    desktop.press("0", "Escape", "c")
    return desktop


@pytest.fixture
def phone(browser) -> Iterator[Bench]:
    found = Bench(browser, "about:", **PHONE)
    yield found
    assert found.complaints == []
    found.page.context.close()


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
