"""The command line for files: what it writes, what COCO reads of it, what it says of bad input."""

import io
import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.canvas.asked import parse_click
from common.checkpoint import Card, save_checkpoint
from common.clicks.prompts import Click
from common.config import UserError
from common.data.coco import decode_rle, run_lengths
from common.models import MODELS, Spec
from common.predict import main
from tests.clicks.known import Clicky
from tests.data.corpus import packed
from tests.data.test_photos import png

RED = Image.new("RGB", (60, 90), "red")


@pytest.fixture
def model(tmp_path, monkeypatch) -> str:
    """Checkpoint of a network that sees discs round the clicks."""
    monkeypatch.setitem(MODELS, "clicky", Spec(Clicky))
    save_checkpoint(tmp_path / "trained" / "clicky", Clicky(), Card("clicky", size=32))
    return str(tmp_path / "trained" / "clicky.json")


def save_photo(path: Path, height: int = 60, width: int = 100) -> np.ndarray:
    photo = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    Image.fromarray(photo).save(path, "PNG")
    return photo


@pytest.mark.parametrize(
    ("mask", "counts"),
    [
        ([[0], [0], [1], [1], [1], [0], [1]], [2, 3, 1, 1]),  # both of COCO's own documentation
        ([[1], [1], [1], [1], [1], [1], [0]], [0, 6, 1]),
        ([[0, 1], [1, 1]], [1, 3]),  # down the first column, then down the second
        ([[1, 0], [1, 0]], [0, 2, 2]),
        ([[0, 0, 0], [0, 1, 0], [0, 0, 0]], [4, 1, 4]),
        ([[0, 0, 0], [0, 0, 0]], [6]),
        ([[1, 1, 1], [1, 1, 1]], [0, 6]),
        ([[1]], [0, 1]),
    ],
)
def test_run_lengths_worked_by_hand(mask: list, counts: list[int]):
    assert run_lengths(np.array(mask, bool)) == counts


def test_clicks_on_the_command_line():
    assert parse_click("120,80") == parse_click("120,80,1") == Click(120, 80)
    assert parse_click(" 1.5, 2 ,0") == Click(1.5, 2, positive=False)
    for bad in ("", "5", "a,b", "1;2", "1,2,yes", "1,2,3", "1,2,1,1", "1,2,nan"):
        with pytest.raises(UserError, match="--click") as caught:
            parse_click(bad)
        assert "\n" not in str(caught.value)


def test_mask_overlay_and_json(model: str, tmp_path: Path, capsys):
    photo, out = save_photo(tmp_path / "rex.jpg"), tmp_path / "new" / "masks"
    clicks = ["--click", "70,20", "--click", "10,50,0"]
    assert main([str(tmp_path / "rex.jpg"), *clicks, "--out", str(out), "--model", model]) == 0
    assert "rex.jpg: dog (80%), " in capsys.readouterr().out
    assert {file.name for file in out.iterdir()} == {"rex_mask.png", "rex_overlay.png", "rex.json"}
    stored = np.asarray(Image.open(out / "rex_mask.png"))
    assert stored.shape == (60, 100) and set(np.unique(stored)) == {0, 255}
    mask = stored > 0
    assert mask[20, 70] and not mask[50, 10]
    found = json.loads((out / "rex.json").read_text())
    assert np.array_equal(decode_rle(found.pop("segmentation")), mask)
    assert found.pop("info").keys() == {"made_by", "photo_sha256", "model_sha256", "prompts"}
    assert found == {
        "photo": "rex.jpg",
        "height": 60,
        "width": 100,
        "score": 0.75,
        "area": int(mask.sum()),
        "clicks": [{"x": 70.0, "y": 20.0, "label": 1}, {"x": 10.0, "y": 50.0, "label": 0}],
        "species": {"name": "dog", "probability": 0.8},
    }
    picture = np.asarray(Image.open(out / "rex_overlay.png"))
    same = (picture == photo).all(-1)
    assert picture[20, 70].tolist() == [17, 119, 51] and picture[50, 10].tolist() == [170, 30, 45]
    assert same[~mask].mean() > 0.99 and same[mask].mean() < 0.05


def test_without_clicks_and_again(model: str, tmp_path: Path):
    save_photo(tmp_path / "a.png")
    for _ in range(2):
        assert (
            main([str(tmp_path / "a.png"), "--out", str(tmp_path / "out"), "--model", model]) == 0
        )
    found = json.loads((tmp_path / "out" / "a.json").read_text())
    assert found["clicks"] == [] and found["area"] == 0
    assert len(list((tmp_path / "out").iterdir())) == 3


