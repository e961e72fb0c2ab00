"""Scores from counts: by hand, against torchmetrics and plain numpy, by invariants; intervals."""

import time

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from torchmetrics import classification as reference

from common.config import CLASSES, IGNORE, UserError
from common.scoring.counts import image_counts
from common.scoring.scores import bootstrap, paired_difference, reliability, scores

CELLS = [f"c{t}{p}" for t in range(3) for p in range(3)]


def row(confusion=(0,) * 9, *, border=(0, 0, 0), species=1, **others):
    """One photo's counts from nine confusion cells; bands and bins are empty unless given."""
    counts = dict(zip(CELLS, np.ravel(confusion).tolist(), strict=True))
    counts |= {f"b{p}": pixels for p, pixels in enumerate(border)}
    counts |= {f"{part}_{name}": 0 for part in ("bi", "bu") for name in ("fg", "cat", "dog")}
    counts |= {f"{part}_bin{i}": 0 for part in ("n", "conf", "hit") for i in range(2)}
    return counts | {"species": species} | others


def table(*rows):
    return pd.DataFrame([{"image": f"photo_{i:04d}"} | r for i, r in enumerate(rows)])


def random_photos(seed, n=4, size=(23, 31)):
    """n pairs of probabilities (3, H, W) and targets (H, W) with every class and a border."""
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(n, 3, *size, generator=generator) * 3
    targets = torch.randint(0, 4, (n, *size), generator=generator)
    return list(
        zip(logits.softmax(dim=1), torch.where(targets == 3, IGNORE, targets), strict=True)
    )


def counted(photos):
    return table(*(image_counts(p, t.to(torch.uint8)) | {"species": 1} for p, t in photos))


def random_table(seed, n, right=60):
    """n photos of about 100 pixels, ``right`` of them on the diagonal, alternating species."""
    rng = np.random.default_rng(seed)
    confusion = rng.poisson(np.where(np.eye(3) > 0, right / 3, (100 - right) / 6), (n, 3, 3))
    return table(*(row(c, species=1 + i % 2) for i, c in enumerate(confusion)))


# Worked by hand


def test_confusion_worked_by_hand():
    s = scores(table(row([[6, 1, 1], [0, 3, 1], [2, 0, 4]])))  # 18 pixels
    expected = {
        **{"iou_background": 6 / 10, "iou_cat": 3 / 5, "iou_dog": 4 / 8},
        **{"dice_background": 12 / 16, "dice_cat": 6 / 8, "dice_dog": 8 / 12},
        **{"accuracy_background": 6 / 8, "accuracy_cat": 3 / 4, "accuracy_dog": 4 / 6},
        **{"miou": (0.6 + 0.6 + 0.5) / 3, "dice": (0.75 + 0.75 + 2 / 3) / 3},
        **{"pixel_accuracy": 13 / 18, "class_accuracy": (0.75 + 0.75 + 2 / 3) / 3},
        **{"foreground_iou": 8 / 12, "mean_image_iou": (0.6 + 0.6 + 0.5) / 3},
    }
    assert {name: s[name] for name in expected} == pytest.approx(expected)


def test_counts_are_accumulated_before_dividing():
    large, small = row([90, 0, 0, 0, 10, 0, 0, 0, 0]), row([0, 0, 0, 1, 1, 0, 0, 0, 0])
    s = scores(table(large, small))
    assert s["iou_cat"] == pytest.approx(11 / 12)
    assert s["mean_image_iou"] == pytest.approx((1 + (0 + 1 / 2) / 2) / 2)  # of present classes


def test_class_absent_from_truth_and_prediction_is_left_out():
    s = scores(table(row([5, 1, 0, 1, 5, 0, 0, 0, 0])))
    assert np.isnan([s["iou_dog"], s["dice_dog"], s["accuracy_dog"]]).all()
    assert s["miou"] == pytest.approx(5 / 7)
    assert s["dice"] == pytest.approx(10 / 12)
    only_predicted = scores(table(row([5, 1, 1, 1, 5, 0, 0, 0, 0])))
    assert only_predicted["iou_dog"] == only_predicted["dice_dog"] == 0
    assert only_predicted["miou"] == pytest.approx((5 / 8 + 5 / 7) / 3)


def test_photo_of_border_alone_has_no_iou_and_the_wrong_species():
    s = scores(table(row([2, 2, 0, 0, 4, 0, 0, 0, 0]), row(border=(9, 0, 0))))
    assert s["mean_image_iou"] == pytest.approx((2 / 4 + 4 / 6) / 2)
    assert s["species_accuracy"] == 1 / 2


