"""Models looking at the same photos: patterns, agreement and averages, by hand and on photos."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import Tensor

from common.checkpoint import Card, load_checkpoint, save_checkpoint
from common.config import UserError
from common.data.pets import read_index
from common.scoring.photos import evaluate
from common.studies import agreement

AVERAGES = {"both": ["one", "two"], "alone": ["two"]}


def sure(classes: list[list[int]]) -> Tensor:
    """Probabilities (3, H, W) of a class map."""
    return torch.nn.functional.one_hot(torch.tensor(classes), 3).permute(2, 0, 1).float()


@pytest.fixture
def results(tmp_path: Path, toy) -> Path:
    """A results folder with two checkpoints that differ."""
    for seed, name in enumerate(("one", "two")):
        torch.manual_seed(seed)
        save_checkpoint(tmp_path / "checkpoints" / name, toy(width=4), Card("toy", size=32))
    return tmp_path


def test_patterns_worked_by_hand():
    """Border pixels belong to no pattern."""
    truth = np.array([[1, 1, 0, 255]], np.uint8)
    table = agreement.pattern_counts([sure([[1, 1, 2, 0]]), sure([[1, 0, 2, 1]])], truth)
    assert table.to_dict("records") == [
        {"truth": 0, "pattern": "22", "pixels": 1},
        {"truth": 1, "pattern": "10", "pixels": 1},
        {"truth": 1, "pattern": "11", "pixels": 1},
    ]
    table.attrs["models"] = ["a", "b"]
    pairs = agreement.pair_table(table)
    assert agreement.square(pairs, "agree").at["b", "a"] == pairs.at[0, "agree"]
    pair = pairs.iloc[0]
    assert pair["agree"] == pytest.approx(2 / 3)
    assert pair["wrong_alike"] == pytest.approx(1 / 2)
    assert agreement.shared_errors(table).tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_a_pattern_keeps_its_leading_zeros():
    table = agreement.pattern_counts([sure([[0]])] * 4, np.zeros((1, 1), np.uint8))
    assert table["pattern"].tolist() == ["0000"]


def test_each_model_counts_as_when_it_is_scored_alone(results: Path, pets: Path):
    index = read_index(pets)
    loaded = {name: load_checkpoint(results / "checkpoints" / name) for name in ("one", "two")}
    sample = index[index["split"] == "test"]
    patterns, counts = agreement.look_together(loaded, AVERAGES, pets, sample)
    for name, model in loaded.items():
        alone, _ = evaluate(*model, pets, "test")
        together = counts[counts["model"] == name].drop(columns="model").reset_index(drop=True)
        cells = [column for column in alone if column[0] in "cb" and column[-1].isdigit()]
        pd.testing.assert_frame_equal(together[cells], alone[cells])
    judged = counts[counts["model"] == "both"][[f"c{t}{p}" for t in range(3) for p in range(3)]]
    assert patterns["pixels"].sum() == judged.sum().sum()
    mean_of_one = counts[counts["model"] == "alone"].drop(columns="model").reset_index(drop=True)
    itself = counts[counts["model"] == "two"].drop(columns="model").reset_index(drop=True)
    pd.testing.assert_frame_equal(mean_of_one, itself)


def test_looking_is_noted_and_stored(results: Path, pets: Path):
    first = agreement.agreement_or_load(AVERAGES, pets, results=results, photos=6)
    assert first[1].groupby("model")["image"].nunique().tolist() == [6] * 4
    assert first[1].drop_duplicates("image")["species"].value_counts().tolist() == [3, 3]
    again = agreement.agreement_or_load(AVERAGES, pets, results=results, photos=6)
    stored = agreement.agreement_or_load(AVERAGES, None, results=results, photos=6)
    for other in (again, stored):
        assert other[0].attrs["models"] == ["one", "two"]
        for a, b in zip(first, other, strict=True):
            pd.testing.assert_frame_equal(a, b)
    reads = pd.read_csv(results / "test_reads.csv")
    assert reads["model"].tolist() == ["both: mean of one two"]
    assert reads["n"].tolist() == [6] and not math.isnan(reads.at[0, "miou"])
    agreement.agreement_or_load({"both": ["two", "one"]}, pets, results=results, photos=6)
    assert len(pd.read_csv(results / "test_reads.csv")) == 2


def test_what_nobody_looked_at_is_told(results: Path):
    with pytest.raises(UserError, match="no such table"):
        agreement.agreement_or_load(AVERAGES, None, results=results)


def test_members_stand_once():
    assert agreement.members(AVERAGES) == ["one", "two"]
