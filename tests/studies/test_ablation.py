"""Ablations: what is trained and measured once, by which yardstick, and what is said of it."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from common.models import create_model, default_kwargs
from common.studies import ablation, variants
from common.studies.ablation import Yardstick, ablation_table, beside, train_variants
from common.studies.variants import Variant
from common.training.trainer import TrainConfig
from common.training.validation import quick_scores

TWO = (Variant("base", "as built"), Variant("narrow", "two channels", "width", {"width": 2}))


@pytest.fixture
def measured() -> list[str]:
    """Names of the runs that were measured."""
    return []


@pytest.fixture
def length(measured) -> Yardstick:
    """Measures how many weights a run has, and nothing of pictures."""

    def measure(run, root: Path) -> pd.DataFrame:
        measured.append(run.card.kwargs.get("width"))
        return pd.DataFrame({"weights": [sum(v.numel() for v in run.model.parameters())]})

    def compare(table: pd.DataFrame, base: pd.DataFrame) -> dict[str, float]:
        own, other = table["weights"].mean(), base["weights"].mean()
        pair = {"difference": own - other, "low": own - other, "high": own - other, "p": 0.5}
        return beside({"value": own, "low": own, "high": own}, pair) | {"more": 1.0}

    return Yardstick("lengths", quick_scores, measure, compare, {"photos": 3})


def test_each_variant_is_trained_and_measured_once(toy, pets, quick, tmp_path, length, measured):
    given = {"size": 32, "results": tmp_path}
    for _ in range(2):
        train_variants("toy", TWO, quick, pets, by=length, **given)
    assert measured == [None, 2]
    table = ablation_table("toy", TWO, tmp_path, length)
    base, narrow = table.to_dict("records")
    assert base["difference"] == 0 and narrow["difference"] < 0
    assert narrow["group"] == "width" and narrow["more"] == 1 and narrow["epochs"] == 2
    assert (tmp_path / "lengths/ablation/toy-base_val.parquet").is_file()
    train_variants("toy", TWO, quick, pets, by=replace(length, how={"photos": 4}), **given)
    assert measured == [None, 2] * 2, "other arguments of the measure are another measure"


def test_nothing_is_told_before_there_is_a_base(toy, pets, quick, tmp_path, length):
    assert ablation_table("toy", TWO, tmp_path, length).empty
    train_variants("toy", TWO[:1], quick, pets, by=length, size=32, results=tmp_path)
    assert len(ablation_table("toy", TWO, tmp_path, length)) == 1


def test_classes_are_measured_unless_told_otherwise(toy, pets, quick, tmp_path):
    train_variants("toy", TWO[:1], quick, pets, size=32, results=tmp_path)
    table = ablation_table("toy", TWO, tmp_path)
    assert 0 <= table.at[0, "value"] <= 1
    stored = pd.read_parquet(tmp_path / "counts/ablation/toy-base_val.parquet")
    assert stored.attrs.keys() == {"model", "split", "key"}


def test_in_words_says_what_is_clear():
    rows = [
        {
            "run": run,
            "label": label,
            "value": 0.9,
            "difference": gap,
            "difference_low": low,
            "difference_high": high,
            "epochs": 4,
            "minutes": 2.0,
        }
        for run, label, gap, low, high in (
            ("base", "as built", 0, 0, 0),
            ("a", "small disk", -0.02, -0.03, -0.01),
            ("b", "large disk", 0.001, -0.01, 0.012),
        )
    ]
    told = ablation.in_words(pd.DataFrame(rows))
    assert "clear of zero** for: small disk -0.020." in told
    assert told.endswith("at this budget: large disk +0.001.")
    assert ablation.in_words(pd.DataFrame(rows), 0.01).endswith("larger than that: small disk.")
    assert ablation.in_words(pd.DataFrame(rows), 0.03).endswith("larger than that: none.")


def test_an_ablation_learns_from_kept_features(
    pets: Path, tmp_path: Path, quick: TrainConfig, monkeypatch
):
    monkeypatch.setenv("PETS_CACHE", str(tmp_path / "caches"))
    small = {"random": True, "queries": 4, "width": 32}
    two = (
        Variant("base", "base", model=small),
        Variant("bare", "", model=small | {"stem": False}),
    )
    train_variants("lite0_query", two, quick, pets, size=32, results=tmp_path, views=1)
    assert len([*(tmp_path / "caches").glob("features-*/info.json")]) == 1, "both share features"
    assert len(ablation.stored_counts("lite0_query", "bare", tmp_path))


@pytest.mark.parametrize(
    ("study", "model"),
    [
        ("UNET", "unet"),
        ("MAE", "mae_seg"),
        ("VIT", "clip_vit_seg"),
        ("LITE0", "clip_seg"),
        ("BASELINE", "imagenet_baseline"),
        ("CLICKS", "point_unet"),
    ],
)
def test_every_variant_of_the_studies_can_be_built(study: str, model: str):
    rows = getattr(variants, study)
    assert rows[0].run == "base" and not rows[0].model
    assert len({variant.run for variant in rows}) == len(rows)
    for variant in rows:
        halfway = {"random": True} if "pets_" in variant.model.get("backbone", "") else {}
        create_model(model, **default_kwargs(model) | variant.model | halfway)
        TrainConfig(**variant.training)
