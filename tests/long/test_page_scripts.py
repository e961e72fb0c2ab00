"""What of Python the page's scripts write again, case by case, in Chromium."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from scipy.ndimage import distance_transform_edt, gaussian_filter

from common.clicks import boxes
from common.clicks.looks import coarsened
from common.clicks.obey import obey, only_clicked
from common.clicks.rivals import far_places
from common.clicks.window import window
from common.data.geometry import fit_photo
from common.web.page.page import HERE, constants

pytestmark = pytest.mark.long

RESIZE = """([source, width, height]) => {
    const rgba = new Uint8ClampedArray(4 * width * height);
    for (let at = 0; at < rgba.length; at++) rgba[at] = (at * 7919 + (at >> 5) * 104729) % 256;
    const small = new Function(`${source}; return toInput`)()(rgba, width, height, 48);
    return Array.from(small, (value) => Math.round(255 * value));
}"""


FOLLOWED = """([source, about, task, all]) => {
    const given = new Function("about", `${source}; return ${task}`)(about);
    return all.map(given);
}"""


@pytest.fixture(scope="module")
def followed(browser) -> Iterator[Callable]:
    """What the worker's scripts, which Python's modules are written again in, make of cases."""
    parts = ("regions", "window", "obey", "rivals")
    source = "\n".join((HERE / f"{name}.js").read_text(encoding="utf-8") for name in parts)
    tab = browser.new_page()  # of its own, as ours lets no text be made into code
    yield lambda task, cases: tab.evaluate(FOLLOWED, [source, constants(), task, cases])
    tab.close()


def blobs(rng: np.random.Generator, edge: int) -> np.ndarray:
    """Logits (edge, edge) above 0 in some regions."""
    return gaussian_filter(8 * rng.standard_normal((edge, edge)), 2).astype(np.float32)


def test_windows_and_boxes_are_pythons(followed):
    rng, cases, expected = np.random.default_rng(0), [], []
    for _ in range(100):
        shape = rng.integers(20, 900, 2)
        points, labels = rng.uniform(0, 1, (3, 2)) * shape[::-1], rng.integers(2, size=3)
        logits, box = blobs(rng, 32), np.sort(rng.uniform(0, 1, (2, 2)), 0) * shape[::-1]
        box, clicks = box.ravel(), (points, labels)
        hints, said = boxes.unless_denied(box, boxes.box_clicks(box, shape), clicks)
        views = window(logits > 0, points, labels, shape), boxes.round_box(box, shape)
        expected.append(
            ([view and [*view] for view in views], [*boxes.grown(box, shape)], said.tolist())
        )
        given = {"points": points.tolist(), "labels": labels.tolist(), "box": box.tolist()}
        cases.append({**given, "logits": logits.ravel().tolist(), "shape": shape[::-1].tolist()})
    found = followed(
        """({ points, labels, box, logits, shape }) => [
            [windowRound(logits, 32, points, labels, shape), roundBox(box, shape)],
            grown(box, shape),
            unlessDenied(box, boxClicks(box, shape), { points, labels }).labels]""",
        cases,
    )
    assert [tuple(each) for each in found] == expected


def test_clicks_are_obeyed_and_rivals_sought_as_in_python(followed):
    rng, cases, expected = np.random.default_rng(1), [], []
    for _ in range(50):
        logits, points, labels = (
            blobs(rng, 40),
            rng.integers(0, 40, (5, 2)),
            rng.integers(2, size=5),
        )
        obeyed = obey(only_clicked(logits, points, labels), points, labels, 90.0)
        depth = distance_transform_edt(np.pad(logits > 0, 1))[1:-1, 1:-1]
        means = coarsened(np.ascontiguousarray(logits[3:, 7:30]), 16)
        places = far_places(logits > 0, points.astype(float))
        expected.append([each.ravel() for each in (obeyed, depth, means, places)])
        clicks = np.column_stack([points, labels]).tolist()
        cases.append(
            {"logits": logits.ravel().tolist(), "points": points.tolist(), "clicks": clicks}
        )
    found = followed(
        """({ logits, points, clicks }) => {
            const obeyed = Float32Array.from(logits), mask = maskOf(logits);
            onlyClicked(obeyed, [40, 40], clicks);
            obey(obeyed, [40, 40], clicks, 90);
            const means = meansOf(logits, 40, [7, 3, 30, 40], 16);
            const places = farPlaces(logits, 40, points).flat();
            return [obeyed, depthOf(mask, 40, 40), means, places].map((each) => Array.from(each));
        }""",
        cases,
    )
    for mine, theirs in zip(found, expected, strict=True):
        assert all(np.allclose(a, b, atol=1e-5) for a, b in zip(mine, theirs, strict=True))


@pytest.mark.parametrize("shape", [(640, 480), (1001, 333), (50, 37), (130, 899)], ids=str)
def test_photos_are_resized_as_in_python(browser, shape):
    """To the last grey level; on a page of its own, as ours lets no text be made into code."""
    width, height = shape
    source = (HERE / "resize.js").read_text(encoding="utf-8")
    tab = browser.new_page()
    small = np.array(tab.evaluate(RESIZE, [source, width, height])).reshape(3, 48, 48)
    tab.close()
    at = np.arange(4 * width * height)
    rgba = ((at * 7919 + (at >> 5) * 104729) % 256).astype(np.uint8).reshape(height, width, 4)
    expected = fit_photo(np.ascontiguousarray(rgba[..., :3]), 48).transpose(2, 0, 1)
    difference = np.abs(small - expected)
    assert difference.max() <= 1 and difference.mean() < 0.002
