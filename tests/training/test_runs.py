"""A training is done once: the same question again loads, another one trains."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from common.checkpoint import load_checkpoint
from common.config import ROOT, UserError
from common.data import augment
from common.data import pets as photos_on_disk
from common.data.dataset import PetDataset, prepare, prepare_folder
from common.models import ALIASES, MODELS, Spec
from common.training import __main__ as command
from common.training import click_validation, pretrain, trainer, validation
from common.training.click_validation import quick_click_scores
from common.training.finished import Run, load_run
from common.training.pretrain import Crops
from common.training.runs import Training
from common.training.trainer import TrainConfig, Trainer
from tests.conftest import Toy


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return tmp_path / "results"


@pytest.fixture
def train(toy, cache, quick, results) -> Callable[..., Run]:
    """Train or load a toy run named "toy"; keywords as of `Training`, and its photos."""

    def call(cache=cache, **kwargs) -> Run:
        given = {"name": "toy", "model": "toy", "config": quick, **kwargs}
        return Training(**given).run_or_load(cache, results)

    return call


@pytest.fixture
def epochs(monkeypatch) -> list[int]:
    """Notes every epoch that is trained."""
    trained: list[int] = []
    train_epoch = Trainer.train_epoch

    def noting(self: Trainer, epoch: int) -> dict[str, float]:
        trained.append(epoch)
        return train_epoch(self, epoch)

    monkeypatch.setattr(Trainer, "train_epoch", noting)
    return trained


def files(results: Path) -> dict[str, int]:
    """Every file with the time of its last change."""
    return {str(f): f.stat().st_mtime_ns for f in results.rglob("*") if f.is_file()}


def same_weights(a: Run, b: Run) -> bool:
    pairs = zip(a.model.parameters(), b.model.parameters(), strict=True)
    return all(torch.equal(x, y) for x, y in pairs)


def test_a_run_is_trained_once_and_then_loaded(train, results, epochs):
    first = train()
    assert epochs == [0, 1]
    before = files(results)
    second = train()
    assert epochs == [0, 1]
    assert files(results) == before
    assert same_weights(first, second)
    pd.testing.assert_frame_equal(first.history, second.history)
    assert second.card == first.card
    assert not second.model.training
    assert second.minutes == pytest.approx(second.history["seconds"].sum() / 60)


def test_what_a_run_leaves(train, results, cache, quick):
    run = train(kwargs={"width": 3})
    left = {str(f.relative_to(results)) for f in results.rglob("*") if f.is_file()}
    assert left == {
        "checkpoints/toy.json",
        "checkpoints/toy.safetensors",
        "history/toy.csv",
        "local/training/toy.pt",
    }
    training = run.card.training
    best = run.history["val_miou"].max()
    assert training["val_miou"] == pytest.approx(best, abs=1e-5)
    assert run.history["val_miou"][training["best_epoch"] - 1] == best
    assert (run.card.model, run.card.kwargs) == ("toy", {"width": 3})
    assert (run.card.size, run.card.fit) == (32, "stretch")
    assert training["lr"] == quick.lr
    assert training["data"] == cache.info["data"]
    assert len(training["split"]) == len(training["key"]) == 64


def test_of_equal_epochs_the_card_names_the_one_that_is_kept(train, monkeypatch, quick):
    """`Trainer` keeps the later of two equal epochs."""
    monkeypatch.setattr(Trainer, "validate", lambda self: {"val_miou": 0.5})
    assert train(config=replace(quick, epochs=3)).card.training["best_epoch"] == 3


@pytest.mark.parametrize(("step", "best"), [(1, 2), (-1, 1)])
def test_another_score_chooses_the_epoch(train, results, step: int, best: int):
    """The first of its numbers, where more is better."""
    calls: list[str] = []

    def score(model, cache, split, accelerator) -> dict[str, float]:
        calls.append(split)
        return {"val_own": float(step * len(calls)), "val_miou": 1.0}

    run = train(score=score)
    assert calls == ["val", "val"]
    assert run.history["val_own"].tolist() == [step, 2 * step]
    assert (run.card.training["best_epoch"], run.card.training["val_own"]) == (best, best * step)
    assert "val_miou" not in run.card.training
    progress = torch.load(results / "local/training/toy.pt", weights_only=True)
    last = {name: progress["ema"][f"module.{name}"] for name in progress["best"]}
    same = [torch.equal(value, last[name]) for name, value in progress["best"].items()]
    assert all(same) is (best == 2)


def test_an_alias_is_the_same_training(train, epochs, monkeypatch):
    monkeypatch.setitem(ALIASES, "second", "toy")
    first = train()
    epochs.clear()
    again = train(model="second")
    assert epochs == [] and again.card.model == first.card.model == "toy"


def test_the_card_holds_the_defaults_of_the_registry(train, toy, monkeypatch):
    """A committed checkpoint still loads when the registry's sizes change later."""
    monkeypatch.setitem(MODELS, "toy", Spec(toy, {"width": 3}))
    run = train()
    assert run.card.kwargs == {"width": 3}
    monkeypatch.setitem(MODELS, "toy", Spec(toy, {"width": 8}))
    assert same_weights(train(cache=None), run)


