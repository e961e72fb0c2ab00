"""Decoders of frozen encoders: what they are trained on, once; ablations of them; their views."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from common.checkpoint import Card
from common.data.cache import PetCache
from common.data.dataset import PetDataset
from common.models import create_model, default_kwargs
from common.models.pretraining.mae import MaskedAutoencoder
from common.models.query.segmenter import QuerySegmenter
from common.studies import ablation
from common.studies import variants as encoder_study
from common.studies.ablation import Variant
from common.studies.reconstructions import painted_at, painted_by
from common.studies.tokens import explain_photo
from common.training import runs
from common.training.features import FeatureCache
from common.training.frozen import items_for, train_decoder
from common.training.trainer import TrainConfig

SMALL = {"random": True, "queries": 4, "width": 32}


@pytest.fixture(autouse=True)
def own_caches(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("PETS_CACHE", str(tmp_path / "caches"))


@pytest.mark.parametrize(
    ("views", "kwargs", "kept"),
    [(1, {}, True), (0, {}, False), (1, {"frozen": False}, False), (1, {"stem": "only"}, False)],
)
def test_features_are_kept_where_an_encoder_is_frozen(
    views: int, kwargs: dict, kept: bool, cache: PetCache, quick: TrainConfig
):
    config = replace(quick, recipe="geometry")
    dataset, settings = items_for("lite0_query", config, cache, views, **SMALL, **kwargs)
    assert isinstance(dataset, FeatureCache) is kept
    assert (dataset is PetDataset) is not kept
    assert settings == (replace(config, recipe="none") if kept else config)
    if kept:
        assert dataset.identity["recipe"] == "geometry", "the views vary as training would"


def test_a_decoder_is_trained_once_and_its_features_are_not_needed_again(
    cache: PetCache, tmp_path: Path, quick: TrainConfig, monkeypatch
):
    how = {"model": "lite0_query", "config": quick, "cache": cache, "views": 1}
    first = train_decoder("d", results=tmp_path, **how, **SMALL)
    monkeypatch.setattr(runs, "Trainer", None)
    monkeypatch.setattr("common.training.features._build", None)
    (folder,) = (path for path in (tmp_path / "caches").glob("features-*") if path.is_dir())
    folder.rename(tmp_path / "gone")
    again = train_decoder("d", results=tmp_path, **how, **SMALL)
    assert again.card == first.card
    assert train_decoder("d", results=tmp_path, **{**how, "cache": None}).card == first.card


def test_an_ablation_learns_from_kept_features(pets: Path, tmp_path: Path, quick: TrainConfig):
    variants = (
        Variant("base", "base", model=SMALL),
        Variant("bare", "no stem", model=SMALL | {"stem": False}),
    )
    for _ in range(2):
        table = ablation.run_ablation(
            "lite0_query", variants, quick, pets, size=32, results=tmp_path, views=1
        )
        assert table["run"].tolist() == ["base", "bare"]
    assert len([*(tmp_path / "caches").glob("features-*/info.json")]) == 1, "both share features"
    assert len(ablation.stored_counts("lite0_query", "bare", tmp_path))


@pytest.mark.parametrize("study", ["MAE", "VIT", "LITE0", "BASELINE"])
def test_every_variant_of_the_studies_can_be_built(study: str):
    model = {
        "MAE": "mae_seg",
        "VIT": "clip_vit_seg",
        "LITE0": "clip_seg",
        "BASELINE": "imagenet_baseline",
    }[study]
    variants = getattr(encoder_study, study)
    assert variants[0].run == "base" and not variants[0].model
    assert len({variant.run for variant in variants}) == len(variants)
    for variant in variants:
        create_model(model, **default_kwargs(model) | variant.model)
        TrainConfig(**variant.training)


def test_tokens_are_explained_at_the_photos_size():
    torch.manual_seed(0)
    model = QuerySegmenter(encoder="lite0", random=True, queries=5, width=32)
    told = explain_photo(model, Card("x", size=64), np.zeros((30, 50, 3), np.uint8))
    assert told["classes"].shape == (5, 4) and told["masks"].shape == (5, 30, 50)
    assert told["attention"].shape == (5, 4, 4)
    assert told["attention"].sum((1, 2)) == pytest.approx(np.ones(5), abs=1e-5)


def test_every_network_is_shown_the_same_patches():
    torch.manual_seed(0)
    models = {
        name: MaskedAutoencoder(size=32, patch=8, width=32, depth=1, heads=1)
        for name in ("early", "late")
    }
    photos = torch.rand(2, 3, 32, 32)
    columns = painted_by(models, photos)
    assert list(columns) == ["what it sees", "early", "late"]
    seen, early, late = (np.stack(pictures) for pictures in columns.values())
    visible = (
        seen == np.stack([p for p in (photos * 255).round().byte().permute(0, 2, 3, 1).numpy()])
    ).all(-1)
    assert (early[visible] == late[visible]).all() and (early != late).any()
    ratios = painted_at(models["early"], photos, (0.25, 0.75))
    grey = [(np.stack(pictures) == (214, 214, 210)).all(-1).mean() for pictures in ratios.values()]
    assert grey[::2] == pytest.approx([0.25, 0.75])
