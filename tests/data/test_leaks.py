"""Leaks between splits: every pair is found, by file and by look, and the looser copy goes."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageEnhance

from common.data.leaks import drop_leaks, near_duplicates, photo_hash
from common.data.synthetic import draw_pet


def table(*rows: tuple[str, str, int]) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["split", "sha256", "phash"])
    return frame.assign(phash=[f"{code:016x}" for code in frame["phash"]])


@st.composite
def tables(draw) -> pd.DataFrame:
    """Few files and few hashes, a few bits apart, so that pairs are common."""
    base = draw(st.integers(0, 2**64 - 1))
    bits = st.lists(st.integers(0, 63), max_size=7, unique=True)
    row = st.tuples(st.sampled_from(["train", "val", "test"]), st.sampled_from("abcdef"), bits)
    rows = draw(st.lists(row, max_size=14))
    return table(*((s, f, base ^ sum(1 << bit for bit in flips)) for s, f, flips in rows))


@settings(max_examples=30, deadline=None)
@given(frame=tables(), near=st.integers(0, 6))
def test_pairs_agree_with_brute_force(frame: pd.DataFrame, near: int):
    expected = set()
    for a, one in frame.iterrows():
        for b, two in frame.iterrows():
            bits = bin(int(one["phash"], 16) ^ int(two["phash"], 16)).count("1")
            alike = bits <= near or one["sha256"] == two["sha256"]
            if a < b and one["split"] != two["split"] and alike:
                expected.add((a, b, bits))
    assert set(near_duplicates(frame, near).itertuples(index=False, name=None)) == expected


@settings(max_examples=20, deadline=None)
@given(frame=tables())
def test_no_pair_is_left_and_test_keeps_every_photo(frame: pd.DataFrame):
    clean = drop_leaks(frame)
    assert near_duplicates(clean[clean["split"] != "leak"]).empty
    assert (clean["split"] == "test").equals(frame["split"] == "test")
    changed = clean["split"] != frame["split"]
    assert (clean.loc[changed, "split"] == "leak").all()


@pytest.mark.parametrize(
    ("splits", "left"),
    [
        (("train", "test"), ["leak", "test"]),
        (("test", "train"), ["test", "leak"]),
        (("train", "val"), ["leak", "val"]),
        (("val", "test"), ["leak", "test"]),
        (("train", "train"), ["train", "train"]),
        (("train", "val", "test"), ["leak", "leak", "test"]),
        (("test", "test"), ["test", "test"]),
    ],
)
def test_the_looser_copy_goes(splits: tuple[str, ...], left: list[str]):
    exact = table(*((split, "same", 17 * row) for row, split in enumerate(splits)))
    assert drop_leaks(exact)["split"].tolist() == left
    near = table(*((split, str(row), 0b1111 >> row) for row, split in enumerate(splits)))
    assert drop_leaks(near)["split"].tolist() == left


def test_threshold_is_four_bits():
    frame = table(("train", "a", 0), ("test", "b", 0b1111), ("val", "c", 0b11111 << 32))
    assert drop_leaks(frame)["split"].tolist() == ["leak", "test", "val"]


def test_hash_survives_scaling_and_light_but_not_another_photo():
    random = np.random.default_rng(0)
    photo, other = (draw_pet(random, species)[0] for species in (1, 2))
    ground = photo.resize((320, 240), Image.Resampling.BICUBIC)

    def bits(image: Image.Image) -> int:
        return bin(int(photo_hash(ground), 16) ^ int(photo_hash(image), 16)).count("1")

    assert bits(ground.resize((160, 120), Image.Resampling.BILINEAR)) <= 4
    assert bits(ImageEnhance.Brightness(ground).enhance(0.8)) <= 4
    assert bits(other) > 10
