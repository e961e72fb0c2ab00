"""The loop: worked by hand where it counts."""

from __future__ import annotations

import ast
import math

import pytest
import torch
from accelerate import Accelerator
from torch import Tensor

from common.config import ROOT, UserError
from common.models import list_models
from common.training import processes
from common.training import trainer as module
from common.training.optim import learning_rate
from common.training.trainer import Trainer
from tests.training.conftest import equal, weights

TIMES = ["seconds", "photos_per_second"]


def recorded(trainer: Trainer) -> list[list[Tensor]]:
    """Let a trainer note the images of each step, by epoch."""
    epochs: list[list[Tensor]] = []
    step, train_epoch = trainer.step, trainer.train_epoch

    def noting_step(batch: dict[str, Tensor], lr: float) -> Tensor:
        epochs[-1].append(batch["image"].clone())
        return step(batch, lr)

    def noting_epoch(epoch: int) -> dict[str, float]:
        epochs.append([])
        return train_epoch(epoch)

    trainer.step, trainer.train_epoch = noting_step, noting_epoch
    return epochs


def test_history_has_a_row_an_epoch(trainer):
    history = trainer().run()
    assert history["epoch"].tolist() == [1, 2]
    assert {"loss", "lr", "val_miou", "val_iou_cat", *TIMES} <= set(history.columns)
    assert history["loss"].notna().all()
    assert (history["photos_per_second"] > 0).all()


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({}, [4, 4]),  # of 8 training photos (one of each breed's three is for validation)
        ({"batch_size": 3}, [3, 3]),  # the rest of two is dropped
        ({"batch_size": 100}, [8]),  # unless there is nothing else
        ({"samples": 6}, [4]),
        ({"samples": 3, "batch_size": 2}, [2]),
        ({"samples": 1000}, [4, 4]),
        ({"max_steps": 1}, [4]),
        ({"fraction": 0.5}, [4]),
    ],
)
def test_as_many_photos_as_asked_for(trainer, fields: dict, steps: list[int]):
    run = trainer(**fields)
    epochs = recorded(run)
    run.run()
    assert [[len(images) for images in epoch] for epoch in epochs] == [steps, steps]


@pytest.mark.parametrize("fields", [{}, {"workers": 1}, {"batch_size": 100}])
def test_each_process_varies_photos_in_its_own_way(trainer, monkeypatch, fields: dict):
    """Two that are given the same photos, as there are fewer than both take at once."""
    fields, seen = {"batch_size": 8} | fields, []
    monkeypatch.setattr(Accelerator, "num_processes", 2)
    monkeypatch.setattr(processes, "several", lambda: True)
    for recipe in ("none", "geometry"):
        for number in range(2):
            monkeypatch.setattr(Accelerator, "process_index", number)
            monkeypatch.setenv("RANK", str(number))
            run = trainer(f"{recipe}{number}", recipe=recipe, epochs=1, **fields)
            epochs = recorded(run)
            run.run()
            seen.append(torch.cat(epochs[0]))
    assert all(len(images) == fields["batch_size"] for images in seen)
    assert fields["batch_size"] > 8 or torch.equal(seen[0], seen[1])
    assert all(not torch.equal(one, other) for one, other in zip(*seen[2:], strict=True))


def test_no_photo_is_seen_twice_an_epoch_and_none_of_validation(trainer, cache):
    run = trainer()
    epochs = recorded(run)
    run.run()
    images = torch.from_numpy(cache.images[cache.rows("train")]).permute(0, 3, 1, 2) / 255
    for epoch in epochs:
        seen = torch.cat(epoch)
        matches = (seen[:, None] - images[None]).abs().flatten(2).amax(-1) < 1e-6
        assert matches.sum(0).tolist() == [1] * 8


def test_a_fraction_keeps_every_breed(cache):
    breeds = cache.manifest["breed_id"]
    assert len(set(breeds[cache.rows("train", 0.5)])) == 4


def test_order_changes_with_epoch_and_seed_and_with_nothing_else(trainer):
    seen = {}
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        run = trainer(name, seed=seed, recipe="geometry")
        epochs = recorded(run)
        run.run()
        seen[name] = [torch.cat(epoch) for epoch in epochs]
    assert not torch.equal(seen["a"][0], seen["a"][1])
    assert torch.equal(torch.stack(seen["a"]), torch.stack(seen["b"]))
    assert not torch.equal(seen["a"][0], seen["c"][0])


def test_coarse_epochs_come_first(trainer):
    run = trainer(epochs=4, coarse=0.5)
    epochs = recorded(run)
    run.run()
    assert [epoch[0].shape[-1] for epoch in epochs] == [24, 24, 32, 32]


