"""The canvas: a test's own session, and a bench in a browser, desktop and phone."""

from collections.abc import Callable, Iterator

import pytest

from common.canvas.session import ClickSession
from tests.browsing import DESKTOP, PHONE
from tests.canvas.bench import Bench
from tests.canvas.test_session import asker


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
