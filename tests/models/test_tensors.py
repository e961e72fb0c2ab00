"""Files of before a tensor's renaming load, by name and by path, and nothing else is let in."""

import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from common.checkpoint import frozen_encoder, load_checkpoint, read_card, save_checkpoint
from common.config import CHECKPOINTS, UserError
from common.models.tensors import RENAMED, matched, present_name

COMMITTED = sorted(file.stem for file in CHECKPOINTS.glob("*.safetensors"))


@pytest.mark.parametrize("name", COMMITTED)
def test_every_committed_checkpoint_loads(name: str):
    model, card = load_checkpoint(name)
    described = read_card(name)
    assert card.model == described["model"] and frozen_encoder(model) == described.get("encoder")
    state = model.state_dict()
    for stored, value in load_file(CHECKPOINTS / f"{name}.safetensors").items():
        assert torch.equal(state[present_name(stored) if stored not in state else stored], value)


@pytest.mark.parametrize("name", ["clip_seg", "mae_pets"])
def test_old_and_new_names_load_by_path(name: str, tmp_path: Path):
    for end in (".json", ".safetensors"):
        shutil.copy(CHECKPOINTS / f"{name}{end}", tmp_path)
    model, card = load_checkpoint(tmp_path / f"{name}.safetensors")
    save_checkpoint(tmp_path / "again", model, card)
    old, new = (load_file(tmp_path / f"{stem}.safetensors") for stem in (name, "again"))
    assert old.keys() != new.keys() and len(old) == len(new)
    again, _ = load_checkpoint(tmp_path / "again")
    for key, value in model.state_dict().items():
        assert torch.equal(again.state_dict()[key], value), key


def test_each_name_of_before_is_in_use():
    """A line that no committed file needs any more can go."""
    names = {key for name in COMMITTED for key in load_file(CHECKPOINTS / f"{name}.safetensors")}
    for before in RENAMED:
        assert any(re.match(before, name) for name in names), before


def test_a_present_name_is_never_taken_for_an_old_one():
    """The query decoder has a norm, as the masked autoencoder's had under the same name."""
    expected = {"decoder.norm.bias": torch.zeros(2)}
    stored = {"decoder.norm.bias": torch.ones(2)}
    assert matched(expected, stored, "a", "model")["decoder.norm.bias"].tolist() == [1, 1]
    assert present_name("decoder.norm.bias") == "decoder_norm.bias"


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        ({}, "a: 1 tensors missing, as x; the file is of another model"),
        ({"x": torch.zeros(2), "y": torch.zeros(2)}, "1 tensors surplus, as y"),
        ({"x": torch.zeros(3)}, "1 tensors of another shape, as x"),
        ({"x": torch.zeros(2).long()}, "1 tensors of another kind of number, as x"),
    ],
)
def test_what_does_not_fit_is_named(stored: dict, words: str):
    with pytest.raises(UserError, match=words):
        matched({"x": torch.zeros(2)}, stored, "a", "model")
