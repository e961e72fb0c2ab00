"""The loop: worked by hand where it counts; of kills, see `tests.long.test_faults_kills`."""

from __future__ import annotations

import ast
import json
import math
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch
from accelerate import Accelerator
from torch import Tensor, nn

from common.config import CLASSES, ROOT, UserError
from common.data.augment import shrink
from common.models import list_models
from common.training import processes
from common.training import trainer as module
from common.training.trainer import TrainConfig, Trainer, averaged, decay_groups, learning_rate
from common.training.validation import confusion, quick_scores, total

TIMES = ["seconds", "photos_per_second"]


@pytest.fixture
def trainer(toy, cache, quick, tmp_path) -> Callable[..., Trainer]:
    """Make the trainer of a toy run; keywords are fields of its settings."""

    def make(state: str = "run.pt", key: str = "", **fields) -> Trainer:
        config = replace(quick, **fields)
        torch.manual_seed(config.seed)
        return Trainer(toy(), cache, config, tmp_path / state, key)

    return make


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


def weights(trainer: Trainer) -> dict[str, Tensor]:
    return {name: value.clone() for name, value in trainer.model.state_dict().items()}


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


# The parts


def test_learning_rate_worked_by_hand():
    config = TrainConfig(epochs=12, warmup=2.0)
    for epoch, share in [(0, 0.0005), (1, 0.5005), (2, 1), (4.5, 0.853553), (7, 0.5), (12, 0)]:
        assert learning_rate(epoch, config) == pytest.approx(share, abs=1e-6)
    assert learning_rate(13, config) == 0
    assert learning_rate(0, TrainConfig(epochs=12, warmup=0)) == 1


def test_learning_rate_never_jumps():
    config = TrainConfig(epochs=10, warmup=1.5)
    rates = [learning_rate(step / 100, config) for step in range(1001)]
    assert max(abs(a - b) for a, b in zip(rates, rates[1:], strict=False)) < 0.01
    assert all(0 <= rate <= 1.001 for rate in rates)


def test_weight_decay_for_matrices_and_kernels_alone():
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.GroupNorm(2, 4), nn.Linear(4, 5))
    model.scale = nn.Parameter(torch.tensor(1.0))
    model[2].bias.requires_grad_(False)
    decayed, spared = decay_groups(model, 0.05)
    assert (decayed["weight_decay"], spared["weight_decay"]) == (0.05, 0.0)
    assert {id(p) for p in decayed["params"]} == {id(model[0].weight), id(model[2].weight)}
    assert {id(p) for p in spared["params"]} == {
        id(p) for p in (model.scale, model[0].bias, model[1].weight, model[1].bias)
    }


def test_average_worked_by_hand():
    model = nn.Linear(1, 1, bias=False)
    mean, expected = averaged(model, 0.5), 0.0
    for step, value in enumerate([1.0, 3.0, -2.0, 5.0, 8.0, 0.0, 1.0, 4.0, 2.0]):
        nn.init.constant_(model.weight, value)
        mean.update_parameters(model)
        decay = min(0.5, (1 + step) / (10 + step)) if step else 0.0  # step 0 copies
        expected = decay * expected + (1 - decay) * value
        assert mean.module.weight.item() == pytest.approx(expected, rel=1e-5)
    assert decay == 0.5  # the warm-up was left behind


def test_average_carries_buffers():
    model = nn.BatchNorm2d(2)
    mean = averaged(model, 0.9)
    model.running_mean += 7
    mean.update_parameters(model)
    assert torch.equal(mean.module.running_mean, model.running_mean)


def test_shrinking_keeps_classes_whole():
    generator = torch.Generator().manual_seed(0)
    mask = torch.tensor([0, 1, 2, 255], dtype=torch.uint8)[
        torch.randint(0, 4, (2, 32, 32), generator=generator)
    ]
    batch = {
        "image": torch.full((2, 3, 32, 32), 0.25),
        "mask": mask,
        "breed": torch.tensor([1, 2]),
    }
    shrink(batch)
    assert batch["image"].shape == (2, 3, 24, 24)
    torch.testing.assert_close(batch["image"], torch.full((2, 3, 24, 24), 0.25))
    assert batch["mask"].shape == (2, 24, 24)
    assert batch["mask"].dtype == torch.uint8
    assert set(batch["mask"].unique().tolist()) == {0, 1, 2, 255}
    assert batch["breed"].tolist() == [1, 2]


def test_shrunk_masks_lie_where_shrunk_photos_do():
    mask = torch.zeros(1, 32, 32, dtype=torch.uint8)
    mask[:, 8:24, 4:28] = 1
    batch = {"image": mask[:, None].float().expand(1, 3, 32, 32), "mask": mask}
    shrink(batch)
    assert ((batch["image"][:, 0] > 0.5) == (batch["mask"] == 1)).all()


def test_confusion_worked_by_hand():
    target = torch.tensor([[0, 0, 1, 255], [2, 2, 2, 255]], dtype=torch.uint8)
    predicted = torch.tensor([[0, 2, 1, 1], [2, 1, 2, 0]])
    assert confusion(predicted, target).tolist() == [[1, 0, 1], [0, 1, 0], [0, 1, 2]]


def test_quick_scores_are_those_of_all_pixels_at_once(toy, cache):
    torch.manual_seed(0)
    model, rows = toy(), cache.rows("val")
    with torch.inference_mode():
        images = torch.from_numpy(cache.images[rows]).permute(0, 3, 1, 2) / 255
        predicted = model.eval()(images).argmax(1).numpy()
    target = cache.masks[rows]
    scores = quick_scores(model.train(), cache, "val", Accelerator(), batch=3)
    assert not model.training
    expected = []
    for k, name in enumerate(CLASSES):
        found, true = (predicted == k) & (target != 255), target == k
        expected.append((found & true).sum() / (found | true).sum())
        assert scores[f"val_iou_{name}"] == pytest.approx(expected[-1], abs=2e-3)
    assert scores["val_miou"] == pytest.approx(sum(expected) / 3, abs=2e-3)


# What a run does


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


# Stopping and going on


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


@pytest.mark.parametrize("kind", [torch.float64, torch.long])
def test_validation_brings_no_float64_to_the_device(cache, kind):
    with pytest.raises(TypeError, match="MPS"):
        torch.zeros(1, dtype=torch.float64).to(torch.device("cpu"))
    rows, zero = cache.rows("val"), torch.zeros(1, dtype=kind)
    summed = total(lambda part, _: torch.tensor([len(part)]), cache, rows, Accelerator(), zero)
    assert summed.dtype == kind and summed.tolist() == [len(rows)]
