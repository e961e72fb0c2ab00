"""The last step: every click is obeyed, whatever the logits, and nothing else is touched."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from common.clicks.obey import obey, only_clicked

EDGE = 40


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    count=st.integers(1, 20),
    scale=st.sampled_from([0.01, 1.0, 50.0]),
    edge=st.integers(1, 400),
)
def test_every_click_is_obeyed(seed: int, count: int, scale: float, edge: int):
    rng = np.random.default_rng(seed)
    logits = (scale * rng.standard_normal((EDGE, EDGE + 3))).astype(np.float32)
    points = rng.uniform(0, EDGE, (count, 2)).astype(np.float32)
    labels = rng.integers(2, size=count)
    before = logits.copy()
    after = obey(logits, points, labels, edge)
    assert after.dtype == np.float32 and np.array_equal(logits, before)
    last = {(int(y), int(x)): kind for (x, y), kind in zip(points, labels, strict=True)}
    assert all((after[pixel] > 0) == (kind == 1) for pixel, kind in last.items())


def test_obeyed_logits_stay_as_they_are():
    logits = np.full((8, 8), -1, np.float32)
    assert obey(logits, np.array([[2, 3]]), np.array([0]), 8) is logits
    assert obey(logits, np.empty((0, 2)), np.empty(0, int), 8) is logits


def test_a_region_flips_and_not_a_dot():
    """What the network was nearly sure of goes along; what it is sure of stays."""
    logits = np.full((EDGE, EDGE), -20, np.float32)
    logits[10:20, 10:20] = -0.5
    flipped = obey(logits, np.array([[15, 15]]), np.array([1]), 10 * EDGE) > 0
    assert flipped[10:20, 10:20].mean() > 0.9 and not flipped[logits == -20].any()
    assert (obey(-logits, np.array([[15, 15]]), np.array([0]), 10 * EDGE) <= 0).sum() > 90


def test_regions_that_nobody_clicked_are_left_out():
    logits = np.full((EDGE, EDGE), -2, np.float32)
    logits[2:8, 2:8] = logits[20:30, 20:30] = 3
    clicks = np.array([[4, 4], [35, 35]])
    left = only_clicked(logits, clicks, np.array([1, 0])) > 0
    assert left[2:8, 2:8].all() and left.sum() == 36
    assert (only_clicked(logits, clicks, np.array([0, 1])) == logits).all()
    assert (only_clicked(logits, clicks[:0], np.array([])) == logits).all()