def test_species_is_the_majority_of_predicted_pet_pixels():
    none, tie = row([9, 0, 0, 0, 0, 0, 0, 0, 0]), row([9, 0, 0, 0, 2, 2, 0, 0, 0])
    cat, dog = row([9, 1, 0, 0, 2, 2, 0, 0, 0]), row([9, 0, 1, 0, 2, 2, 0, 0, 0])
    border_votes_dog = row([9, 1, 0, 0, 2, 2, 0, 0, 0], border=(0, 0, 99))
    expected = {0: [none, tie, dog], 1: [cat, border_votes_dog, dog | {"species": 2}]}
    for value, rows in expected.items():
        for policy in ("ignore", "background", "pet"):
            assert [scores(table(r), policy)["species_accuracy"] for r in rows] == [value] * 3


def test_border_policies_worked_by_hand():
    photos = table(
        row([4, 0, 0, 0, 2, 0, 0, 0, 0], border=(3, 2, 1), species=1),
        row([4, 0, 0, 0, 0, 0, 0, 0, 2], border=(0, 1, 5), species=2),
    )
    ignored, background, pet = (scores(photos, b) for b in ("ignore", "background", "pet"))
    assert ignored["miou"] == ignored["pixel_accuracy"] == ignored["foreground_iou"] == 1
    # background: [[11, 3, 6], [0, 2, 0], [0, 0, 2]]
    assert background["iou_background"] == pytest.approx(11 / 20)
    assert background["iou_cat"] == pytest.approx(2 / 5)
    assert background["iou_dog"] == pytest.approx(2 / 8)
    assert background["foreground_iou"] == pytest.approx(4 / 13)
    assert background["pixel_accuracy"] == pytest.approx(15 / 24)
    # pet: [[8, 0, 0], [3, 4, 1], [0, 1, 7]]
    assert pet["iou_background"] == pytest.approx(8 / 11)
    assert pet["iou_cat"] == pytest.approx(4 / 9)
    assert pet["iou_dog"] == pytest.approx(7 / 9)
    assert pet["foreground_iou"] == pytest.approx(13 / 16)
    assert pet["mean_image_iou"] == pytest.approx(
        ((4 / 7 + 4 / 8 + 0) / 3 + (1 + 0 + 7 / 8) / 3) / 2
    )


def test_boundary_iou_is_accumulated():
    bands = {"bi_fg": 3, "bu_fg": 4, "bi_cat": 1, "bu_cat": 4}, {"bi_fg": 1, "bu_fg": 4}
    s = scores(table(row(**bands[0]), row(**bands[1])))
    assert (s["boundary_iou"], s["boundary_iou_cat"]) == (4 / 8, 1 / 4)
    assert np.isnan(s["boundary_iou_dog"])
    assert s["boundary_iou_mean"] == 1 / 4


def test_reliability_and_ece_worked_by_hand():
    first = {"n_bin0": 2, "conf_bin0": 0.8, "hit_bin0": 1, "n_bin1": 1, "conf_bin1": 0.9}
    photos = table(row(**first), row(n_bin1=1, conf_bin1=0.7, hit_bin1=1))
    lines = reliability(photos)
    assert lines["bin"].tolist() == [0, 1]
    assert lines["confidence"].tolist() == pytest.approx([0.4, 0.8])
    assert lines["accuracy"].tolist() == pytest.approx([0.5, 0.5])
    assert lines["share"].tolist() == pytest.approx([0.5, 0.5])
    assert scores(photos)["ece"] == pytest.approx(0.5 * 0.1 + 0.5 * 0.3)
    empty = reliability(table(row(n_bin1=3, conf_bin1=2.4, hit_bin1=3)))
    assert np.isnan(empty["accuracy"][0]) and empty["share"].tolist() == [0, 1]


# Independent implementations


@pytest.mark.parametrize("seed", range(3))
def test_torchmetrics_agrees(seed):
    photos = random_photos(seed)
    options = {"num_classes": 3, "ignore_index": IGNORE}
    metrics = {
        "iou": reference.MulticlassJaccardIndex(average="none", **options),
        "miou": reference.MulticlassJaccardIndex(average="macro", **options),
        "dice_each": reference.MulticlassF1Score(average="none", **options),
        "dice": reference.MulticlassF1Score(average="macro", **options),
        "accuracy": reference.MulticlassAccuracy(average="none", **options),
        "class_accuracy": reference.MulticlassAccuracy(average="macro", **options),
        "pixel_accuracy": reference.MulticlassAccuracy(average="micro", **options),
        "ece": reference.MulticlassCalibrationError(n_bins=15, norm="l1", **options),
    }
    for probabilities, target in photos:
        for metric in metrics.values():
            metric.update(probabilities[None], target[None].long())
    theirs = {name: metric.compute().tolist() for name, metric in metrics.items()}
    ours = scores(counted(photos))
    for name in ("miou", "dice", "class_accuracy", "pixel_accuracy", "ece"):
        assert ours[name] == pytest.approx(theirs[name], abs=1e-6), name
    for part, name in (("iou", "iou"), ("dice", "dice_each"), ("accuracy", "accuracy")):
        assert [ours[f"{part}_{c}"] for c in CLASSES] == pytest.approx(theirs[name], abs=1e-6)