@pytest.mark.parametrize("change", [{"lr": 0.5}, {"seed": 1}, {"epochs": 1}, {"fraction": 0.5}])
def test_another_configuration_is_trained(train, quick, epochs, change: dict):
    train()
    epochs.clear()
    run = train(config=replace(quick, **change))
    assert len(epochs) == run.card.training["epochs"] > 0
    assert {run.card.training[name] for name in change} == set(change.values())


def test_other_arguments_or_pixels_are_trained(train, epochs, pets, tmp_path):
    train()
    for kwargs in (
        {"kwargs": {"width": 3}},
        {"cache": prepare(pets, size=24, folder=tmp_path / "c")},
    ):
        epochs.clear()
        train(**kwargs)
        assert epochs == [0, 1]


def test_runs_may_lie_in_folders(train, results, epochs):
    """As those of an ablation do: each has its own history."""
    first = train(name="ablation/a", folder="local/checkpoints")
    train(name="ablation/b", folder="local/checkpoints", kwargs={"width": 3})
    again = train(name="ablation/a", folder="local/checkpoints", cache=None)
    assert epochs == [0, 1] * 2
    assert same_weights(first, again)
    assert (results / "history" / "ablation" / "a.csv").is_file()


def test_without_photos_a_run_is_only_loaded(train, results, epochs, quick):
    with pytest.raises(UserError, match="no checkpoint .*toy.json"):
        train(cache=None)
    first = train()
    epochs.clear()
    assert same_weights(train(cache=None, config=replace(quick, lr=3.0)), first)
    assert epochs == []
    (results / "history" / "toy.csv").unlink()
    with pytest.raises(UserError, match=r"toy\.csv: the history of toy is missing; fetch it"):
        load_run("toy", results)


def test_a_training_goes_on_from_another(train, results, quick, epochs):
    first = train(name="first")
    start, no_change = results / "checkpoints" / "first", replace(quick, lr=1e-9)
    second = train(start=start, config=no_change)
    for name, value in first.model.named_parameters():
        again = second.model.get_parameter(name)
        assert torch.allclose(value, again, atol=1e-3), "it begins with its weights"
    assert second.card.training["start"] == "first"
    assert second.before == first.minutes and second.minutes > second.history["seconds"].sum() / 60
    done = len(epochs)
    train(start=start, config=no_change)
    assert len(epochs) == done, "the same start is the same training"
    train(name="first", config=replace(quick, seed=5))
    train(start=start, config=no_change)
    assert len(epochs) == done + 2 * quick.epochs, "from other weights it is another one"


def test_the_seed_decides_the_first_weights_too(train, quick):
    once = train(name="a", config=replace(quick, seed=5))
    torch.manual_seed(99)
    assert same_weights(once, train(name="b", config=replace(quick, seed=5)))
    assert not same_weights(once, train(name="c", config=replace(quick, seed=6)))


# What belongs to the key


@pytest.fixture
def key(toy, cache) -> Callable[..., str]:
    """The key of a toy training; keywords as of `Training`, those of its settings apart."""

    def made(cache=cache, config: dict | None = None, **kwargs) -> str:
        return Training("toy", "toy", config=TrainConfig(**config or {}), **kwargs).key(cache)

    return made


def test_the_key_follows_what_decides_and_is_the_same_tomorrow(key, cache):
    other = replace(cache, info={**cache.info, "files": {**cache.info["files"]}})
    other.info["files"]["manifest.csv"] = "another split"
    given = [
        {},
        {"config": {"lr": 2.0}},
        {"config": {"seed": 1}},
        {"kwargs": {"width": 3}},
        {"score": quick_click_scores},
        {"items": Crops(32)},
        {"items": Crops(24)},
        {"items": Crops(24, ("Pug",))},
        {"cache": other},
    ]
    keys = [key(**kwargs) for kwargs in given]
    assert len(set(keys)) == len(keys)
    assert [key(**kwargs) for kwargs in given] == keys
    assert key(items=PetDataset) == keys[0]


@pytest.mark.parametrize(
    ("module", "kwargs"),
    [
        (trainer, {}),
        (augment, {}),
        (validation, {}),
        (click_validation, {"score": quick_click_scores}),
        (pretrain, {"items": Crops(24)}),
    ],
)
def test_a_raised_version_of_what_it_runs_through_trains_again(key, monkeypatch, module, kwargs):
    before, plain = key(**kwargs), key()
    monkeypatch.setattr(module, "VERSION", 2)
    assert key(**kwargs) != before
    assert (key() == plain) is bool(kwargs), "and nothing that does not run through it"


def test_a_raised_version_of_the_model_trains_again_and_of_scoring_does_not(key, monkeypatch):
    before = key()
    monkeypatch.setattr(photos_on_disk, "VERSION", 2)
    assert key() == before
    monkeypatch.setattr(Toy, "version", 2)
    assert key() != before


