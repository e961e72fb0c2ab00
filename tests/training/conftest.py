"""Every training here happens, to its knowledge, on a device without float64."""

from collections.abc import Iterator

import pytest

from tests.devices import NoDoubleMoved


@pytest.fixture(autouse=True)
def no_float64_on_the_device() -> Iterator[None]:
    with NoDoubleMoved():
        yield