def test_torchmetrics_agrees_about_an_absent_class():
    photos = [(p, torch.where(t == 2, 0, t)) for p, t in random_photos(5)]
    photos = [(torch.stack([p[0] + p[2], p[1], 0 * p[2]]), t) for p, t in photos]
    metric = reference.MulticlassJaccardIndex(num_classes=3, ignore_index=IGNORE)
    for probabilities, target in photos:
        metric.update(probabilities[None], target[None].long())
    assert scores(counted(photos))["miou"] == pytest.approx(metric.compute().item(), abs=1e-6)


@pytest.mark.parametrize(("policy", "border_class"), [("background", 0), ("pet", 1)])
def test_plain_numpy_agrees_on_border_policies(policy, border_class):
    photos = random_photos(7)
    predicted = np.concatenate([p.argmax(0).numpy().ravel() for p, _ in photos])
    truth = np.concatenate([t.numpy().ravel() for _, t in photos])
    truth = np.where(truth == IGNORE, border_class, truth)
    s = scores(counted(photos), policy)
    for k, name in enumerate(CLASSES):
        both, either = (truth == k) & (predicted == k), (truth == k) | (predicted == k)
        assert s[f"iou_{name}"] == pytest.approx(both.sum() / either.sum(), abs=1e-12)
    both, either = (truth > 0) & (predicted > 0), (truth > 0) | (predicted > 0)
    assert s["foreground_iou"] == pytest.approx(both.sum() / either.sum(), abs=1e-12)
    assert s["pixel_accuracy"] == pytest.approx((truth == predicted).mean(), abs=1e-12)


# Invariants

confusions = hnp.arrays(np.int64, (3, 3, 3), elements=st.integers(0, 50))


@settings(max_examples=100, deadline=None)
@given(confusion=confusions, border=hnp.arrays(np.int64, (3, 3), elements=st.integers(0, 9)))
def test_dice_and_iou_know_each_other(confusion, border):
    photos = table(*(row(c, border=b) for c, b in zip(confusion, border, strict=True)))
    for policy in ("ignore", "background", "pet"):
        s = scores(photos, policy)
        iou, dice = (np.array([s[f"{part}_{c}"] for c in CLASSES]) for part in ("iou", "dice"))
        assert np.allclose(dice, 2 * iou / (1 + iou), equal_nan=True)
        assert (np.isnan(iou) | (dice >= iou)).all()
        assert all(np.isnan(v) or 0 <= v <= 1 for v in s.values())


@settings(max_examples=30, deadline=None)
@given(diagonal=hnp.arrays(np.int64, (2, 3), elements=st.integers(1, 50)))
def test_perfect_is_one(diagonal):
    s = scores(table(row(np.diag(diagonal[0])), row(np.diag(diagonal[1]))))
    perfect = [
        v for name, v in s.items() if name.split("_")[0] not in ("boundary", "ece", "species")
    ]
    assert perfect == [1.0] * len(perfect)


@settings(max_examples=30, deadline=None)
@given(confusion=confusions)
def test_one_photo_cut_in_two_scores_the_same(confusion):
    parts, whole = table(*(row(c) for c in confusion)), table(row(confusion.sum(axis=0)))
    per_photo = ("species_accuracy", "mean_image_iou")
    a, b = ({k: v for k, v in scores(t).items() if k not in per_photo} for t in (parts, whole))
    assert a == pytest.approx(b, nan_ok=True)


def test_real_counts_reach_the_bounds():
    photos = random_photos(2)
    right = [(torch.eye(3)[t.clamp(max=2)].movedim(-1, 0), t) for _, t in photos]
    s = scores(counted(right))
    assert s["miou"] == s["boundary_iou"] == s["boundary_iou_mean"] == 1
    assert s["ece"] == 0


# Intervals


def test_bootstrap_is_scoring_the_resampled_table():
    photos = random_table(0, 12)
    draws = np.random.default_rng(4).multinomial(12, np.full(12, 1 / 12), size=40)
    resampled = pd.DataFrame([scores(photos.loc[np.repeat(np.arange(12), d)]) for d in draws])
    result = bootstrap(photos, resamples=40, seed=4)
    assert result.index.name == "score" and list(result.index) == list(scores(photos))
    assert np.allclose(result["value"], list(scores(photos).values()), equal_nan=True)
    assert np.allclose(result["low"], resampled.quantile(0.025), equal_nan=True)
    assert np.allclose(result["high"], resampled.quantile(0.975), equal_nan=True)


