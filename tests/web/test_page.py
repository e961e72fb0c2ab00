"""The page that needs no Python: its graphs against PyTorch, its parts, and when it is built."""

import base64
import gzip
import hashlib
import json
import re

import numpy as np
import onnxruntime
import pytest
import torch
from bs4 import BeautifulSoup

from common.checkpoint import Card, load_checkpoint, save_checkpoint
from common.clicks import first, window
from common.clicks.looks import Looks, coarsened
from common.clicks.obey import obey, only_clicked
from common.clicks.window import OUTSIDE, View, part
from common.clicks.zoom import ZoomPredictor
from common.config import ROOT, UserError
from common.data.geometry import to_input
from common.models.point.point_unet import PointUNet
from common.models.point.species import cat_or_dog
from common.samples import load_samples
from common.web.page import page, weights
from common.web.page.export import FEWEST, STEPS, export_graphs
from common.web.page.page import build_page, is_current, page_key

SIZE = 64  # of a network that is quick: no training, few weights
KWARGS = {
    "encoder": "residual",
    "widths": (8, 8, 8, 8),
    "instances": True,
    "proximity": (0.0625, 0.25),
    "attending": 2,
}


IMAGE = np.ascontiguousarray(load_samples()[0].image[::8, ::8])


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """An untrained checkpoint whose logits go far from 0, a tenth of them above; and its page."""
    folder = tmp_path_factory.mktemp("page")
    torch.manual_seed(0)
    model = PointUNet(**KWARGS)
    model.decoder.head.weight.data *= 20
    with torch.inference_mode():
        seen = to_input(IMAGE, SIZE)[None]
        logits = model.eval().decode_clicks(model.encode_image(seen))["mask"]
    model.decoder.head.bias.data -= logits.quantile(0.9)
    save_checkpoint(folder / "tiny", model, Card("point_unet", KWARGS, size=SIZE))
    return folder / "tiny.json", build_page(folder / "click.html", folder / "tiny.json")


@pytest.fixture(scope="module")
def content(small) -> BeautifulSoup:
    return BeautifulSoup(small[1].read_text(encoding="latin-1"), "html.parser")


@pytest.fixture(scope="module")
def graphs(content) -> dict[str, bytes]:
    """As they lie in the page."""
    names = json.loads(content.find(id="settings").string)["graphs"]
    return {name: unpacked(content.find(id=name).string) for name in names}


