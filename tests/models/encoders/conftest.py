"""Two small encoders."""

from dataclasses import replace

import pytest

from common.models.encoders.recipes import ENCODERS
from tests.models.encoders.test_encoder import tiny_clip, tiny_mae


@pytest.fixture(autouse=True)
def tiny_encoders(monkeypatch) -> None:
    """Two small ones, built and loaded like the large ones."""
    for name, build in (("mae_tiny", tiny_mae), ("clip_tiny", tiny_clip)):
        large = ENCODERS[name.replace("tiny", "vit_b")]
        monkeypatch.setitem(ENCODERS, name, replace(large, build=build, taps=(0, 3)))
