"""The page that needs no Python: its graphs against PyTorch, its parts, and when it is built."""

import base64
import gzip
import hashlib
import json
import re
from collections.abc import Iterator

import numpy as np
import onnxruntime
import pytest
import torch
from bs4 import BeautifulSoup

from common.checkpoint import Card, load_checkpoint, save_checkpoint
from common.config import ROOT, UserError
from common.data.geometry import to_input
from common.models.point.point_unet import PointUNet
from common.samples import load_samples
from common.web.page import page
from common.web.page.export import Graphs, export_graphs
from common.web.page.page import build_page, is_current, page_key

NAME = "point_unet_m"  # the lightest of the committed ones


@pytest.fixture(scope="module")
def trained() -> tuple[PointUNet, Card]:
    return load_checkpoint(NAME)


@pytest.fixture(scope="module")
def graphs(trained) -> Graphs:
    return export_graphs(*trained)


@pytest.fixture(scope="module")
def sessions(graphs) -> Iterator[tuple[onnxruntime.InferenceSession, ...]]:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    yield tuple(onnxruntime.InferenceSession(g, options) for g in (graphs.encoder, graphs.decoder))


@torch.inference_mode()
@pytest.mark.parametrize("sample", load_samples(), ids=lambda sample: sample.name)
def test_the_graphs_say_what_pytorch_says(trained, graphs, sessions, sample):
    """Three rounds of clicks, each with the mask of the round before: ≤ 1e-3 on logits."""
    model, card = trained
    encoder, decoder = sessions
    image = to_input(sample.image, card.size, card.fit)[None]
    features, previous = model.encode_image(image), None
    levels = encoder.run([*graphs.levels], {"image": image.numpy()})
    generator = torch.Generator().manual_seed(0)
    points = card.size * torch.rand(1, 3, 2, generator=generator)
    for count in (1, 2, 3):
        labels = torch.tensor([[1, 0, 1]])[:, :count]
        expected = model.decode_clicks(features, points[:, :count], labels, previous)
        prompt = model.prompt_maps(image, points[:, :count], labels, previous)
        given = {"prompt": prompt.numpy(), **dict(zip(graphs.levels, levels, strict=True))}
        mask, quality, species = decoder.run(["mask", "quality", "species"], given)
        assert np.abs(mask - expected["mask"].numpy()).max() <= 1e-3
        assert np.abs(quality - expected["quality"].numpy()).max() <= 1e-4
        assert np.abs(species - expected["species"].softmax(1).numpy()).max() <= 1e-4
        previous = expected["mask"]


def test_shapes_are_fixed_and_no_path_of_this_machine_travels_along(graphs, sessions):
    encoder, decoder = sessions
    shapes = {put.name: put.shape for put in (*encoder.get_inputs(), *decoder.get_inputs())}
    assert shapes["image"] == [1, 3, 192, 192] and shapes["prompt"] == [1, 3, 96, 96]
    assert graphs.grid == 96
    for graph in (graphs.encoder, graphs.decoder):
        assert b"stack_trace" not in graph and str(ROOT).encode() not in graph


@pytest.mark.parametrize("kwargs", [{"prompt": "input"}, {"kind": "gaussian"}])
def test_a_model_whose_prompt_the_page_cannot_draw_is_refused(kwargs):
    net = PointUNet(encoder="residual", widths=(8, 8, 8, 8), **kwargs)
    with pytest.raises(UserError, match="disks that join the decoder"):
        export_graphs(net, Card("point_unet", size=32))


def test_a_square_that_the_strides_do_not_divide_is_refused():
    net = PointUNet(encoder="residual", widths=(8, 8, 8, 8))
    with pytest.raises(UserError, match="40 px does not fit"):
        export_graphs(net, Card("point_unet", size=40))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """An untrained checkpoint of a few weights, and its page."""
    folder = tmp_path_factory.mktemp("page")
    kwargs = {"encoder": "residual", "widths": (8, 8, 8, 8)}
    torch.manual_seed(0)
    save_checkpoint(folder / "tiny", PointUNet(**kwargs), Card("point_unet", kwargs, size=32))
    return folder / "tiny.json", build_page(folder / "click.html", folder / "tiny.json")


