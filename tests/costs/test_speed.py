"""Times of clicks: what is timed, and when it is timed again."""

import numpy as np
import pandas as pd
import pytest

import common.costs.speed as module
from common.checkpoint import Card
from common.config import UserError
from common.costs.speed import click_latency, latency_or_load, latency_quantiles

PHOTO = np.zeros((30, 40, 3), np.uint8)


class Clock:
    """Tells the next second each time it is asked: a photo and a click take one second each."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        self.now += 1
        return self.now


class Listener:
    """Remembers what it was asked."""

    species = None

    def __init__(self, size: int = 32) -> None:
        self.card, self.asked = Card("toy", size=size), []

    def set_image(self, image: np.ndarray) -> None:
        self.asked.append(image.shape)

    def predict(self, points, labels, box=None, mask_input=None, **_):
        assert len(points) == len(labels)
        assert ((points >= 0) & (points < (module.WIDTH, module.HEIGHT))).all()
        self.asked.append((len(points), mask_input is None))
        return np.zeros((1, 1, 1), bool), np.ones(1), np.zeros((1, 2, 2))


def test_a_run_reads_the_photo_and_clicks_on_it():
    listener = Listener()
    table = click_latency({"one": listener}, PHOTO, runs=1)
    session = [(768, 1024, 3), (1, True), (2, False), (3, False), (4, False), (5, False)]
    assert listener.asked == 2 * session, "a warm-up and a run"
    assert table["part"].tolist() == ["photo"] + ["click"] * 5
    assert set(table["run"]) == {1}


def test_milliseconds_are_of_one_call(monkeypatch):
    clock = Clock().perf_counter
    monkeypatch.setattr("time.perf_counter", clock)
    monkeypatch.setattr("common.costs.stopwatch.perf_counter", clock)
    table = click_latency({"one": Listener(), "two": Listener()}, PHOTO, runs=2)
    assert set(table["ms"]) == {1000.0}
    quantiles = latency_quantiles(table)
    assert quantiles.index.tolist() == [
        (name, part) for name in ("one", "two") for part in ("photo", "click")
    ]
    assert (quantiles == 1000.0).all(axis=None)


def test_quantiles_by_hand():
    table = pd.DataFrame({"model": "one", "part": "click", "ms": [*range(1, 21), 100]})
    row = latency_quantiles(table).loc[("one", "click")]
    assert (row["p50"], row["p95"]) == (11, 20)


def test_it_is_timed_again_only_where_something_changed(tmp_path, monkeypatch):
    file, timed = tmp_path / "times.parquet", []
    monkeypatch.setattr(
        module, "click_latency", lambda *_: timed.append(1) or pd.DataFrame({"ms": [1.0]})
    )
    for size in (32, 32, 64):
        latency_or_load(file, {"one": Listener(size)}, PHOTO, measure=True)
    table = latency_or_load(file, {"one": Listener(128)}, PHOTO, measure=False)
    assert len(timed) == 2
    assert table.attrs["key"]["processor"]
    with pytest.raises(UserError, match="no such table"):
        latency_or_load(tmp_path / "other.parquet", {}, PHOTO, measure=False)
