"""Photos, archives and checkpoints of anybody's making: read, or refused in one line."""

import hashlib
import json
import pickle
import shutil
import stat
import zipfile
from contextlib import suppress
from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
import torch
from PIL import Image

from common.canvas.asked import Asked
from common.canvas.files import predict_photo
from common.checkpoint import Card, checkpoint_files, load_checkpoint, save_checkpoint
from common.clicks.predictor import load_predictor
from common.clicks.prompts import Click
from common.config import UserError
from common.data.archive import MEMBERS, export_archive, import_archive, verify
from common.data.cache import open_cache
from common.data.dataset import prepare_folder
from common.data.pets import read_mask
from common.data.photos import read_photo
from common.data.synthetic import make_pets
from common.inference import predict_mask
from common.models import building, create_model
from tests.data.corpus import corpus, packed, scene
from tests.data.test_archive import npy, rewrite
from tests.data.test_cache import content
from tests.fuzzing import EVERYTHING, JSON, Bomb, damaged, endure, survive

pytestmark = pytest.mark.long

# Photos

MOVING = {"save_all": True, "append_images": [Image.new("RGB", (64, 48), "red")] * 2}


def photos() -> list[bytes]:
    """Odd but valid ones, and those that move."""
    moving = [packed(scene(64, 48), kind, **MOVING) for kind in ("GIF", "PNG", "WEBP", "TIFF")]
    return [*(content for _, content, _ in corpus()), *moving]


@pytest.mark.timeout(7200)
def test_photos(tmp_path: Path, record_property) -> None:
    """Read as photos and as trimaps."""

    def attempt(upload: bytes) -> None:
        with suppress(UserError):
            pixels = read_photo(upload, warn=lambda line: None)
            assert pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.dtype == np.uint8
        (file := tmp_path / "pet.png").write_bytes(upload)
        read_mask(file, 1)

    endure(record_property, photos(), attempt, 20_000 if EVERYTHING else 500)


def test_photos_for_a_model(small_models: Path, tmp_path: Path, record_property) -> None:
    predictor, file = load_predictor(small_models / "clicked"), tmp_path / "pet.jpg"

    def attempt(upload: bytes) -> None:
        file.write_bytes(upload)
        predict_photo(predictor, file, Asked(clicks=(Click(0, 0),)), tmp_path / "out", {})

    endure(record_property, photos(), attempt, 500 if EVERYTHING else 20)


# Archives

PLACES = r"../evil /evil a/../../evil ..\evil C:\evil images.npy/../evil ./images.npy".split()
PLACES += ["evil\0", "IMAGES.NPY", "sub/manifest.csv", "\x7e/evil", ""]
ARRAYS = st.sampled_from(
    [
        np.zeros((8, 24, 24), np.uint8),
        np.zeros((0, 24, 24, 3), np.uint8),
        np.zeros(3, ">f8"),
        np.array([{"a": 1}]),
        np.zeros((8, 24, 24, 3), np.int8),
        np.array(5, np.uint8),
    ]
).map(npy)
TEXTS = st.text(max_size=60).map(lambda text: text.encode("utf-8", "surrogatepass"))


@pytest.fixture(scope="module")
def cache_and_archive(tmp_path_factory) -> tuple[Path, Path]:
    place = tmp_path_factory.mktemp("archive")
    folder = prepare_folder(make_pets(place / "pets", n=8), size=24, folder=place / "cache")
    return folder, export_archive(folder, place / "pets.zip")


def written(archive: Path, out: Path, changes: dict, place: str, link: bool, true_hash: bool):
    """A zip with members changed; one more, maybe a link, at ``place``; hashes mended if asked."""
    if true_hash and (named := set(changes) & set(MEMBERS[2:])):
        info = json.loads(zipfile.ZipFile(archive).read("info.json"))
        info["files"] |= {name: hashlib.sha256(changes[name]).hexdigest() for name in named}
        changes = {"info.json": json.dumps(info).encode(), **changes}
    rewrite(archive, out, changes)
    if place:
        entry = zipfile.ZipInfo(place)
        entry.external_attr = ((stat.S_IFLNK if link else stat.S_IFREG) | 0o777) << 16
        with zipfile.ZipFile(out, "a") as bundle:
            bundle.writestr(entry, b"../../evil")