@pytest.mark.parametrize("name", ["", "..", "a/../b", "/a", "x" * 101])
def test_a_name_is_that_of_a_file(train, name: str):
    with pytest.raises(UserError, match="a run's name is that of a file"):
        train(name=name)


# The command


def test_the_command_line_trains_what_it_is_told(toy, pets, results, capsys):
    quickly = ["--epochs", "1", "--batch-size", "4", "--workers", "0", "--precision", "no"]
    chosen = ["--seed", "3", "--fraction", "0.5", "--size", "32", "--name", "mine"]
    places = ["--data-root", str(pets), "--results", str(results)]
    assert command.main(["--model", "toy", *quickly, *chosen, *places]) == 0
    assert "val_miou" in capsys.readouterr().out
    training = load_run("mine", results).card.training
    assert (training["seed"], training["fraction"], training["epochs"]) == (3, 0.5, 1)


def test_a_quick_try_does_not_take_the_place_of_a_finished_run(toy, pets, results, capsys):
    quickly = ["--epochs", "1", "--batch-size", "4", "--workers", "0", "--size", "32"]
    places = ["--model", "toy", "--data-root", str(pets), "--results", str(results)]
    assert command.main([*places, *quickly]) == 0
    before = (results / "checkpoints" / "toy.safetensors").read_bytes()
    assert command.main([*places, *quickly, "--seed", "7"]) == 2
    assert "give this one another --name, or --overwrite" in capsys.readouterr().err
    assert (results / "checkpoints" / "toy.safetensors").read_bytes() == before
    assert command.main([*places, *quickly]) == 0  # the same is loaded
    assert command.main([*places, *quickly, "--seed", "7", "--overwrite"]) == 0
    assert load_run("toy", results).card.training["seed"] == 7


def test_the_command_line_takes_an_alias(toy, pets, results, monkeypatch):
    monkeypatch.setitem(ALIASES, "second", "toy")
    quickly = ["--epochs", "1", "--batch-size", "4", "--workers", "0", "--size", "32"]
    places = ["--data-root", str(pets), "--results", str(results)]
    assert command.main(["--model", "second", *quickly, *places]) == 0
    assert load_run("toy", results).card.model == "toy"


# What a kill leaves


def lose_card(checkpoint: Path) -> None:
    """The kill came between the two files of a first export."""
    checkpoint.with_suffix(".json").unlink()


def lose_both(checkpoint: Path) -> None:
    """It came after the history."""
    lose_card(checkpoint)
    checkpoint.with_suffix(".safetensors").unlink()


def mix(checkpoint: Path) -> None:
    """It came between the two files of a later export: the tensors are another run's."""
    checkpoint.with_suffix(".safetensors").write_bytes(b"of another run")


@pytest.mark.parametrize("damage", [lose_card, lose_both, mix])
def test_a_half_written_export_is_mended_without_training(train, results, epochs, damage):
    first = train()
    epochs.clear()
    damage(results / "checkpoints" / "toy")
    assert same_weights(train(), first)
    assert epochs == []


SCRIPT = """
import os, signal, sys
from pathlib import Path
from common import config
from common.data.dataset import open_cache
from common.training.runs import Training
from common.training.trainer import TrainConfig
cache, results, fatal = sys.argv[1:]
replace, count = os.replace, iter(range(1, 100))
def failing(source, target):
    if Path(target).suffix != ".pt" and next(count) == int(fatal):
        os.kill(os.getpid(), signal.SIGKILL)
    replace(source, target)
config.os.replace = failing
settings = TrainConfig(epochs=1, batch_size=4, precision="no", workers=0)
training = Training("unet", "unet", {"widths": (16, 16), "depth": 1}, settings)
training.run_or_load(open_cache(cache), Path(results))
"""


@pytest.mark.long
def test_a_kill_at_any_moment_of_the_export_is_mended(pets, tmp_path):
    """The history, the tensors and the card are each the last thing that is not yet there."""
    folder = prepare_folder(pets, size=32, folder=tmp_path / "cache")

    def command(results: Path, fatal: int) -> int:
        arguments = [sys.executable, "-c", SCRIPT, str(folder), str(results), str(fatal)]
        return subprocess.run(arguments, cwd=ROOT, capture_output=True).returncode

    assert command(tmp_path / "whole", 0) == 0
    expected, card = load_checkpoint(tmp_path / "whole/checkpoints/unet")
    for fatal in (1, 2, 3):
        results = tmp_path / f"killed{fatal}"
        assert command(results, fatal) == -signal.SIGKILL
        state = (results / "local/training/unet.pt").read_bytes()
        assert command(results, 0) == 0
        assert (results / "local/training/unet.pt").read_bytes() == state, "trained again"
        found, again = load_checkpoint(results / "checkpoints/unet")
        for name, value in expected.state_dict().items():
            assert torch.equal(found.state_dict()[name], value), name
        assert again.training["key"] == card.training["key"]
        assert len(pd.read_csv(results / "history/unet.csv")) == 1