def test_bootstrap_is_reproducible_in_any_row_order():
    photos = random_table(1, 30)
    once = bootstrap(photos, ["miou", "iou_dog"], resamples=50)
    assert once.equals(bootstrap(photos[::-1], ["miou", "iou_dog"], resamples=50))
    assert list(once.index) == ["miou", "iou_dog"]
    assert not once.equals(bootstrap(photos, ["miou", "iou_dog"], resamples=50, seed=1))


def test_interval_has_the_width_of_the_normal_one():
    photos = random_table(2, 400)
    low, high = bootstrap(photos).loc["mean_image_iou", ["low", "high"]]
    each = [scores(photos.iloc[[i]])["mean_image_iou"] for i in range(400)]
    assert high - low == pytest.approx(2 * 1.96 * np.std(each) / 20, rel=0.1)


def test_interval_covers_the_truth_as_often_as_it_says():
    truth = 60 / 100  # of a Poisson population: 60 right pixels in 100
    inside = 0
    for seed in range(100):
        line = bootstrap(random_table(seed, 40), ["pixel_accuracy"], resamples=200).iloc[0]
        inside += line["low"] <= truth <= line["high"]
    assert 88 <= inside <= 100


def test_interval_of_an_absent_class_is_undefined_and_warns_nobody(recwarn):
    line = bootstrap(table(row(np.diag([5, 5, 0])), row(np.diag([3, 1, 0])))).loc["iou_dog"]
    assert line.isna().all()
    assert not recwarn


def test_bootstrap_of_the_test_split_is_quick():
    photos = random_table(3, 2456)
    start = time.process_time()
    bootstrap(photos)
    assert time.process_time() - start < 2


def test_paired_difference_of_a_model_with_itself():
    photos = random_table(4, 20)
    same = paired_difference(photos, photos[::-1])
    assert same == {"difference": 0, "low": 0, "high": 0, "p": 1}


def test_paired_difference_sees_a_better_model_and_its_mirror():
    good, bad = random_table(5, 50, right=90), random_table(6, 50, right=40)
    better, worse = (paired_difference(*pair, "dice") for pair in ((good, bad), (bad, good)))
    assert better["difference"] == pytest.approx(scores(good)["dice"] - scores(bad)["dice"])
    assert 0 < better["low"] < better["difference"] < better["high"]
    assert better["p"] == worse["p"] == pytest.approx(2 / 1001)
    assert [worse["difference"], worse["low"], worse["high"]] == pytest.approx(
        [-better["difference"], -better["high"], -better["low"]]
    )


def test_pairing_takes_the_difficulty_of_photos_out():
    """Photos differ far more than the two models: wide intervals alone, a narrow one in pairs."""
    right = np.random.default_rng(7).integers(20, 95, size=60)
    a = table(*(row([r, 100 - r, 0, 0, 0, 0, 0, 0, 0]) for r in right))
    b = table(*(row([r - 2, 102 - r, 0, 0, 0, 0, 0, 0, 0]) for r in right))
    paired = paired_difference(a, b, "pixel_accuracy")
    alone = bootstrap(a, ["pixel_accuracy"]).iloc[0]
    assert paired["difference"] == pytest.approx(0.02)
    assert paired["high"] - paired["low"] < 1e-9 < alone["high"] - alone["low"]


# Errors


def test_paired_difference_needs_the_same_photos():
    photos = random_table(8, 5)
    with pytest.raises(UserError, match="holds photo_0004: score both on the same photos"):
        paired_difference(photos, photos[:4])
    with pytest.raises(UserError, match="photo_0001 has several rows"):
        paired_difference(photos, pd.concat([photos, photos[1:2]]))
    with pytest.raises(UserError, match="iou_dog is undefined"):
        cats = table(row(np.diag([5, 5, 0])))
        paired_difference(cats, cats, "iou_dog")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda t: t.drop(columns=["c12", "bu_cat"]), "lack the columns c12, bu_cat"),
        (lambda t: t[:0], "no rows"),
        (lambda t: t.assign(c00=[1, None]), "gaps"),
        (lambda t: t.assign(species=[0, 1]), "species"),
    ],
    ids=["columns", "rows", "gaps", "species"],
)
def test_damaged_table_is_named(damage, message):
    for function in (scores, bootstrap, lambda t: paired_difference(t, t)):
        with pytest.raises(UserError, match=message):
            function(damage(random_table(9, 2)))


def test_unknown_border_policy_is_named():
    with pytest.raises(UserError, match="'cat' is none of ignore, background, pet"):
        scores(random_table(9, 2), border="cat")
