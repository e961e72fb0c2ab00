"""All models side by side: which are found, what is compared with what, and errors taken apart."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.checkpoint import Card, save_checkpoint
from common.config import UserError
from common.data.pets import read_index
from common.models import create_model
from common.scoring import errors as error_kinds
from common.scoring import groups as strata
from common.scoring.cases import load_cases
from common.scoring.scores import bootstrap, paired_difference, scores
from common.studies import comparison, gallery
from tests.scoring.test_click_scores import table_of
from tests.scoring.test_scores import random_table, row, table

SHAPES = [[7, 2, 1], [3, 4, 2], [0, 0, 0]]  # of a cat: 2 + 1 extra, 3 missed, 2 called dog


@pytest.fixture
def results(tmp_path: Path, toy) -> Path:
    """Two scored models, a scored one without a checkpoint, one that is not scored."""
    (tmp_path / "counts").mkdir()
    for name, right in (("poor", 40), ("good", 95), ("gone", 60)):
        random_table(1, 30, right).to_parquet(tmp_path / "counts" / f"{name}_test.parquet")
    for name in ("poor", "good", "unscored"):
        card = Card("toy", training={"minutes": 3.0})
        save_checkpoint(tmp_path / "checkpoints" / name, toy(), card)
    return tmp_path


def test_models_are_found_by_what_is_stored(results: Path):
    """A checkpoint and its counts, the better first."""
    assert list(comparison.scored_models(results)) == ["good", "poor"]
    assert comparison.clicked_models(results) == {}
    with pytest.raises(UserError, match="no model is scored"):
        comparison.scored_models(results / "checkpoints")


def test_only_models_that_were_trained_on_clicks_count_as_clicked(results: Path):
    torch.manual_seed(0)
    clicked = create_model("point_unet_s", widths=(8, 8, 8, 8))
    card = Card("point_unet_s", kwargs={"widths": [8, 8, 8, 8]})
    save_checkpoint(results / "checkpoints" / "pointed", clicked, card)
    (results / "clicks").mkdir()
    for name in ("pointed", "good"):
        curves = table_of({"x": [0.5, 0.75]})
        curves.to_parquet(results / "clicks" / f"{name}_test.parquet")
    assert list(comparison.clicked_models(results)) == ["pointed"]


def test_pairs_are_the_paired_bootstrap(results: Path):
    models = comparison.scored_models(results)
    draws = comparison.resample(models)
    (pair,) = comparison.pairwise(draws).to_dict("records")
    expected = paired_difference(models["good"], models["poor"])
    assert (pair.pop("a"), pair.pop("b")) == ("good", "poor")
    assert pair == pytest.approx(expected)
    head = comparison.headlines(draws)["good"]
    alone = bootstrap(models["good"]).loc[head.index]
    pd.testing.assert_frame_equal(head, alone, check_names=False)


def test_models_of_other_photos_are_not_compared():
    with pytest.raises(UserError, match="a and b are scored on different photos"):
        comparison.resample({"a": random_table(0, 4), "b": random_table(0, 5)})


def test_pets_are_scored_photo_by_photo_whatever_their_species():
    counts = table(row(SHAPES), row([[5, 0, 0], [0, 0, 0], [0, 0, 0]]))
    assert comparison.pet_ious(counts).tolist() == pytest.approx([6 / 12, 1])


def test_models_stand_beside_clicks_on_the_same_photos():
    """The photo that nobody clicked on counts for no one."""
    clicked = {"pointed": table_of({"x": [0.5, 0.75], "y": [0.7, 0.85]})}
    counts = table(row(SHAPES), row(SHAPES), row([[0, 9, 0]] * 3)).assign(image=["x", "y", "z"])
    rows = comparison.pet_table({"seg": counts, "pointed": counts}, clicked)
    assert rows["n"].tolist() == [2] * len(rows)
    found = {(r.model, r.clicks): r.value for r in rows.itertuples() if r.clicks >= 0}
    assert found == pytest.approx({("pointed", 0): 0.6, ("pointed", 1): 0.8})
    assert rows.loc[rows["clicks"].isna(), "value"].tolist() == pytest.approx([0.5])
    with pytest.raises(UserError, match="seg is scored on other photos"):
        comparison.pet_table({"seg": counts.head(1)}, clicked)
    alone = comparison.pet_table({"seg": counts}, {})
    assert alone["n"].tolist() == [3]


def test_border_policies_stand_side_by_side():
    counts = table(row(SHAPES, border=(4, 0, 0)))
    (found,) = comparison.border_table({"a": counts}).to_dict("records")
    assert found == {"model": "a", **{p: scores(counts, p)["miou"] for p in found if p != "model"}}


def test_costs_come_from_cards_and_from_the_benchmark(results: Path):
    assert comparison.costs(results)["value"].tolist() == [3, 3]
    parts = {"params_trained": 5, "params_frozen": 7, "ms_photo": 2}
    rows = pd.DataFrame({"quantity": parts.keys(), "value": parts.values()}).assign(model="good")
    rows.to_csv(results / "benchmark.csv")
    table_ = comparison.costs(results).set_index(["model", "quantity"])["value"]
    assert table_["good", "params"] == 12 and table_["good", "ms_photo"] == 2


# Errors taken apart


def test_errors_worked_by_hand():
    found = error_kinds.error_shares(table(row(SHAPES)))
    assert found == pytest.approx(
        {"missed": 3 / 8, "extra": 3 / 8, "wrong species": 2 / 8, "wrong": 8 / 19}
    )


def test_the_right_species_leaves_the_shape_and_the_other_way_round():
    counts = table(row(SHAPES), row([[4, 0, 0], [0, 0, 0], [6, 0, 0]], species=2))
    right = error_kinds.right_species(counts)
    assert [right.at[0, c] for c in ("c01", "c02", "c11", "c12")] == [3, 0, 6, 0]
    assert scores(right)["foreground_iou"] == scores(counts)["foreground_iou"]
    shape = error_kinds.right_shape(counts)
    cells = ("c00", "c01", "c02", "c10", "c11", "c12")
    assert [shape.at[0, cell] for cell in cells] == [10, 0, 0, 0, 7, 2]
    assert shape.at[1, "c21"] == 6, "nothing was said of the second photo, so nothing right"
    assert scores(shape)["foreground_iou"] == 1


def test_a_species_is_what_most_pixels_say():
    nothing, tie = [[4, 0, 0], [0, 0, 0], [6, 0, 0]], [[4, 0, 0], [0, 3, 3], [0, 0, 0]]
    counts = table(row(SHAPES), row(nothing, species=2), row(tie))
    assert error_kinds.majority(counts).tolist() == [1, 0, 0]
    assert error_kinds.photo_confusion(counts).tolist() == [[1, 1, 0], [1, 0, 0]]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(10, 99))
def test_no_correction_makes_a_score_worse(seed: int, right: int):
    """Photos of one animal, as in the dataset."""
    counts = random_table(seed, 12, right)
    for own, other in ((1, 2), (2, 1)):
        photos = counts["species"] == own
        counts.loc[photos, [f"c{other}{p}" for p in range(3)]] = 0
    (found,) = error_kinds.error_table({"m": counts}).to_dict("records")
    assert found["miou"] <= found["right_species"] + 1e-12
    assert sum(found[kind] for kind in error_kinds.KINDS) == pytest.approx(1)
    both = scores(error_kinds.right_shape(error_kinds.right_species(counts)))
    assert both["miou"] == pytest.approx(1) or (error_kinds.majority(counts) == 0).any()


# Groups


def test_photos_are_grouped_by_the_size_of_their_pet():
    counts = table(*(row([[100 - pet, 0, 0], [0, pet, 0], [0, 0, 0]]) for pet in (5, 20, 21, 90)))
    assert strata.by_pet_size(counts).tolist() == ["< 10 %", "10-20 %", "20-35 %", "> 50 %"]


def test_photos_are_grouped_by_their_cut():
    sizes = [(100, 200), (200, 384), (384, 384), (384, 200)]
    counts = table(*(row(SHAPES, height=h, width=w) for h, w in sizes))
    assert strata.by_photo(counts).tolist() == ["< 384 px", "wide", "square", "tall"]


def test_groups_are_scored_on_their_own_photos():
    counts = table(row(SHAPES, height=9, width=9), row(SHAPES, height=384, width=9), row(SHAPES))
    counts.loc[2, ["height", "width"]] = 384, 9
    found = strata.group_table({"a": counts}, strata.by_photo, "miou")
    assert found.columns.tolist() == ["< 384 px (n 1)", "tall (n 2)"]
    assert found.loc["a", "tall (n 2)"] == scores(counts[1:])["miou"]


# The gallery


def test_photos_are_picked_by_what_the_models_make_of_them():
    """Four photos: all fail, one fails, all succeed, and one of which there is nothing to say."""

    def counts(*right: int) -> pd.DataFrame:
        return table(*(row([[10, 0, 0], [10 - r, r, 0], [0, 0, 0]]) for r in right))

    models = {"a": counts(0, 10, 10, 6), "b": counts(1, 0, 10, 6), "c": counts(0, 10, 10, 6)}
    chosen = gallery.pick_photos(models, each=1)
    assert chosen.drop_duplicates("image")["image"].tolist() == [
        "photo_0000",
        "photo_0001",
        "photo_0002",
    ]
    assert list(dict.fromkeys(chosen["group"])) == list(gallery.KINDS)
    assert chosen["model"].tolist() == ["a", "b", "c"] * 3


def test_the_gallery_keeps_maps_and_no_photo(pets: Path, toy, tmp_path: Path):
    photo = read_index(pets).query("split == 'test'").iloc[0]
    rows = [
        {
            "group": "most fail",
            "image": photo["name"],
            "species": photo["species"],
            "model": name,
            "iou": 0.5,
        }
        for name in ("one", "two")
    ]
    loaded = {name: (toy().eval(), Card("toy", size=32)) for name in ("one", "two")}
    gallery.save_gallery(tmp_path / "x.npz", loaded, pets, pd.DataFrame(rows))
    cases = load_cases(tmp_path / "x.npz")
    assert [case["model"] for case in cases] == ["one", "two"]
    assert all(set(np.unique(case["predicted"])) <= {0, 1, 2, 255} for case in cases)


def test_a_difference_in_words():
    """Clear of zero, and not; both against `paired_difference`."""
    good, poor = random_table(0, 40, right=90), random_table(1, 40)
    pair = paired_difference(good, poor)
    text = comparison.by_how_much(good, poor)
    assert text == f"{pair['difference']:+.3f} [{pair['low']:+.3f}, {pair['high']:+.3f}]"
    assert comparison.by_how_much(poor, poor).endswith(", which may be chance")
    lines = comparison.differences({"a": good, "b": poor}, [("a", "b"), ("a", "gone")])
    outline = comparison.by_how_much(good, poor, "foreground_iou")
    assert lines == f"- a against b: mIoU **{text}**, foreground IoU {outline}"