def test_rate_of_every_step_is_the_schedule(trainer):
    run, rates = trainer(epochs=3, warmup=1.0, lr=0.01), []
    step = run.step
    run.step = lambda batch, lr: rates.append(lr) or step(batch, lr)
    history = run.run()
    expected = [0.01 * learning_rate(e + s / 2, run.config) for e in range(3) for s in (0, 1)]
    assert rates == pytest.approx(expected)
    assert history["lr"].tolist() == pytest.approx(expected[1::2])
    assert run.optimizer.param_groups[0]["lr"] == rates[-1]


def test_gradients_are_clipped(trainer):
    run, norms = trainer(clip=1e-3), []
    update = run.optimizer.step

    def noting() -> None:
        gradients = [p.grad for p in run.model.parameters() if p.grad is not None]
        norms.append(torch.cat([g.flatten() for g in gradients]).norm().item())
        update()

    run.optimizer.step = noting
    run.run()
    assert norms == pytest.approx([1e-3] * 4, rel=1e-3)


def test_a_frozen_part_stays_as_it_is(trainer):
    run = trainer()
    before = weights(run)
    run.run()
    after = weights(run)
    for name, value in before.items():
        assert torch.equal(value, after[name]) is name.startswith("encoder"), name


def test_the_best_average_is_what_is_left(trainer, monkeypatch):
    """Not the last epoch, and not the weights that the optimiser moves."""
    run, means, raw = trainer(epochs=3), [], []

    def validate() -> dict[str, float]:
        means.append({n: v.clone() for n, v in run.ema.module.state_dict().items()})
        raw.append(weights(run))
        return {"val_miou": [0.2, 0.9, 0.5][len(means) - 1]}

    monkeypatch.setattr(run, "validate", validate)
    history = run.run()
    assert history["val_miou"].tolist() == [0.2, 0.9, 0.5]
    assert equal(weights(run), means[1])
    assert not equal(weights(run), raw[1])
    assert not equal(weights(run), means[2])


def test_a_run_can_be_scored_in_its_own_way(trainer):
    """On the averaged weights and the validation photos; the first score chooses the epoch."""
    run, asked = trainer(), []
    told = iter([0.1, 0.9])
    run.score = lambda *a: asked.append(a) or {"val_iou_at_1": next(told), "val_loss": 1.0}
    history = run.run()
    assert all(call[0] is run.ema.module and call[2] == "val" for call in asked)
    assert module.watched(history) == "val_iou_at_1"
    assert history["val_iou_at_1"].tolist() == [0.1, 0.9]


@pytest.mark.parametrize(
    ("patience", "scores", "epochs"),
    [
        (2, [0.5, 0.4, 0.4, 0.9, 0.9], 3),
        (2, [0.1, 0.2, 0.1, 0.3, 0.2], 5),
        (1, [0.1, 0.2, 0.1, 0.3, 0.2], 3),
        (0, [0.5, 0.4, 0.3, 0.2, 0.1], 5),
    ],
)
def test_early_stopping(trainer, monkeypatch, patience: int, scores: list, epochs: int):
    run = trainer(epochs=5, patience=patience)
    monkeypatch.setattr(run, "validate", lambda: {"val_miou": scores[len(run.history)]})
    assert len(run.run()) == epochs


def test_a_diverged_loss_is_an_error_and_the_last_good_epoch_is_kept(trainer, monkeypatch):
    run = trainer()
    train_epoch, loss = run.train_epoch, run.model.loss

    def breaking(epoch: int) -> dict[str, float]:
        if epoch == 1:
            run.model.loss = lambda batch: loss(batch) * math.nan
        return train_epoch(epoch)

    monkeypatch.setattr(run, "train_epoch", breaking)
    with pytest.raises(UserError, match="epoch 2: the loss is nan; lower the learning rate"):
        run.run()
    again = trainer()
    again.resume()
    assert len(again.history) == 1
    assert all(value.isfinite().all() for value in weights(again).values())


def test_an_empty_split_is_an_error(trainer):
    with pytest.raises(UserError, match="no photo to train on .fraction 0.0001."):
        trainer(fraction=0.0001)


def test_two_precisions_in_one_kernel(trainer):
    """A notebook may train in bf16 and then compare with float32."""
    for number, precision in enumerate(("bf16", "no", "bf16")):
        run = trainer(f"{number}", precision=precision, max_steps=1, epochs=1)
        assert run.accelerator.mixed_precision == precision
        with run.accelerator.autocast():
            scores = run.model(torch.rand(1, 3, 8, 8))
        assert scores.dtype == (torch.bfloat16 if precision == "bf16" else torch.float32)
        run.run()


def test_the_loop_knows_nothing_of_a_model():
    for file in (
        "training/trainer.py",
        "training/optim.py",
        "training/validation.py",
        "data/augment.py",
    ):
        text = (ROOT / "common" / file).read_text().lower()
        assert not [name for name in list_models() if name in text], file
        for node in ast.walk(ast.parse(text)):
            assert not (isinstance(node, ast.ImportFrom) and "models" in (node.module or "")), file
