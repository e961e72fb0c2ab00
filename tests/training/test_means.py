"""The mean of two trainings: by hand, made once, and loaded where its parts' weights are gone."""

from pathlib import Path

import torch

from common.checkpoint import load_checkpoint, save_checkpoint
from common.data.cache import PetCache
from common.training.means import mean, mean_or_load
from common.training.runs import Training
from common.training.trainer import TrainConfig

SMALL = {"encoder": "residual", "widths": [8, 8, 8, 8]}


def test_a_share_of_the_last_weights_and_the_first_ones_counts():
    first = {"weight": torch.tensor([0.0, 4.0]), "batches": torch.tensor(3)}
    last = {"weight": torch.tensor([1.0, 0.0]), "batches": torch.tensor(9)}
    found = mean(first, last, 0.25)
    assert found["weight"].tolist() == [0.25, 3.0] and found["batches"] == 3


def test_a_mean_is_made_once(cache: PetCache, tmp_path: Path):
    folder = tmp_path / "checkpoints"
    config = TrainConfig(epochs=1, samples=2, batch_size=2, precision="no", workers=0)
    early, late = (Training(n, "point_unet", SMALL, config) for n in ("early", "late"))
    for one in (early, late):
        save_checkpoint(folder / one.name, one.network(), one.card(cache))
    run = mean_or_load("both", [late], [cache], "early", 0.5, tmp_path)
    parts = [load_checkpoint(folder / n)[0].decoder.head.weight for n in ("early", "late")]
    assert torch.allclose(run.model.decoder.head.weight, sum(parts) / 2, atol=1e-3)
    assert run.card.training["mean_with"] == "early" and run.minutes > 0
    made = (folder / "both.safetensors").stat().st_mtime_ns
    for name in ("early", "late"):
        (folder / f"{name}.safetensors").unlink()
    mean_or_load("both", [late], [cache], "early", 0.5, tmp_path)
    mean_or_load("both", [late], [None], "early", 0.5, tmp_path)
    assert (folder / "both.safetensors").stat().st_mtime_ns == made