def test_archives(cache_and_archive, tmp_path: Path, record_property) -> None:
    folder, archive = cache_and_archive
    whole, info = archive.read_bytes(), zipfile.ZipFile(archive).read("info.json")
    fields = st.dictionaries(st.sampled_from(sorted(json.loads(info))), JSON, min_size=1)
    infos = JSON.map(json.dumps) | fields.map(lambda new: json.dumps({**json.loads(info), **new}))
    members = {
        "info.json": infos.map(str.encode) | st.just(b"[" * 60_000) | damaged([info]),
        "images.npy": ARRAYS,
        "masks.npy": ARRAYS | damaged([(folder / "masks.npy").read_bytes()]),
        "manifest.csv": TEXTS | damaged([(folder / "manifest.csv").read_bytes()]),
        "LICENCE.txt": TEXTS,
    }
    built = st.tuples(
        st.fixed_dictionaries({}, optional=members),
        st.sampled_from(["", *PLACES]),
        st.booleans(),
        st.booleans(),
    )
    place = tmp_path / "inner" / "most"

    def attempt(made: bytes | tuple) -> None:
        shutil.rmtree(tmp_path / "inner", ignore_errors=True)
        (place / "cache").mkdir(parents=True)
        bad = place / "bad.zip"
        if isinstance(made, bytes):
            bad.write_bytes(made)
        else:
            written(archive, bad, *made)
        before = content(tmp_path)
        try:
            imported = import_archive(bad, place / "cache")
        except UserError:
            assert content(tmp_path) == before, "something was left"
            raise
        assert imported.parent == place / "cache" and set(content(imported)) <= set(MEMBERS)
        assert verify(imported) == open_cache(imported).info
        if isinstance(made, bytes):  # only what nobody reads was hit: a time, or the licence
            assert content(imported) == content(folder)
        shutil.rmtree(imported)
        assert content(tmp_path) == before, "something was written elsewhere"

    survive(record_property, damaged([whole]) | built, attempt, 500)


# Checkpoints

UNET = {"widths": (16, 16), "depth": 1, "breed_weight": 0.0}
DTYPES = ("F16", "F32", "F64", "BF16", "I64", "I8", "BOOL", "C64", "F8_E4M3", "X9", None, 3)


def with_header(tensors: bytes, change) -> bytes:
    """A safetensors file with another header."""
    size = int.from_bytes(tensors[:8], "little")
    header = json.loads(tensors[8 : 8 + size])
    change(header)
    text = json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + tensors[8 + size :]


@st.composite
def headers(draw: st.DrawFn, tensors: bytes) -> bytes:
    """A file that says something else of one tensor, or of its own length."""

    def change(header: dict) -> None:
        entry = header[draw(st.sampled_from(sorted(set(header) - {"__metadata__"})))]
        numbers = st.sampled_from([0, 1, -1, 2**31, 2**63, 2**64, 1.5, None])
        field = draw(st.sampled_from(["dtype", "shape", "data_offsets", "more"]))
        values = {
            "dtype": st.sampled_from(DTYPES),
            "shape": st.lists(numbers, max_size=5) | JSON,
            "data_offsets": st.lists(numbers, min_size=2, max_size=2) | JSON,
            "more": JSON,
        }
        entry[field] = draw(values[field])

    content = with_header(tensors, change)
    length = draw(st.none() | st.integers(0, 2**64 - 1) | st.sampled_from([2**63, 10**9]))
    return content if length is None else length.to_bytes(8, "little") + content[8:]


def kwargs() -> st.SearchStrategy[dict]:
    """What a card may ask a network to be."""
    sizes = st.sampled_from([0, 1, -1, 16, 17, 10**5, 10**9, 2**70, 1.5, True, None, "16"])
    return st.dictionaries(
        st.sampled_from(["widths", "depth", "stem", "up_depth", "attention", "checkpoint", "x"]),
        sizes | st.lists(sizes, max_size=4) | JSON,
        max_size=3,
    )


def test_checkpoints(tmp_path: Path, monkeypatch, record_property) -> None:
    monkeypatch.setattr(building, "LIMIT", 100_000_000)
    torch.manual_seed(0)
    stem, mark = tmp_path / "a", tmp_path / "exploded"
    save_checkpoint(stem, create_model("unet", **UNET), Card("unet", UNET, 32))
    file, card_file = checkpoint_files(stem)
    tensors, card = file.read_bytes(), json.loads(card_file.read_text())
    pickled = [pickle.dumps(Bomb(mark), protocol) for protocol in range(5)]
    models = st.sampled_from(["unet", "unet_l", "point_unet_s", "mae_pets", ""])
    fields = {name: JSON for name in card} | {"model": models | JSON, "kwargs": kwargs() | JSON}
    cards = st.fixed_dictionaries({}, optional=fields).map(lambda new: {**card, **new})
    texts = (cards | JSON).map(json.dumps) | st.just("[" * 60_000) | st.text(max_size=40)
    contents = damaged([tensors]) | headers(tensors) | st.sampled_from(pickled)

    def attempt(made: str | bytes) -> None:
        file.write_bytes(made if isinstance(made, bytes) else tensors)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()  # the attacker can count, too
        text = made if isinstance(made, str) else json.dumps({**card, "tensors_sha256": digest})
        card_file.write_text(text, encoding="utf-8", errors="surrogatepass")
        try:
            model, said = load_checkpoint(stem)
            mask = predict_mask(model, said, np.zeros((9, 7, 3), np.uint8))
            assert mask.shape == (9, 7) and mask.max() <= 2
        finally:
            assert not mark.exists(), "it was unpickled"
            assert {path.name for path in tmp_path.iterdir()} == {file.name, card_file.name}

    survive(record_property, texts | contents, attempt, 700, megabytes=600)
