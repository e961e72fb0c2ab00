"""Counts of one photo: worked by hand, against slow independent code, and by their invariants."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import ndimage

from common.config import IGNORE, UserError
from common.scoring import counts as metrics
from common.scoring.counts import boundary_band, boundary_counts, image_counts

REGIONS = {"fg": (1, 2), "cat": (1,), "dog": (2,)}


def probabilities_of(labels, confidence=0.8):
    """(3, H, W) probabilities whose largest, ``confidence``, is at ``labels`` (H, W)."""
    hot = torch.nn.functional.one_hot(torch.as_tensor(np.asarray(labels)).long(), 3).movedim(-1, 0)
    rest = (1 - confidence) / 2
    return hot.float() * (confidence - rest) + rest


def random_photo(seed, height=40, width=30):
    """Random smooth probabilities (3, H, W), and a random target (H, W) with a border."""
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.normal(size=(3, height, width)), (0, 3, 3))
    target = rng.choice([0, 1, 2, IGNORE], size=(height, width)).astype(np.uint8)
    return torch.softmax(torch.from_numpy(noise * 20).float(), 0), torch.from_numpy(target)


labels = hnp.arrays(np.uint8, (7, 9), elements=st.sampled_from([0, 1, 2]))
targets = hnp.arrays(np.uint8, (7, 9), elements=st.sampled_from([0, 1, 2, IGNORE]))


def test_confusion_worked_by_hand():
    target = torch.tensor([[0, 0, 1], [1, 1, 255], [255, 0, 1]], dtype=torch.uint8)
    counts = image_counts(probabilities_of([[0, 2, 1], [1, 2, 0], [1, 0, 1]]), target)
    expected = dict.fromkeys((f"c{t}{p}" for t in range(3) for p in range(3)), 0)
    expected |= {"c00": 2, "c02": 1, "c11": 3, "c12": 1, "b0": 1, "b1": 1, "b2": 0}
    assert {name: counts[name] for name in expected} == expected


def test_calibration_worked_by_hand():
    probabilities = torch.tensor(
        [[[0.5, 1.0, 0.1, 0.4]], [[0.3, 0.0, 0.7, 0.3]], [[0.2, 0.0, 0.2, 0.3]]]
    )
    target = torch.tensor([[0, 1, 1, 255]], dtype=torch.uint8)
    counts = image_counts(probabilities, target, bins=4)
    assert [counts[f"n_bin{i}"] for i in range(4)] == [0, 0, 2, 1]  # .5 opens bin 2, 1 ends bin 3
    assert [counts[f"hit_bin{i}"] for i in range(4)] == [0, 0, 2, 0]
    assert [counts[f"conf_bin{i}"] for i in range(4)] == pytest.approx([0, 0, 1.2, 1.0])


def test_boundary_worked_by_hand():
    truth = np.ones((4, 4), np.uint8)  # a cat that fills the frame: its band is the outer ring, 12
    predicted = np.array([[1, 1, 1, 0]] * 4)  # 4 × 3 without its two inner pixels: 10
    counts = boundary_counts(predicted, truth)
    assert counts == {
        **{"bi_fg": 8, "bi_cat": 8, "bi_dog": 0},
        **{"bu_fg": 14, "bu_cat": 14, "bu_dog": 0},
    }


def slow_band(mask, distance):
    """The definition, pixel by pixel: set, and something unset or outside within ``distance``."""
    height, width = mask.shape
    band = np.zeros_like(mask)
    for row, column in zip(*np.nonzero(mask), strict=True):
        band[row, column] = any(
            not (0 <= r < height and 0 <= c < width and mask[r, c])
            for r in range(row - distance, row + distance + 1)
            for c in range(column - distance, column + distance + 1)
        )
    return band


@pytest.mark.parametrize("distance", [1, 2, 3, 5])
@settings(max_examples=20, deadline=None)
@given(mask=hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=14)))
def test_band_is_the_brute_force_band(mask, distance):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(metrics, "BAND", distance / np.hypot(*mask.shape))
        assert np.array_equal(boundary_band(mask[None])[0], slow_band(mask, distance))


@pytest.mark.parametrize(("shape", "distance"), [((384, 288), 10), ((101, 53), 2), ((8, 9), 1)])
def test_band_is_repeated_erosion_as_in_the_paper(shape, distance):
    noise = np.random.default_rng(3).normal(size=(3, *shape))
    masks = ndimage.gaussian_filter(noise, (0, shape[0] / 12, shape[0] / 12)) > -0.01
    for mask, band in zip(masks, boundary_band(masks), strict=True):
        kernel = np.ones((3, 3), bool)
        eroded = ndimage.binary_erosion(np.pad(mask, 1), kernel, iterations=distance)[1:-1, 1:-1]
        assert np.array_equal(band, mask & ~eroded)


@settings(max_examples=50, deadline=None)
@given(predicted=labels, truth=targets)
def test_boundary_counts_are_the_brute_force_counts(predicted, truth):
    counts = boundary_counts(predicted, truth)
    for name, classes in REGIONS.items():
        a = slow_band(np.isin(predicted, classes) & (truth != IGNORE), 1)
        b = slow_band(np.isin(truth, classes), 1)
        assert counts[f"bi_{name}"] == (a & b).sum()
        assert counts[f"bu_{name}"] == (a | b).sum()


@settings(max_examples=50, deadline=None)
@given(predicted=labels, other=labels, truth=targets)
def test_border_pixels_count_for_nothing_but_their_own_columns(predicted, other, truth):
    elsewhere = np.where(truth == IGNORE, other, predicted)
    counts = image_counts(probabilities_of(predicted), torch.from_numpy(truth))
    changed = image_counts(probabilities_of(elsewhere), torch.from_numpy(truth))
    assert [name for name in counts if counts[name] != changed[name] and name[0] != "b"] == []
    assert all(counts[name] == changed[name] for name in counts if name[:2] in ("bi", "bu"))
    assert sum(counts[f"b{p}"] for p in range(3)) == (truth == IGNORE).sum()


@pytest.mark.parametrize("seed", range(3))
def test_counts_agree_with_each_other(seed):
    probabilities, target = random_photo(seed)
    counts = image_counts(probabilities, target, bins=7)
    valid = int((target != IGNORE).sum())
    assert sum(counts[f"c{t}{p}"] for t in range(3) for p in range(3)) == valid
    assert sum(counts[f"n_bin{i}"] for i in range(7)) == valid
    hits = sum(counts[f"hit_bin{i}"] for i in range(7))
    assert hits == sum(counts[f"c{k}{k}"] for k in range(3))
    confidence = probabilities.max(0).values[target != IGNORE].double().sum().item()
    assert sum(counts[f"conf_bin{i}"] for i in range(7)) == pytest.approx(confidence)
    assert all(counts[f"bi_{name}"] <= counts[f"bu_{name}"] for name in REGIONS)
    assert {type(value) for value in counts.values()} == {int, float}


def test_perfect_prediction_has_perfect_counts_whatever_stands_on_the_border():
    target = random_photo(0)[1]
    truth = target.numpy()
    counts = image_counts(probabilities_of(np.where(truth == IGNORE, 1, truth)), target)
    assert all(counts[f"c{t}{p}"] == 0 for t in range(3) for p in range(3) if t != p)
    assert all(counts[f"bi_{name}"] == counts[f"bu_{name}"] > 0 for name in REGIONS)


def test_class_is_the_largest_probability_not_one_above_half():
    probabilities = torch.tensor([[[0.4, 0.3]], [[0.3, 0.36]], [[0.3, 0.34]]])
    counts = image_counts(probabilities, torch.tensor([[0, 1]], dtype=torch.uint8))
    # the first pixel is .6 pet, the second has no class above .5: both are right as they are
    assert (counts["c00"], counts["c11"]) == (1, 1)


def test_photo_of_border_alone():
    target = torch.full((4, 5), IGNORE, dtype=torch.uint8)
    counts = image_counts(probabilities_of(np.zeros((4, 5))), target)
    assert {name: value for name, value in counts.items() if value} == {"b0": 20}


@pytest.mark.parametrize(
    ("probabilities", "target", "message"),
    [
        (torch.full((3, 4, 4), 1 / 3), torch.zeros(4, 5), r"\(4, 5\): resize the logits"),
        (torch.full((4, 4, 4), 1 / 4), torch.zeros(4, 4), r"\(4, 4, 4\)"),
        (torch.full((3, 2, 2), 1 / 3), torch.full((2, 2), 3), "class 3: expected 0 background"),
        (torch.randn(3, 2, 2) * 9, torch.zeros(2, 2), "pass softmax"),
        (torch.full((3, 2, 2), 0.5), torch.zeros(2, 2), "pass softmax"),
        (torch.full((3, 2, 2), float("nan")), torch.zeros(2, 2), "the model has diverged"),
        (torch.tensor([2.0, -0.5, -0.5]).reshape(3, 1, 1), torch.zeros(1, 1), "pass softmax"),
    ],
    ids=["size", "classes", "trimap", "logits", "sigmoid", "nan", "negative"],
)
def test_wrong_input_is_named(probabilities, target, message):
    with pytest.raises(UserError, match=message):
        image_counts(probabilities, target.to(torch.uint8))
