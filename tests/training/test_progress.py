"""Stopping and going on; of kills, see `tests.long.test_faults_kills`."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import Tensor

from common.config import UserError
from tests.training.conftest import equal, weights

TIMES = ["seconds", "photos_per_second"]


def test_a_stopped_run_goes_on_to_the_same_weights(trainer):
    """Stopped between two steps of an epoch, twice."""
    fields = {"epochs": 4, "recipe": "full", "workers": 0}
    whole = trainer("whole", **fields)
    history = whole.run()
    for stop in (3, 2):  # in the second epoch; then in the next one to come
        run, steps = trainer("stopped", **fields), iter(range(100))
        step = run.step

        def failing(batch, lr, step=step, steps=steps, stop=stop) -> Tensor:
            if next(steps) == stop:
                raise KeyboardInterrupt
            return step(batch, lr)

        run.step = failing
        with pytest.raises(KeyboardInterrupt):
            run.run()
    last = trainer("stopped", **fields)
    resumed = last.run()
    pd.testing.assert_frame_equal(resumed.drop(columns=TIMES), history.drop(columns=TIMES))
    assert equal(weights(last), weights(whole))
    assert equal(last.ema.state_dict(), whole.ema.state_dict())


def test_a_finished_run_is_not_trained_again(trainer):
    first = trainer()
    history = first.run()
    again = trainer()
    again.train_epoch = None
    pd.testing.assert_frame_equal(again.run(), history)
    assert equal(weights(again), weights(first))


def test_a_stopped_run_keeps_its_patience(trainer, monkeypatch):
    run = trainer(epochs=5, patience=2)
    scores = iter([0.5, 0.4, 0.3])
    monkeypatch.setattr(run, "validate", lambda: {"val_miou": next(scores)})
    run.run()
    again = trainer(epochs=5, patience=2)
    again.train_epoch = None
    assert len(again.run()) == 3


@pytest.mark.parametrize("change", [{"key": "b"}, {"lr": 0.5}, {"seed": 3}, {"epochs": 3}])
def test_the_progress_of_another_run_is_dropped(trainer, change: dict):
    trainer(key="a").run()
    run = trainer(**{"key": "a", **change})
    run.resume()
    assert run.history == []
    assert len(run.run()) == run.config.epochs


def test_progress_goes_on_where_only_the_machinery_differs(trainer):
    first = trainer(epochs=2, workers=0, batch_size=4)
    first.history.append(first.train_epoch(0) | first.validate())
    first.save()
    again = trainer(epochs=2, workers=2, batch_size=4)
    again.resume()
    assert len(again.history) == 1


def test_unfinished_progress_of_another_recipe_is_kept_aside(trainer, capsys):
    first = trainer(epochs=2)
    first.history.append(first.train_epoch(0) | first.validate())
    first.save()
    stored = first.state.read_bytes()
    other = trainer(epochs=2, batch_size=2)
    other.resume()
    told = capsys.readouterr().out
    assert not other.history and "(1 of 2 epochs): it is kept as" in told
    (aside,) = first.state.parent.glob("run-*.pt")
    assert str(aside) in told and aside.read_bytes() == stored
    os.replace(aside, first.state)
    first = trainer(epochs=2)
    first.resume()
    assert len(first.history) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda file: file.write_bytes(b""),
        lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
        lambda file: file.write_text("not a file of torch"),
        lambda file: torch.save({"weights": 1}, file),
        lambda file: torch.save([1, 2], file),
    ],
)
def test_damaged_progress_is_named(trainer, tmp_path, damage):
    run = trainer()
    run.save()
    damage(run.state)
    with pytest.raises(UserError, match=r"run\.pt: unreadable progress .*; delete it$") as error:
        trainer().run()
    assert "\n" not in str(error.value)


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return os.mkdir, (str(self.mark),)


def test_progress_is_never_unpickled(trainer, tmp_path):
    run, mark = trainer(), tmp_path / "exploded"
    torch.save({"key": "", "config": json.dumps(run.recipe()), "x": Bomb(mark)}, run.state)
    with pytest.raises(UserError, match="unreadable progress"):
        run.run()
    assert not mark.exists()


def test_a_full_disk_leaves_the_last_epoch(trainer, small_disk):
    run = trainer()
    run.save()
    before = run.state.read_bytes()
    with small_disk(), pytest.raises(UserError, match=r"run\.pt: could not be written.*free some"):
        run.save()
    assert run.state.read_bytes() == before
    assert list(run.state.parent.iterdir()) == [run.state]
