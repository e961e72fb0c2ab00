"""What a click cell offers: models by the checkpoints that are there, and the sample photos."""

from pathlib import Path

import numpy as np
import pytest

from common.canvas.choices import available_models, offered, sample_photos
from common.canvas.session import ClickSession
from common.checkpoint import Card, save_checkpoint
from common.clicks.predictor import RegionPredictor
from common.config import CHECKPOINTS, OWN, UserError
from common.models import create_model
from common.samples import load_samples
from common.wording import label


@pytest.fixture
def results(tmp_path: Path, toy) -> Path:
    """A folder with checkpoints of two models, half of a third, and of one that none offers."""
    for name in ("unet", "mae_seg", "elsewhere"):
        model = create_model("toy")
        save_checkpoint(tmp_path / "checkpoints" / name, model, Card("toy", size=32))
    save_checkpoint(tmp_path / OWN / "my_cats", model, Card("toy", size=32))
    (tmp_path / "checkpoints" / "point_unet.json").write_text("{}")
    return tmp_path


def test_models_whose_checkpoint_is_there_in_the_order_of_the_list(results):
    assert list(available_models(results=results)) == ["MAE-Seg", "UNet", "my_cats"]
    assert list(available_models("my_cats", results=results))[0] == "my_cats", "the user's own"


@pytest.mark.parametrize("first", ["unet", "UNet"])
def test_a_notebook_begins_with_its_own_model(results, first):
    assert list(available_models(first, results=results)) == ["UNet", "MAE-Seg", "my_cats"]


def test_a_model_is_loaded_when_it_is_asked_for_and_answers(results, photos):
    predictor = available_models(results=results)["UNet"]()
    assert isinstance(predictor, RegionPredictor) and predictor.card.size == 32
    session = ClickSession(sample_photos(), available_models("unet", results=results))
    request = {"do": "click", "seq": 0, "view": "", "x": 5, "y": 5, "positive": True}
    assert session.handle(request)["kind"] == "info" and not session.failure


def test_what_is_missing_is_named(results, tmp_path):
    with pytest.raises(UserError, match="no checkpoint of point_unet; there are those of MAE-Seg"):
        available_models("point_unet", results=results)
    with pytest.raises(UserError, match="no checkpoint of any model; train one"):
        available_models(results=tmp_path / "none")


def test_sam_is_listed_with_how_to_get_it(monkeypatch):
    monkeypatch.delenv("SAM_CHECKPOINT", raising=False)
    session = ClickSession(sample_photos(), {"mine": RegionPredictor})
    absent = session.handle({"do": "open", "seq": 0, "view": ""})["absent"]
    assert "pip install segment-anything-py, and set SAM_CHECKPOINT" in absent["SAM"]
    assert "no adapter" in absent["SAM 2"]


def test_the_committed_checkpoints_are_offered():
    known = {file.stem for file in CHECKPOINTS.glob("*.json")}
    shown = [label(name) for name in offered() if name in known]
    assert list(available_models())[: len(shown)] == shown and len(set(shown)) == len(shown)
    assert shown[0] == "Point UNet" and "MAE linear" not in shown, "controls are no choice"


def test_sample_photos_have_names_credits_and_truths():
    photos, samples = sample_photos(), load_samples()
    assert [photo.name.lower() for photo in photos] == [s.title.lower() for s in samples]
    for photo, sample in zip(photos, samples, strict=True):
        assert photo.name[0].isupper() and photo.credit == sample.credit
        assert (photo.image == sample.image).all()
        assert set(np.unique(photo.truth)) == {0, 1, 255}
        assert ((photo.truth == 1) == np.isin(sample.mask, (1, 2))).all()
