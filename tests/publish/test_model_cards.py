"""Every checkpoint has a card, and the committed cards are what the command writes."""

import json
import re
import shutil
from pathlib import Path

import pytest

import common.publish.model_cards as module
from common.config import CHECKPOINTS, RESULTS, ROOT
from common.files import read_table
from common.models import MODELS, PRETRAINING
from common.publish.model_cards import model_card, model_cards
from common.publish.setup_cell import RELEASE, REPOSITORY
from common.scoring.photos import headline


def test_the_committed_cards_are_what_the_command_writes():
    written = (RESULTS / "MODELS.md").read_text(encoding="utf-8")
    assert written == model_cards(), "run python -m common.publish.model_cards"
    names = {file.stem for file in CHECKPOINTS.glob("*.safetensors")}
    assert {line[3:] for line in written.splitlines() if line.startswith("## ")} == names


def test_a_card_tells_data_scores_limits_and_licence():
    card = model_card("unet")
    counts = read_table(RESULTS / "counts" / "unet_test.parquet")
    value, low, high = headline(counts).loc["miou"]
    assert f"mIoU {value:.3f} [{low:.3f}, {high:.3f}]" in card
    assert f"scores, {len(counts):,} photos" in card and "weakest on cat" in card
    said = json.loads((CHECKPOINTS / "unet.json").read_text())["training"]
    assert f"{said['epochs']} epochs" in card and said["split"][:12] in card
    assert "licence | as all |" in card


def test_what_is_not_scored_says_so(tmp_path: Path):
    shutil.copytree(CHECKPOINTS, tmp_path / "checkpoints")
    assert "not scored by itself" in model_card("unet", tmp_path)
    (tmp_path / "checkpoints" / "mae_pets-25.safetensors").write_bytes(b"as made again")
    assert "stopped after epoch 30 of 120" in model_card("mae_pets-25", tmp_path)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("lite0_query", "the encoder: Apache-2.0"),
        ("imagenet_baseline", "Apache-2.0 (ML Illustrated, EfficientNet-Lite0), changed"),
        ("point_unet_m", "clicked, "),
        ("clip_seg", "`clip_lite0_pets`, frozen"),
    ],
)
def test_encoders_and_clicks_are_told(name: str, said: str):
    assert said in model_card(name)


def test_the_licence_names_the_same_tuned_encoders():
    text = " ".join((RESULTS / "LICENSE").read_text(encoding="utf-8").split())
    named = re.search(r"\((imagenet_baseline, [^)]*)\)", text)
    tuned = {name for name, spec in (MODELS | PRETRAINING).items() if spec.tunes}
    assert named and set(named[1].split(", ")) == tuned


def test_the_command_writes_them_beside_the_results(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "RESULTS", tmp_path)
    monkeypatch.setattr(module, "model_cards", lambda: "# cards\n")
    assert module.main() == 0
    assert (tmp_path / "MODELS.md").read_text() == "# cards\n"


def test_the_citation_is_of_the_release():
    text = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert f'version: "{RELEASE.removeprefix("v")}"' in text and REPOSITORY in text
    for author in ("s2102597", "s2091784", "Parkhi", "Jawahar"):
        assert author in text