def unpacked(text: str) -> bytes:
    """What `packed`, gzip and `split` made into a text."""
    zipped = re.sub(b"=(.)", lambda it: bytes([it[1][0] - 64]), text.encode("latin-1"), flags=re.S)
    halves = gzip.decompress(zipped)
    out, middle = bytearray(halves), -(-len(halves) // 2)
    out[::2], out[1::2] = halves[:middle], halves[middle:]
    return bytes(out)


class Graphs:
    """The page's graphs, asked as predictor.js asks them."""

    def __init__(self, graphs: dict[str, bytes], image: np.ndarray) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads, options.log_severity_level = 1, 3
        self.image, self.whole = image, View(0, 0, *image.shape[1::-1])
        self._sessions = {
            name: onnxruntime.InferenceSession(graph, options) for name, graph in graphs.items()
        }

    def run(self, name: str, **given) -> dict[str, np.ndarray]:
        session = self._sessions[name]
        return dict(
            zip((put.name for put in session.get_outputs()), session.run(None, given), strict=True)
        )

    def see(self, name: str, view: View) -> dict[str, np.ndarray]:
        shown = np.ascontiguousarray(part(self.image, view))
        return self.run(name, image=to_input(shown, SIZE)[None].numpy())

    def ask(self, view: View, points, labels, step: str = "look", before=None):
        count = max(FEWEST, len(points))
        coords, kinds = np.zeros((1, count, 2), np.float32), np.full((1, count), -1, np.int32)
        places, inside = view.on_square(np.asarray(points), SIZE)
        coords[0, : len(points)] = places[::-1]
        kinds[0, : len(points)] = np.where(inside, labels, -1)[::-1]
        height, width = view.size
        place = np.array([view.left, view.top, width, height, *self.whole[2:]], np.float32)
        before = np.zeros((1, 1, SIZE, SIZE), np.float32) if before is None else before
        given = {"points": coords, "labels": kinds, "before": before, "place": place}
        step = np.array(STEPS.index(step), np.int32)
        return self.run("answer", **given, step=step, **self.see("encoder", view))

    def finished(self, view: View, square: np.ndarray, points, labels) -> np.ndarray:
        native = np.full(self.image.shape[:2], OUTSIDE, np.float32)
        frame = np.zeros(view.size, np.uint8)
        part(native, view)[:] = self.run("part", square=square, frame=frame)["part"][0, 0]
        clicks = np.asarray(points), np.asarray(labels)
        return obey(only_clicked(native, *clicks), *clicks, max(view.size))


CLICKS = np.array([[40.0, 50.0], [70.0, 60.0], [20.0, 20.0]]), np.array([1, 1, 0])


def test_the_graphs_say_what_the_predictor_says(small, graphs, monkeypatch):
    """Three clicks, the first from far and near: ≤ 1e-3 on logits, and so the same mask."""
    monkeypatch.setattr(first, "less_rivals", lambda logits, *_: logits)  # of numpy in Python
    model, card = load_checkpoint(small[0])
    predictor = ZoomPredictor(weights.shortened(model), card)
    predictor.set_image(IMAGE)
    asked = Graphs(graphs, IMAGE)
    before, views = None, set()
    for count in (1, 2, 3):
        points, labels = (each[:count] for each in CLICKS)
        if before is None:
            far = asked.ask(asked.whole, points, labels)
            view = window.window(far["square"][0, 0] > 0, points, labels, IMAGE.shape[:2])
            out = asked.ask(view, points, labels, "near", far["square"]) if view else far
        else:
            view = window.window(before[0] > 0, points, labels, IMAGE.shape[:2])
            out = asked.ask(view or asked.whole, points, labels, "later", before[None])
        views.add(view := view or asked.whole)
        mine = asked.finished(view, out["square"], points, labels)
        theirs, scores, coarse = predictor.predict(
            points, labels, mask_input=before, return_logits=True
        )
        assert np.abs(mine - theirs[0]).max() <= 1e-3 and np.ptp(theirs) > 1
        assert np.abs(out["quality"] - scores).max() <= 1e-4
        before = coarse
    assert views != {asked.whole}, "nothing was looked at from near"


def test_an_earlier_mask_alone_is_seen_and_not_averaged(small, graphs):
    model = weights.shortened(load_checkpoint(small[0])[0])
    asked = Graphs(graphs, IMAGE)
    looks = Looks(IMAGE, IMAGE.shape[:2], model.eval(), SIZE, torch.device("cpu"))
    points, labels = (each[:1] for each in CLICKS)
    given = torch.linspace(-4, 4, SIZE**2).reshape(1, 1, SIZE, SIZE)
    seen = torch.nn.functional.avg_pool2d(given, 2)
    with torch.inference_mode():
        _, expected = looks.answer(looks.whole, points, labels, seen)
    out = asked.ask(asked.whole, points, labels, "again", given.numpy())
    assert np.abs(out["mask"] - expected.numpy()).max() <= 1e-3


@torch.inference_mode()
def test_species_are_named_as_in_python_to_rounding(small, graphs):
    """The classifier's weights are bytes in the page; of small photos Python itself is unsure."""
    model, _ = load_checkpoint(small[0])
    for sample in load_samples():
        asked = Graphs(graphs, sample.image)
        logits = coarsened(np.where(sample.mask > 0, 4, -4).astype(np.float32), SIZE)[None]
        seen = asked.see("classifier", asked.whole)
        cat, dog = asked.run("namer", mask=logits, **seen)["chances"]
        classes = model.eval().classes(to_input(sample.image, SIZE)[None])
        odds = np.diff(cat_or_dog(classes, torch.from_numpy(logits)).numpy())[0, 0]
        assert abs(odds) < 4 or (dog > cat) == (odds > 0)


def test_filters_are_rounded_by_half_a_step_at_most():
    rng = np.random.default_rng(0)
    for shape in ((40, 9), (6, 3000), (3, 1, 3, 3)):
        values = rng.standard_normal(shape).astype(np.float32)
        (whole, step), _ = weights._bytes("x", values)
        whole, step = (weights.onnx.numpy_helper.to_array(each) for each in (whole, step))
        assert np.abs(whole * step - values).max() <= step.max() / 2 * 1.001


def test_numbers_that_the_scripts_take_from_python_are_there():
    """One that is missing would be no error there, but not-a-number."""
    source = "\n".join(path.read_text(encoding="utf-8") for path in page.WORKER)
    source = re.sub(r"/\*.*?\*/|//[^\n]*", "", source, flags=re.S)
    known = {name for numbers in page.constants().values() for name in numbers}
    known |= set(re.findall(r"const ([A-Z]{3,}) =", source))
    assert set(re.findall(r"\b[A-Z]{3,}\b", source)) <= known


def test_no_path_of_this_machine_travels_along(graphs):
    for graph in graphs.values():
        assert b"stack_trace" not in graph and str(ROOT).encode() not in graph


@pytest.mark.parametrize("kwargs", [{}, {"prompt": "input", "instances": True}])
def test_a_model_that_the_page_cannot_run_is_refused(kwargs):
    net = PointUNet(encoder="residual", widths=(8, 8, 8, 8), **kwargs)
    with pytest.raises(UserError, match="one animal among several"):
        export_graphs(net, Card("point_unet", size=32))


def test_a_square_that_the_strides_do_not_divide_is_refused():
    net = PointUNet(encoder="residual", widths=(8, 8, 8, 8), instances=True)
    with pytest.raises(UserError, match="40 px does not fit"):
        export_graphs(net, Card("point_unet", size=40))


def test_the_page_holds_all_it_needs_and_its_policy_admits_no_connection(content):
    soup = content
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
    assert (settings["model"], settings["size"]) == ("tiny", SIZE)
    assert settings["constants"]["window"]["MARGIN"] == window.MARGIN
    credits = {photo["credit"] for photo in json.loads(soup.find(id="photos").string)}
    assert credits == {sample.credit for sample in load_samples()}


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
