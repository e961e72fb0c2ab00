"""What some minutes buy: the plan is made once, and the table says what was trained."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from common import run_all
from common.config import UserError
from common.costs import minutes
from common.training.runs import Training


@pytest.fixture
def small(monkeypatch) -> None:
    """One entrant, of 32 px, whose speed is known."""
    monkeypatch.setattr(minutes, "STEPS", 1)

    def entrants(**changes):
        config = minutes.TrainConfig(**{"batch_size": 4, "workers": 0, "recipe": "none"} | changes)
        kwargs = {"widths": [8, 8, 8], "stem": 2}
        return {"unet": minutes.Entrant(Training("unet", "unet", kwargs, config), 32, 32)}

    monkeypatch.setattr(minutes, "entrants", entrants)


def test_a_share_is_planned_once_and_trained(pets: Path, tmp_path: Path, monkeypatch, small):
    monkeypatch.setenv("PETS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(minutes, "photos_per_second", lambda *_: 10.0)
    table = minutes.within(0.05, str(pets), tmp_path)
    (row,) = table.to_dict("records")
    assert row["photos"] == pytest.approx(0.8 * 10 * 3, abs=12) and row["edge"] == 32
    assert row["memory_mb"] > 0 and row["device"] == minutes.device_name()
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "full_minutes.csv"), table)
    monkeypatch.setattr(minutes, "photos_per_second", None)  # what is planned is not timed again
    monkeypatch.setattr(minutes.Trainer, "run", None)  # nor trained
    assert minutes.within(0.05, str(pets), tmp_path)["photos"].tolist() == [row["photos"]]


def test_speed_is_that_of_steps(pets: Path, tmp_path: Path, monkeypatch, small):
    monkeypatch.setenv("PETS_CACHE", str(tmp_path / "cache"))
    entrant = minutes.entrants()["unet"]
    cache = minutes.prepare(str(pets), size=entrant.photos)
    assert 1 < minutes.photos_per_second(entrant.training, cache) < 1e5


def test_the_three_see_their_sizes():
    """Also that each can be built, on no memory."""
    with torch.device("meta"):
        for name, one in minutes.entrants().items():
            network = one.training.network()
            assert getattr(network, "size", one.edge) == one.edge, name
            assert one.training.config == replace(one.training.config, batch_size=32)


def test_minutes_that_do_not_do(tmp_path):
    with pytest.raises(UserError, match="choose 0.05 to 600"):
        minutes.within(0, "", tmp_path)
    assert run_all.main(["--minutes", "1"]) == 2, "of another profile"