def test_the_page_holds_all_it_needs_and_its_policy_admits_no_connection(small):
    soup = BeautifulSoup(small[1].read_text(encoding="latin-1"), "html.parser")
    policy = soup.find("meta", {"http-equiv": "Content-Security-Policy"})["content"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'" and "connect-src" not in rules
    assert not re.search(r"https?:|\*", policy)
    script = soup.find("script", {"type": "module"}).string
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"'sha256-{digest}'" in rules["script-src"]
    assert not soup.find_all(["script", "link", "img"], src=True)
    assert [a["href"] for a in soup.find_all("a")] == ["report.html"]
    settings = json.loads(soup.find(id="settings").string)
    expected = {"model": "tiny", "size": 32, "grid": 16, "radius": 3.0}
    assert settings.items() >= expected.items()
    credits = {photo["credit"] for photo in json.loads(soup.find(id="photos").string)}
    assert credits == {sample.credit for sample in load_samples()}
    text = soup.find(id="decoder").string.encode("latin-1")
    graph = gzip.decompress(re.sub(b"=(.)", lambda it: bytes([it[1][0] - 64]), text))
    assert onnxruntime.InferenceSession(graph).get_inputs()[0].name == "prompt"


def test_it_is_built_again_only_when_checkpoint_or_code_change(small, monkeypatch, tmp_path):
    checkpoint, built = small
    before = built.stat().st_mtime_ns
    assert build_page(built, checkpoint).stat().st_mtime_ns == before
    trained = tmp_path / "tiny.json"
    trained.write_bytes(checkpoint.read_bytes())
    trained.with_suffix(".safetensors").write_bytes(b"other weights")
    assert not is_current(built, page_key(trained))
    monkeypatch.setattr(page, "STYLE", (trained,))  # another file than before
    assert not is_current(built, page_key(checkpoint))
    assert not is_current(tmp_path / "none.html", page_key(checkpoint))


def test_a_checkpoint_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UserError, match="no checkpoint .*absent"):
        build_page(tmp_path / "click.html", tmp_path / "absent.json")


def test_the_vendored_runtime_is_npms_and_is_credited():
    table = (page.RUNTIME.parent / "README.md").read_text(encoding="utf-8")
    version = re.search(r"# onnxruntime-web ([\d.]+)", table)[1]
    script, wasm = page.RUNTIME.read_bytes(), gzip.decompress(page.WASM.read_bytes())
    for content in (script, wasm):
        assert hashlib.sha256(content).hexdigest() in table
    assert f"ONNX Runtime Web v{version}".encode() in script
    notice = (ROOT / "NOTICE").read_text(encoding="utf-8")
    assert f"onnxruntime-web {version}" in notice


@torch.inference_mode()
def test_a_model_of_instances_runs_on_the_page_with_one_look():
    """More maps in its prompt, and the species of what its classifier sees under the mask."""
    torch.manual_seed(0)
    model = PointUNet(
        encoder="residual",
        widths=(8, 8, 8, 8),
        instances=True,
        proximity=(0.0625, 0.25),
        attending=2,
    ).eval()
    graphs = export_graphs(model, Card("point_unet", size=64))
    encoder, decoder = (
        onnxruntime.InferenceSession(graph) for graph in (graphs.encoder, graphs.decoder)
    )
    image, points, labels = (
        torch.rand(1, 3, 64, 64),
        torch.tensor([[[9.0, 40.0]]]),
        torch.ones(1, 1),
    )
    levels = encoder.run([*graphs.levels], {"image": image.numpy()})
    prompt = model.prompt_maps(image, points, labels, None)
    assert prompt.shape == (1, 7, 32, 32)
    given = {"prompt": prompt.numpy(), **dict(zip(graphs.levels, levels, strict=True))}
    expected = model.decode_clicks(model.encode_image(image), points, labels)
    mask, species = decoder.run(["mask", "species"], given)
    assert np.abs(mask - expected["mask"].numpy()).max() <= 1e-3
    assert np.abs(species - expected["species"].softmax(1).numpy()).max() <= 1e-3
