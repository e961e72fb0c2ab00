"""A frozen encoder is named on the card, and compared."""

import json
import shutil
from pathlib import Path

import pytest
from safetensors.torch import save_file

from common.checkpoint import (
    Card,
    checkpoint_files,
    frozen_encoder,
    load_checkpoint,
    read_card,
    save_checkpoint,
)
from common.config import UserError
from common.models import create_model
from common.models.encoders.recipes import ENCODERS
from common.models.weights import packaged_lite0
from tests import test_checkpoint
from tests.test_checkpoint import change_card

stem = test_checkpoint.stem  # a fixture
LINEAR = "lite0_linear"  # one matrix on a frozen encoder


@pytest.fixture(scope="module")
def own_weights(tmp_path_factory) -> Path:
    """Weights of Lite0 that are not the published ones."""
    state = {name: value.contiguous() for name, value in packaged_lite0().items()}
    state["conv_stem.weight"] = state["conv_stem.weight"] + 1
    file = tmp_path_factory.mktemp("weights") / "own.safetensors"
    save_file(state, file)
    return file


def save_linear(stem: Path, **kwargs) -> dict:
    """Store a linear head on Lite0; returns its card."""
    save_checkpoint(stem, create_model(LINEAR, **kwargs), Card(LINEAR, kwargs))
    return read_card(stem)


def test_the_card_names_the_frozen_encoder(tmp_path: Path, toy):
    named = save_linear(tmp_path / "a")["encoder"]
    assert named == {"name": "lite0", "sha256": ENCODERS["lite0"].sha256}
    model, _ = load_checkpoint(tmp_path / "a")
    assert frozen_encoder(model) == named
    other = save_linear(tmp_path / "b", random=True)["encoder"]
    assert other["name"] == "lite0" and other["sha256"] != named["sha256"]
    assert frozen_encoder(load_checkpoint(tmp_path / "b")[0]) == other


def test_what_holds_all_its_weights_names_no_encoder(stem: Path, tmp_path: Path):
    assert read_card(stem)["encoder"] is None
    tuned = save_linear(tmp_path / "tuned", frozen=False)
    assert tuned["encoder"] is None
    load_checkpoint(tmp_path / "tuned")


def test_another_encoder_is_refused_with_both_hashes(tmp_path: Path, own_weights: Path):
    stem, published = tmp_path / "a", ENCODERS["lite0"].sha256
    trained_on = save_linear(stem, checkpoint=str(own_weights))["encoder"]["sha256"]
    words = rf"a\.safetensors: trained on the encoder lite0 .*{trained_on}, .*{published}; give"
    with pytest.raises(UserError, match=words):
        load_checkpoint(stem, checkpoint=None)
    change_card(stem, encoder={"name": "lite9", "sha256": trained_on})
    with pytest.raises(UserError, match="trained on the encoder lite9"):
        load_checkpoint(stem)


def test_the_encoders_weights_may_have_moved(tmp_path: Path, own_weights: Path):
    stem, moved = tmp_path / "a", tmp_path / "moved.safetensors"
    shutil.copy(own_weights, tmp_path / "first.safetensors")
    save_linear(stem, checkpoint=str(tmp_path / "first.safetensors"))
    (tmp_path / "first.safetensors").rename(moved)
    with pytest.raises(UserError, match=r"first\.safetensors: no such file"):
        load_checkpoint(stem)
    model, _ = load_checkpoint(stem, checkpoint=moved)
    assert frozen_encoder(model) == read_card(stem)["encoder"]


def test_cards_of_before_name_no_encoder_and_load(tmp_path: Path):
    save_linear(tmp_path / "a")
    card = read_card(tmp_path / "a")
    del card["encoder"]
    checkpoint_files(tmp_path / "a")[1].write_text(json.dumps(card))
    load_checkpoint(tmp_path / "a")
