"""The loop closes: a COCO file teaches a network, which then answers by its path."""

from pathlib import Path

import pytest

from common import predict
from common.config import CHECKPOINTS, UserError
from common.provenance import file_sha256
from common.training import own
from tests.data.test_own import annotated


def test_ones_own_animals_are_taught_by_command(tmp_path: Path, capsys):
    file, out = annotated(tmp_path), tmp_path / "results"
    before = file_sha256(CHECKPOINTS / "point_unet.safetensors")
    command = [f"--coco={file}", f"--images={tmp_path}", "--name=mine", f"--results={out}"]
    assert own.main([*command, "--epochs=2"]) == 0
    said = capsys.readouterr().out.strip().splitlines()
    assert "on 2 photos" in said[-2] and said[-1] == f"--model {out / 'checkpoints' / 'mine'}"
    assert file_sha256(CHECKPOINTS / "point_unet.safetensors") == before
    photo = str(tmp_path / "0.png")
    masks = [photo, "--click=30,30", "--model", said[-1].split()[1], "--out", str(tmp_path / "m")]
    assert predict.main(masks) == 0
    assert own.main([*command, "--epochs=3"]) == 2, "another training of that name is kept"


def test_a_network_of_single_photos_is_no_start():
    with pytest.raises(UserError, match="does not tell one animal from another"):
        own.own_training("mine", 10, CHECKPOINTS / "point_unet_s")
