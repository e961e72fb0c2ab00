"""Pretrainings and kept features as artifacts: named, keyed by what made them, found again."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from common.checkpoint import Card
from common.data.cache import PetCache
from common.data.dataset import PetDataset
from common.models import MODELS, PRETRAINING, create_model, list_models
from common.models.encoders import own as own_encoders
from common.models.encoders.encoder import FrozenEncoder
from common.models.encoders.recipes import ENCODERS
from common.models.pretraining.mae import small_vit
from common.training import runs
from common.training.features import keep_features
from common.training.pretrain import CroppedPets, quick_reconstruction
from common.training.runs import plan_run, train_or_load
from common.training.snapshots import SnapshotTrainer
from common.training.trainer import TrainConfig
from tests.models.pretraining import test_mae

VIT = {name: value for name, value in test_mae.SMALL.items() if "decoder" not in name}


def test_pretrainings_have_names_but_segment_nothing():
    assert not PRETRAINING.keys() & {*MODELS, *list_models()}
    assert set(own_encoders.OWN_ENCODERS) <= set(ENCODERS)
    assert create_model("mae_pets", **test_mae.SMALL).size == 32


def pretrain(cache: PetCache, results: Path, quick: TrainConfig) -> runs.Run:
    card = Card("mae_pets", test_mae.SMALL, 32)
    return train_or_load(
        "mae_pets",
        model="mae_pets",
        config=quick,
        cache=cache,
        results=results,
        score=quick_reconstruction,
        dataset=partial(CroppedPets, size=32),
        trainer=partial(SnapshotTrainer, stem=results / "checkpoints" / "mae_pets", card=card),
        **test_mae.SMALL,
    )


def test_a_pretraining_becomes_an_encoder(
    cache: PetCache, tmp_path: Path, quick: TrainConfig, monkeypatch
):
    """Trained once, found again, kept halfway, and taken over by the segmentation models."""
    run = pretrain(cache, tmp_path, quick)
    assert list(run.history)[-1] == "val_explained"
    monkeypatch.setattr(runs, "Trainer", None)
    assert pretrain(cache, tmp_path, quick).card == run.card
    monkeypatch.setattr(own_encoders, "_folders", [])
    own_encoders.look_in(tmp_path / "checkpoints")
    hashes = set()
    for name in ("mae_pets", "mae_pets_25", "mae_pets_50"):
        recipe = replace(ENCODERS[name], build=partial(small_vit, **VIT), taps=(0, 1))
        monkeypatch.setitem(ENCODERS, name, recipe)
        hashes.add(FrozenEncoder(name).sha256)
    assert len(hashes) == 2  # of two epochs, the first is both a quarter and half
    model = create_model("lite0_query", encoder="mae", backbone="pets", queries=4, width=32)
    assert model.eval()(torch.rand(1, 3, 40, 56)).shape == (1, 3, 40, 56)


def test_what_items_follow_from_is_in_the_key(cache: PetCache, tmp_path: Path, quick: TrainConfig):
    small = {"random": True}
    kept = [
        keep_features(
            create_model("lite0_linear", **small),
            cache,
            views=views,
            precision="no",
            folder=tmp_path,
        )
        for views in (1, 2)
    ]
    datasets = [PetDataset, *kept, partial(CroppedPets, size=32), partial(CroppedPets, size=24)]
    keys = [
        plan_run("lite0_linear", quick, cache, dataset=dataset, **small)[2] for dataset in datasets
    ]
    assert len(set(keys)) == len(keys)
    assert plan_run("lite0_linear", quick, cache, **small)[2] == keys[0]


def test_another_frozen_encoder_makes_another_training(
    cache: PetCache, quick: TrainConfig, monkeypatch
):
    keys = []
    for value in (0.0, 1.0):

        def build(value: float = value) -> torch.nn.Module:
            net = small_vit(**VIT)
            net.cls_token.data.fill_(value)
            return net

        monkeypatch.setitem(
            ENCODERS, "mae_pets", replace(ENCODERS["mae_pets"], build=build, taps=(0, 1))
        )
        small = {"encoder": "mae_pets", "random": True}
        keys.append(plan_run("lite0_linear", quick, cache, **small)[2])
    assert keys[0] != keys[1]


def test_a_run_on_kept_features(cache: PetCache, tmp_path: Path, quick: TrainConfig):
    small = {"random": True, "queries": 4, "width": 32}
    kept = keep_features(
        create_model("lite0_query", **small), cache, views=2, precision="no", folder=tmp_path
    )
    run = train_or_load(
        "on_kept",
        model="lite0_query",
        config=quick,
        cache=cache,
        results=tmp_path,
        dataset=kept,
        **small,
    )
    assert run.history["loss"].notna().all()
    assert run.model.inputs == ("image", "mask"), "the checkpoint's network is the plain one"


@pytest.mark.parametrize("name", ["unet"])
def test_keys_of_trainings_without_a_frozen_encoder_stay(
    name: str, cache: PetCache, quick: TrainConfig
):
    """What was trained before data sets could be named is not trained again."""
    network, card, key = plan_run(name, quick, cache)
    assert key == runs.run_key(network, card, quick, cache)
