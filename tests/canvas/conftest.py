"""The canvas on a bench of its own, in a browser: a desktop that is used again, and a phone."""

from collections.abc import Iterator

import pytest

from tests.browsing import DESKTOP, PHONE
from tests.canvas.bench import Bench


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
