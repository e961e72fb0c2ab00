"""The stored clicks on a stranger's folder: made once, read where the photos are not."""

import shutil
from pathlib import Path

import pytest

from common.checkpoint import Card, save_checkpoint
from common.config import UserError
from common.models.point.point_unet import PointUNet
from common.scoring import elsewhere
from tests.scoring.test_instances import Square, photos  # noqa: F401  a fixture


def test_a_folder_is_clicked_on_once(photos: Path, tmp_path: Path, monkeypatch):  # noqa: F811
    root, results = tmp_path / "mine", tmp_path / "results"
    (root / "images").mkdir(parents=True)
    for name in ("a.png", "b.png"):
        shutil.move(photos / name, root / "images" / name)
    shutil.move(photos / "instances.json", root / "instances.json")
    small = {"encoder": "residual", "widths": [8, 8, 8, 8]}
    save_checkpoint(
        results / "checkpoints" / "tiny", PointUNet(**small), Card("point_unet", small)
    )
    asked = []
    monkeypatch.setattr(elsewhere, "load_predictor", lambda path: asked.append(path) or Square())
    monkeypatch.setenv("ELSEWHERE_ROOT", str(root))
    made = elsewhere.elsewhere_or_load("tiny", results=results, clicks=2)
    assert made.attrs["key"]["clicks"] == 2 and made["image"].nunique() == 3
    again = elsewhere.elsewhere_or_load("tiny", results=results, clicks=2)
    monkeypatch.delenv("ELSEWHERE_ROOT")
    read = elsewhere.elsewhere_or_load("tiny", results=results)
    assert len(asked) == 1 and again.equals(made) and read.equals(made)


def test_a_folder_without_annotations_is_named(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("ELSEWHERE_ROOT", str(tmp_path))
    with pytest.raises(UserError, match=r"no instances\.json there"):
        elsewhere.elsewhere_root()
