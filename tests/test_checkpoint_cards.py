"""Tensors and cards that do not fit each other or the model are named."""

import json
import os
from pathlib import Path

import pytest
import torch

from common.checkpoint import Card, checkpoint_files, load_checkpoint, read_card, save_checkpoint
from common.config import UserError
from tests import test_checkpoint
from tests.test_checkpoint import KWARGS, change_card, change_tensors, network

stem = test_checkpoint.stem  # a fixture


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.pop("head.2.bias"), r"1 tensors missing, as head\.2\.bias"),
        (lambda t: t.update(extra=torch.zeros(1)), "1 tensors surplus, as extra"),
        (
            lambda t: t.update({"head.2.bias": torch.zeros(4)}),
            r"of another shape, as head\.2\.bias",
        ),
    ],
)
def test_tensors_of_another_model(stem: Path, change, message: str):
    change_tensors(stem, change)
    with pytest.raises(UserError, match=message) as error:
        load_checkpoint(stem)
    assert str(stem) in str(error.value)


def test_tensors_that_are_not_those_of_the_card(stem: Path):
    other = stem.with_name("other")
    save_checkpoint(other, network(1), Card("unet", KWARGS))
    os.replace(checkpoint_files(other)[0], checkpoint_files(stem)[0])
    with pytest.raises(UserError, match=r"a\.safetensors: sha256 differs from a\.json; fetch"):
        load_checkpoint(stem)


@pytest.mark.parametrize(
    ("card", "message"),
    [
        ("{", r"a\.json: not JSON"),
        ("\ufffd".encode("utf-16"), r"a\.json: not JSON"),
        ("[" * 60_000, r"a\.json: not JSON"),
        ("[]", r"a\.json: not a checkpoint of format 1"),
        ('{"format": 2}', r"a\.json: not a checkpoint of format 1; update"),
        ('{"model": "unet"}', r"a\.json: not a checkpoint of format 1"),
    ],
)
def test_cards_that_are_none(stem: Path, card: str | bytes, message: str):
    checkpoint_files(stem)[1].write_bytes(card if isinstance(card, bytes) else card.encode())
    with pytest.raises(UserError, match=message):
        load_checkpoint(stem)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"model": "mobile"}, "'mobile' is unknown; choose one of"),
        ({"kwargs": {"depht": 1}}, "'depht'.*it takes widths"),
        ({"kwargs": {"widths": [16, 32]}}, "of another shape|surplus|missing"),
        ({"kwargs": {"widths": [10**9]}}, r"a\.safetensors: describes no network|more than 8,000"),
        ({"kwargs": [1]}, r"a\.json: kwargs is damaged; fetch"),
        ({"size": 10**9}, r"a\.json: size is damaged; fetch"),
        ({"encoder": "lite0"}, r"a\.json: encoder is damaged; fetch"),
    ],
)
def test_cards_of_another_model(stem: Path, fields: dict, message: str):
    change_card(stem, **fields)
    with pytest.raises(UserError, match=message):
        load_checkpoint(stem)


def test_a_card_without_a_field(stem: Path):
    card = read_card(stem)
    del card["size"]
    checkpoint_files(stem)[1].write_text(json.dumps(card))
    with pytest.raises(UserError, match="not a readable checkpoint .'size'.; fetch"):
        load_checkpoint(stem)


@pytest.mark.parametrize("which", [0, 1])
def test_a_missing_file_is_named(stem: Path, which: int):
    checkpoint_files(stem)[which].unlink()
    with pytest.raises(UserError, match=checkpoint_files(stem)[which].name):
        load_checkpoint(stem)
