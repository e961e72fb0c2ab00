"""Verdicts by hand: what photos, breeds and seeds let one conclude, and Holm's step-down."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from common.files import write_table
from common.scoring.scores import CONFUSION, bootstrap, scores
from common.studies.verdicts import holm, miou_draws, named_pairs, seed_range, spreads
from tests.scoring.test_scores import random_table

quick = partial(named_pairs, resamples=400)


@pytest.fixture
def models() -> dict:
    """Three networks on 60 photos of six breeds: good, the same again, and poor."""
    good, poor = random_table(0, 60, right=80), random_table(1, 60, right=40)
    tables = {"good": good, "again": good.copy(), "poor": poor}
    return {name: t.assign(breed=[f"b{i % 6}" for i in range(60)]) for name, t in tables.items()}


def test_holm_by_hand():
    """Smallest times 3, next times 2, and never below one that came before."""
    assert holm([0.03, 0.01, 0.02]) == pytest.approx([0.04, 0.03, 0.04])
    assert holm([0.6, 0.7]) == pytest.approx([1, 1])
    assert len(holm([])) == 0


def test_resamples_begin_with_the_score_itself(models):
    for breeds in (False, True):
        draws = miou_draws(models, breeds=breeds, resamples=1500)
        assert draws.shape == (1501, 3)
        assert draws.at[0, "poor"] == pytest.approx(scores(models["poor"])["miou"])
    spread = draws["poor"][1:].quantile([0.025, 0.975]).to_numpy()
    assert np.isfinite(spread).all() and spread[0] < draws.at[0, "poor"] < spread[1]


def test_photos_are_resampled_as_everywhere(models):
    draws = miou_draws({"poor": models["poor"]}, resamples=4000)["poor"]
    told = bootstrap(models["poor"], ["miou"]).loc["miou"]
    assert draws[1:].quantile([0.025, 0.975]).to_numpy() == pytest.approx(
        told[["low", "high"]].to_numpy(float), abs=0.004
    )


def test_breeds_that_differ_widen_the_interval(models):
    """One breed is lost altogether: photos know of it, breeds hang on it."""
    table = models["good"].copy()
    table.loc[table["breed"] == "b0", CONFUSION] = [0, 9, 0, 9, 0, 0, 9, 0, 0]
    photos, breeds = (miou_draws({"x": table}, breeds=b, resamples=800)["x"] for b in (0, 1))
    assert breeds[1:].std() > 1.5 * photos[1:].std()


def test_verdicts_of_three_kinds(models):
    told = quick(models, [["good", "again"], ["poor", "good"], ["good", "absent"]], 0.01)
    assert told["verdict"].tolist() == ["open", "clear"]
    assert told.loc[1, ["a", "b"]].tolist() == ["good", "poor"], "the better one first"
    assert told.at[1, "low"] > 0 and told.at[1, "breeds_low"] > 0
    assert told.at[0, "p"] == 1 and told.at[1, "p"] == pytest.approx(2 * 2 / 401)
    assert quick(models, [["poor", "good"]], 0.9)["verdict"].tolist() == ["less than seeds"]
    assert quick(models, [], 0.0).empty


def test_seeds_of_a_recipe(models, tmp_path: Path):
    assert seed_range(tmp_path) == 0 and spreads(tmp_path).empty
    for seed, name in enumerate(models):
        file = tmp_path / "counts" / "ablation" / f"unet-share-100-seed-{seed}_val.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        write_table(file, models[name], {})
    gap = scores(models["good"])["miou"] - scores(models["poor"])["miou"]
    assert seed_range(tmp_path) == pytest.approx(gap)
    (row,) = spreads(tmp_path, resamples=200).to_dict("records")
    assert row["seeds"] == 3 and row["range"] == pytest.approx(gap)
    assert row["between"] == pytest.approx(gap / 3**0.5)
    assert (row["clear"], row["pairs"]) == (2, 3), "the same network twice is no finding"
