"""Every animal of some photos in one COCO file: read by pycocotools, gone on with, never lost."""

import json
import shutil
from pathlib import Path

import pytest
from pycocotools.coco import COCO

from common import predict
from common.canvas import batch
from common.config import UserError
from common.data.coco import read_instances

SAMPLES = Path("common/samples")


def test_a_folder_becomes_one_coco_file(tmp_path, monkeypatch, capsys):
    photos = [tmp_path / name for name in ("kitten.jpg", "german_shepherd.jpg", "broken.jpg")]
    for photo in photos[:2]:
        shutil.copy(SAMPLES / photo.name, photo)
    photos[2].write_bytes(b"no photo")
    command = [*map(str, photos), "--all", "--out", str(tmp_path / "out")]
    assert predict.main(command) == 1 and "broken.jpg" in capsys.readouterr().err
    file = tmp_path / "out" / batch.FILE
    coco = COCO(str(file))
    kinds = {
        coco.imgs[one["image_id"]]["file_name"]: one["category_id"] for one in coco.anns.values()
    }
    assert kinds == {"kitten.jpg": 1, "german_shepherd.jpg": 2} and len(coco.anns) == 2
    for one in coco.anns.values():
        assert coco.annToMask(one).sum() == one["area"] and 0 < one["score"] <= 1
    before = json.loads(file.read_text())
    monkeypatch.setattr(batch, "find_all", None)  # what is known is not looked for again
    assert predict.main(command) == 1 and json.loads(file.read_text()) == before
    assert [len(photo.instances) for photo in read_instances(file)] == [1, 1]


def test_a_strangers_file_and_two_photos_of_one_name_are_refused(tmp_path):
    file = tmp_path / batch.FILE
    file.write_text('{"images": []}')
    with pytest.raises(UserError, match="did not write it"):
        batch.check_file([Path("a.jpg")], file, overwrite=False)
    batch.check_file([Path("a.jpg")], file, overwrite=True)
    with pytest.raises(UserError, match="2 photos are called a.jpg"):
        batch.check_file([Path("one/a.jpg"), Path("two/a.jpg")], tmp_path / "new.json", False)
