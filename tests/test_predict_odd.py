"""Photos, clicks and models that nobody wishes for."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.canvas.asked import Asked
from common.canvas.files import WIDEST, draw_overlay, predict_photo
from common.clicks.predictor import load_predictor
from common.clicks.prompts import Click
from common.predict import main
from common.samples import load_sample
from tests import test_predict
from tests.data.corpus import packed
from tests.fuzzing import alarm, limited
from tests.test_predict import RED, run, save_photo

model = test_predict.model  # a fixture


def test_a_jpeg_that_was_cut_gets_a_mask_and_a_warning(model: str, tmp_path: Path, capsys):
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (60, 90, 3), np.uint8))
    (tmp_path / "cut.jpg").write_bytes(packed(noise, "JPEG")[:-40])
    assert run(model, tmp_path / "cut.jpg", "--out", tmp_path / "out") == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("warning: ") and "cut.jpg: its end is missing" in line


def test_the_overlay_of_a_large_photo_is_small():
    photo = np.full((30, 2 * WIDEST, 3), 9, np.uint8)
    picture = np.asarray(
        draw_overlay(photo, np.zeros((30, 2 * WIDEST), np.uint8), [Click(600, 14)])
    )
    assert picture.shape == (15, WIDEST, 3)
    assert picture[7, 300].tolist() == [17, 119, 51] and picture[7, 900].tolist() == [9, 9, 9]


def test_a_batch_holds_one_photo_at_a_time(model: str, tmp_path: Path):
    for number in range(14):  # 10 MB each with its mask and its logits
        Image.new("RGB", (1200, 1000), (number, 0, 0)).save(tmp_path / f"{number}.png")
    first, *others = sorted(tmp_path.glob("*.png"))
    out = ["--out", tmp_path / "out", "--click", "600,500"]
    assert run(model, first, *out) == 0
    with limited(80):
        assert run(model, *others, *out) == 0


@pytest.mark.long
def test_a_photo_of_48_million_pixels(tmp_path: Path):
    """Within 4 s on a quiet machine and 1.2 GB, once the model is loaded."""
    photo, large = tmp_path / "large.jpg", load_sample("kitten").image
    Image.fromarray(large).resize((8000, 6000)).save(photo)
    predictor = load_predictor("point_unet_single")
    with alarm(7), limited(1200):
        told = predict_photo(predictor, photo, Asked(clicks=(Click(4000, 3250),)), tmp_path, {})
    assert "large.jpg: cat (" in told
    assert np.asarray(Image.open(tmp_path / "large_mask.png"))[3250, 4000] == 255


def turned() -> bytes:
    """A photo of 90×60 whose camera lay on its side: upright it is 60 wide and 90 high."""
    exif = Image.Exif()
    exif[0x0112] = 6
    return packed(Image.new("RGB", (90, 60), "red"), "JPEG", exif=exif)


def animated() -> bytes:
    pictures = [Image.new("RGB", (60, 90), colour) for colour in ("red", "blue")]
    return packed(pictures[0], "GIF", save_all=True, append_images=pictures[1:])


ODD = {
    "grey.jpg": lambda: packed(RED.convert("L"), "JPEG"),
    "cmyk.jpg": lambda: packed(RED.convert("CMYK"), "JPEG"),
    "palette.png": lambda: packed(RED.convert("P"), "PNG"),
    "alpha.png": lambda: packed(RED.convert("RGBA"), "PNG"),
    "deep.png": lambda: packed(Image.fromarray(np.full((90, 60), 40000, np.uint16)), "PNG"),
    "moving.gif": animated,
    "turned.jpg": turned,
    "really_png.jpg": lambda: packed(RED, "PNG"),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_photos_get_a_mask_of_their_upright_size(name: str, model: str, tmp_path: Path):
    (tmp_path / name).write_bytes(ODD[name]())
    out = tmp_path / "out"
    photo = str(tmp_path / name)
    assert main([photo, "--click", "50,80", "--out", str(out), "--model", model]) == 0
    stem = Path(name).stem
    mask = np.asarray(Image.open(out / f"{stem}_mask.png"))
    assert mask.shape == (90, 60) and mask[80, 50] == 255 and mask[5, 5] == 0
    assert Image.open(out / f"{stem}_overlay.png").size == (60, 90)
    found = json.loads((out / f"{stem}.json").read_text())
    assert (found["height"], found["width"]) == (90, 60)


def test_a_photo_of_one_pixel(model: str, tmp_path: Path):
    save_photo(tmp_path / "dot.png", 1, 1)
    out = tmp_path / "out"
    photo = str(tmp_path / "dot.png")
    assert main([photo, "--click", "0,0", "--out", str(out), "--model", model]) == 0
    assert np.asarray(Image.open(out / "dot_mask.png")).tolist() == [[255]]


@pytest.mark.parametrize("click", ["nan,5", "inf,5", "5,nan", "1e9,5", "100,5", "5,60"])
def test_clicks_that_are_nowhere_leave_no_file(click: str, model: str, tmp_path: Path, capsys):
    save_photo(tmp_path / "a.png")
    out = tmp_path / "out"
    command = [str(tmp_path / "a.png"), "--click", "3,4", f"--click={click}", "--out", str(out)]
    assert main([*command, "--model", model]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "a.png: point (" in line and "not in the photo, which is 100 pixels wide and 60" in line
    assert not out.exists()


def test_nothing_is_overwritten_that_was_given(model: str, tmp_path: Path, capsys):
    photo = save_photo(tmp_path / "a_mask.png")
    save_photo(tmp_path / "a.png")
    (tmp_path / "b").mkdir()
    save_photo(tmp_path / "b" / "a.png")
    for first, second in (("a.png", "a_mask.png"), ("a.png", "b/a.png")):
        photos = [str(tmp_path / first), str(tmp_path / second)]
        assert main([*photos, "--out", str(tmp_path), "--model", model]) == 2
        assert "rename a photo, or change --out" in capsys.readouterr().err
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a_mask.png")), photo)
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("never_trained", "no checkpoint "),
        ("clip_pets", "clip_pets makes an encoder and segments nothing; choose of clip_linear"),
    ],
)
def test_a_model_that_cannot_answer_is_named(name: str, said: str, tmp_path: Path, capsys):
    save_photo(tmp_path / "a.png")
    command = [str(tmp_path / "a.png"), "--click", "1,2", "--out", str(tmp_path / "out")]
    assert main([*command, "--model", name]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {said}") and name in line
    assert not (tmp_path / "out").exists()
