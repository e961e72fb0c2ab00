"""Data efficiency and seeds: equal steps for every share, each run trained once."""

import pytest

from common.studies import learning
from common.studies.learning import BUDGETS, SEEDS, learning_table, learning_variants, run_learning
from common.training.trainer import TrainConfig, Trainer


def steps(variant, config: TrainConfig, photos: int) -> float:
    share = variant.training.get("fraction", 1.0)
    return variant.training.get("epochs", config.epochs) * min(config.samples, share * photos)


@pytest.mark.parametrize("model", SEEDS)
def test_every_share_takes_the_same_number_of_steps(model: str):
    config, photos = BUDGETS[model], 3289
    variants = learning_variants(model, config, photos)
    wanted = config.epochs * config.samples
    assert all(abs(steps(v, config, photos) / wanted - 1) < 0.1 for v in variants)
    assert len(variants) == len(learning.SHARES) + SEEDS[model] - 1
    assert len({variant.run for variant in variants}) == len(variants)


def test_no_photos_are_asked_for_that_are_not_there():
    config = TrainConfig(epochs=4, samples=2048)
    all_photos = learning_variants("unet", config, 100)[len(learning.SHARES) - 1]
    assert all_photos.training == {"fraction": 1.0, "epochs": 4}


def test_runs_are_stored_and_told(toy, pets, quick, tmp_path, monkeypatch):
    monkeypatch.setattr(learning, "SEEDS", {"toy": 2})
    monkeypatch.setattr(learning, "BUDGETS", {"toy": quick})
    monkeypatch.setattr(learning, "SHARES", (0.5, 1.0))
    assert learning_table(tmp_path).empty
    for _ in range(2):
        run_learning("toy", pets, size=32, results=tmp_path, epochs=1, samples=8)
        table = learning_table(tmp_path)
        monkeypatch.setattr(Trainer, "run", None)  # the second time nothing is trained
    assert table["share"].tolist() == [*learning.SHARES, 1.0]
    assert table["seed"].tolist() == [0, 0, 1]
    assert table["miou"].between(0, 1).all() and (table["low"] <= table["high"]).all()