def test_bad_photos_are_a_line_each_and_the_others_go_on(model: str, tmp_path: Path, capsys):
    """A click outside, no photo, none at all, and a small file that would unpack to 1.2 GB."""
    said = {
        "text.jpg": "text.jpg: not a photo of a known kind",
        "none.jpg": "none.jpg: cannot be read",
        "tiny.png": "point (70, 20) is not in the photo, which is 5 pixels wide",
        "huge.png": "huge.png: more than 50 million pixels; reduce it",
        "empty.jpg": "empty.jpg",
        "half.jpg": "half.jpg",
    }
    save_photo(tmp_path / "tiny.png", 5, 5)
    save_photo(tmp_path / "good.png")
    files = {"text.jpg": b"not a photo", "empty.jpg": b"", "half.jpg": packed(RED, "JPEG")[:300]}
    for name, content in {**files, "huge.png": png(20_000, 20_000, 8, 2, b"\0")}.items():
        (tmp_path / name).write_bytes(content)
    photos, out = [str(tmp_path / name) for name in (*said, "good.png")], tmp_path / "out"
    assert main([*photos, "--click", "70,20", "--out", str(out), "--model", model]) == 1
    *lines, last = capsys.readouterr().err.splitlines()
    for (name, reason), line in zip(said.items(), lines, strict=True):
        assert line.startswith("error: ") and name in line and reason in line
    assert last.startswith("6 of 7 photos failed: ") and last.endswith("half.jpg")
    assert {file.name for file in out.iterdir()} == {
        f"good{end}" for end in ("_mask.png", "_overlay.png", ".json")
    }


def run(model: str, *arguments: object) -> int:
    return main([*map(str, arguments), "--model", model])


@pytest.mark.parametrize("end", ["_mask.png", "_overlay.png", ".json"])
def test_a_file_that_we_did_not_write_is_not_replaced(
    end: str, model: str, tmp_path: Path, capsys
):
    save_photo(tmp_path / "rex.jpg")
    theirs, command = tmp_path / f"rex{end}", [tmp_path / "rex.jpg", "--out", tmp_path]
    theirs.write_bytes(content := b'{"info": {"made_by": "hand"}}')
    assert run(model, *command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert f"rex{end} is there, and common.predict did not write it; change --out, or give" in line
    assert theirs.read_bytes() == content and len(list(tmp_path.glob("rex*"))) == 2
    assert run(model, *command, "--overwrite") == 0
    assert run(model, *command, "--click", "5,5") == 0  # now it is ours
    assert theirs.read_bytes() != content


def test_only_what_follows_from_the_same_is_left(model: str, tmp_path: Path, capsys):
    save_photo(tmp_path / "a.png")
    command = [tmp_path / "a.png", "--out", tmp_path / "out"]

    def redone(*more: object) -> bool:
        assert run(model, *command, *more) == 0
        return "done before" not in capsys.readouterr().out

    assert redone() and not redone()
    assert redone("--click", "5,5") and not redone("--click", "5,5") and redone()
    save_photo(tmp_path / "a.png", 61)
    assert redone() and not redone()
    Path(tmp_path / "out" / "a_mask.png").unlink()
    assert redone()
    save_checkpoint(Path(model).with_suffix(""), Clicky(), Card("clicky", size=16))
    assert redone() and not redone()


def test_odd_names_in_a_narrow_terminal_stop_no_batch(model: str, tmp_path: Path, monkeypatch):
    names = [os.fsdecode(b"kater_\xe9.png"), os.fsdecode("кот.png".encode()), "~rex.png"]
    for name in names:
        save_photo(tmp_path / name)
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, encoding="cp1252"))
    monkeypatch.chdir(tmp_path)
    assert run(model, *names, "--out", "out") == 0
    sys.stdout.flush()
    assert len(written.getvalue().splitlines()) == 3
    assert all((tmp_path / "out" / f"{Path(name).stem}.json").is_file() for name in names)


def test_the_home_folder_is_no_folder_named_so(model: str, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    save_photo(tmp_path / "a.png")
    assert (
        run(model.replace(str(tmp_path), "~"), Path("~", "a.png"), f"--out={Path('~', 'masks')}")
        == 0
    )
    assert (tmp_path / "masks" / "a.json").is_file() and not Path("~").exists()
