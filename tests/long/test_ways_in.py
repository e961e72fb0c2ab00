"""Odd but valid photos through every way in: each gives the right mask.

The network knows white from black, and each photo of the corpus is white on its left half.
"""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from common import evaluate, evaluate_clicks, predict
from common.canvas.answers import Photo
from common.canvas.session import ClickSession
from common.checkpoint import Card, save_checkpoint
from common.clicks.predictor import load_predictor
from common.data.coco import decode_rle
from common.data.dataset import prepare
from common.data.own import own_photos
from common.data.photos import read_photo
from common.data.synthetic import make_pets
from common.models import MODELS, Spec, create_model
from common.training import __main__ as training
from common.training import own
from tests.canvas.colours import UPLOAD, asker, send_file
from tests.data.corpus import BACK, corpus
from tests.fuzzing import EVERYTHING

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]
SIZE = 64  # edge of the network's square
Odd = dict[str, tuple[str, int, int]]  # by a file's stem: what is odd, width and height


class White(nn.Module):
    """What is white is a cat; nothing is a dog."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(20.0))

    def forward(self, image: Tensor) -> Tensor:
        light = self.scale * (image.mean(1) - 0.5)
        return torch.stack([-light, light, torch.full_like(light, -20)], 1)


@pytest.fixture
def white(tmp_path: Path, monkeypatch) -> str:
    monkeypatch.setitem(MODELS, "white", Spec(White))
    save_checkpoint(tmp_path / "trained" / "white", White(), Card("white", size=SIZE))
    return str(tmp_path / "trained" / "white")


@pytest.fixture(scope="module")
def images(tmp_path_factory) -> Path:
    """The corpus as files, whatever they hold, of one name each."""
    folder = tmp_path_factory.mktemp("corpus")
    for number, (_, content, _) in enumerate(sample()):
        (folder / f"Odd{number}_1.jpg").write_bytes(content)
    return folder


def sample() -> list[tuple[str, bytes, tuple[int, int]]]:
    return list(corpus())[:: 1 if EVERYTHING else 10]


@pytest.fixture
def odd(images: Path, record_property) -> Odd:
    record_property("trials", len(sample()))
    return {f"Odd{i}_1": (name, *size) for i, (name, _, size) in enumerate(sample())}


def left_half(width: int, height: int) -> np.ndarray:
    return np.repeat(np.arange(width)[None] < width // 2, height, 0)


def check(mask: np.ndarray, about: tuple[str, int, int]) -> None:
    """A mask (H, W) bool is the left half, but for what a codec and a square blur."""
    name, width, height = about
    assert mask.shape == (height, width), name
    if width > 8:
        wrong = mask != left_half(width, height)
        assert not wrong[:, : width // 2 - 4].any() and not wrong[:, width // 2 + 6 :].any(), name


def test_the_command_line(white: str, images: Path, odd: Odd, tmp_path: Path, capsys):
    photos = [str(images / f"{stem}.jpg") for stem in odd]
    assert predict.main([*photos, "--click", "0,0", "--out", str(tmp_path), "--model", white]) == 0
    assert capsys.readouterr().err == ""
    for stem, about in odd.items():
        check(np.asarray(Image.open(tmp_path / f"{stem}_mask.png")) > 0, about)


def test_all_animals_of_all_photos(white: str, images: Path, odd: Odd, tmp_path: Path):
    photos = [str(images / f"{stem}.jpg") for stem, (_, width, _) in odd.items() if width > 8]
    assert predict.main([*photos, "--all", "--out", str(tmp_path), "--model", white]) == 0
    found = json.loads((tmp_path / "instances.json").read_text())
    assert len(found["annotations"]) == len(photos)
    names = {image["id"]: Path(image["file_name"]).stem for image in found["images"]}
    for one in found["annotations"]:
        check(decode_rle(one["segmentation"]), odd[names[one["image_id"]]])


def test_the_notebooks(white: str, images: Path, odd: Odd):
    predictor = load_predictor(white)
    for stem, about in odd.items():
        predictor.set_image(read_photo(images / f"{stem}.jpg"))
        check(predictor.predict([[0, 0]], [1])[0][0], about)


def test_an_upload(white: str, images: Path, odd: Odd):
    for stem, about in odd.items():
        first = Photo("first", np.zeros((9, 9, 3), np.uint8))
        session = ClickSession([first], {"White": lambda: load_predictor(white)})
        ask = asker(session)
        reply = send_file(ask, (images / f"{stem}.jpg").read_bytes(), 3000)
        assert (reply["kind"], reply["photo"]) == ("info", UPLOAD), about
        assert [reply["show"][side] for side in ("width", "height")] == list(about[1:])
        assert ask("click", x=0, y=0, positive=True)["kind"] == "info", about
        check(session.mask, about)


@pytest.fixture
def dataset(images: Path, odd: Odd, tmp_path: Path) -> Path:
    """Generated photos, and the odd ones to train on, with a breed of its own each."""
    root = make_pets(tmp_path / "pets", n=24)
    with (root / "annotations" / "trainval.txt").open("a") as names:
        for number, (stem, (name, width, height)) in enumerate(odd.items(), 100):
            (root / "images" / f"{stem}.jpg").write_bytes((images / f"{stem}.jpg").read_bytes())
            trimap = Image.fromarray(np.where(left_half(width, height), 1, 2).astype(np.uint8))
            turn = BACK[int(name.split()[2])] if "orientation" in name else None
            if turn is not None and "HEIF" not in name:  # drawn on the stored pixels
                trimap = trimap.transpose(turn)
            trimap.save(root / "annotations" / "trimaps" / f"{stem}.png")
            names.write(f"{stem} {number} 1 {number}\n")
    return root


def test_a_folder_to_train_on(dataset: Path, odd: Odd, tmp_path: Path, toy):
    command = f"--model toy --size 32 --epochs 1 --workers 0 --precision no --results {tmp_path}"
    assert training.main([*command.split(), "--data-root", str(dataset)]) == 0
    cache = prepare(dataset, size=32)
    assert not len(cache.problems)
    rows = {name: row for row, name in enumerate(cache.manifest["name"])}
    for stem, about in odd.items():
        light, mask = cache.images[rows[stem]].mean(-1) > 128, cache.masks[rows[stem]]
        assert (light == mask).mean() > 0.8, about
        assert cache.manifest["split"][rows[stem]] in ("train", "leak"), about


def test_a_folder_to_score(white: str, dataset: Path, odd: Odd, tmp_path: Path):
    out = ["--out", str(tmp_path / "counts.parquet"), "--results", str(tmp_path)]
    where = ["--data-root", str(dataset), "--split", "train"]
    assert evaluate.main(["--model", white, *where, *out]) == 0
    counts = pd.read_parquet(tmp_path / "counts.parquet").set_index("image")
    for stem, (name, width, height) in odd.items():
        assert counts.loc[stem, ["c00", "c11"]].sum() > 0.8 * width * height, name


@pytest.fixture
def coco(images: Path, odd: Odd, tmp_path: Path) -> Path:
    """An outline of the left half of each."""
    content: dict = {"images": [], "annotations": [], "categories": [{"id": 1, "name": "cat"}]}
    for number, (stem, (_, width, height)) in enumerate(odd.items()):
        about = {"id": number, "file_name": f"{stem}.jpg", "width": width, "height": height}
        half = width // 2
        outline = [0, 0, half, 0, half, height, 0, height]
        content["images"].append(about)
        one = {"id": number, "image_id": number, "category_id": 1, "segmentation": [outline]}
        content["annotations"].append(one)
    (tmp_path / "coco.json").write_text(json.dumps(content))
    return tmp_path / "coco.json"


def test_annotated_photos_to_score(white: str, images: Path, coco: Path, odd: Odd, tmp_path: Path):
    where = ["--coco", str(coco), "--images", str(images)]
    out = ["--clicks", "1", "--out", str(tmp_path / "counts.parquet")]
    assert evaluate_clicks.main(["--model", white, *where, *out]) == 0
    table = pd.read_parquet(tmp_path / "counts.parquet")
    once = table[table["click"] == 1].set_index("image")
    for number, (stem, about) in enumerate(odd.items()):
        if about[1] > 8:  # else it is thinner than its border
            counts = once.loc[f"{stem}.jpg#{number}"]
            assert counts["inter"] > 0.8 * counts["union"], about


def test_annotated_photos_to_teach(images: Path, coco: Path, odd: Odd, tmp_path: Path, capsys):
    kwargs = {"encoder": "residual", "widths": (8,) * 4, "instances": True}
    start = tmp_path / "trained" / "start"
    save_checkpoint(start, create_model("point_unet", **kwargs), Card("point_unet", kwargs, SIZE))
    command = ["--coco", str(coco), "--images", str(images), "--start", str(start)]
    assert own.main([*command, "--name=n", "--epochs=1", "--results", str(tmp_path)]) == 0
    assert "--model " in capsys.readouterr().out
    cache = own_photos(coco, images)
    for row, about in enumerate(odd.values()):
        light, mask = cache.images[row].mean(-1) > 128, cache.masks[row]
        assert light[mask == 1].mean() > 0.9 and light[mask == 0].mean() < 0.1, about
