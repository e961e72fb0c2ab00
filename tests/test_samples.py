"""Sample photos: every mask fits its photo, holds the right class, and leaves occluders out."""

import json

import numpy as np
import pytest

from common.config import CLASSES, IGNORE, SAMPLES, UserError
from common.samples import list_samples, load_sample, load_samples
from common.samples.together import beside

NAMES = ["cat_with_yarn", "german_shepherd", "kitten", "chelsea"]
RECORDS = json.loads((SAMPLES / "polygons.json").read_text(encoding="utf-8"))
PHOTOS = {record["file"].rsplit(".", 1)[0]: record for record in RECORDS["photos"]}

# Probed by eye: points well away from the outline, (name, class) -> x, y and what is there
POINTS = {
    ("cat_with_yarn", 0): "600,400 yarn; 500,330 its left; 700,370 its right; 575,560 its loose "
    "thread; 500,60 carpet",
    ("cat_with_yarn", 1): "600,240 paw on the ball; 470,420 paw under it; 800,510 black tail; "
    "320,140 ear",
    ("german_shepherd", 0): "696,630 meadow between the front legs, the hole; 255,572 between "
    "tail and hind leg; 345,698 between the hind paws; 821,410 tag that hangs from the collar",
    ("german_shepherd", 2): "805,355 collar; 838,280 tongue; 70,550 tail; 715,680 far front paw; "
    "345,677 far hind paw",
    ("kitten", 0): "1000,460 plank behind; 820,465 the same, beside the cheek; 665,620 plank in "
    "front, between the paws; 480,600 its left; 815,548 shadow between the planks",
    ("kitten", 1): "600,600 left paw; 740,600 right paw; 665,545 dark chest between the paws; "
    "820,190 ear",
    ("chelsea", 0): "10,60 wall; 420,150 shelf; 340,285 beside the chin",
    ("chelsea", 1): "255,240 nose; 5,230 shoulder",
}


def test_names_in_fixed_order():
    assert list_samples() == NAMES
    assert [sample.name for sample in load_samples()] == NAMES


@pytest.mark.parametrize(
    ("name", "species", "low", "high"),
    [
        ("cat_with_yarn", "cat", 0.15, 0.22),
        ("german_shepherd", "dog", 0.24, 0.32),
        ("kitten", "cat", 0.13, 0.19),
        ("chelsea", "cat", 0.68, 0.78),
    ],
)
def test_mask_fits_photo(name, species, low, high):
    sample = load_sample(name)
    assert sample.image.dtype == sample.mask.dtype == np.uint8
    assert sample.image.shape == (*sample.mask.shape, 3)
    assert list(sample.mask.shape[::-1]) == PHOTOS[name]["size"]
    assert sample.species == species and sample.title and sample.credit
    assert set(np.unique(sample.mask)) == {0, CLASSES.index(species), IGNORE}
    assert low < (sample.mask == CLASSES.index(species)).mean() < high


def _shoelace(polygon):
    x, y = np.array(polygon, float).T
    return abs(x @ np.roll(y, 1) - y @ np.roll(x, 1)) / 2


@pytest.mark.parametrize("name", NAMES[:3])  # chelsea leaves the frame
def test_filled_area_agrees_with_the_shoelace_formula(name):
    mask = load_sample(name).mask
    enclosed = sum(map(_shoelace, PHOTOS[name]["outline"]))
    enclosed -= sum(map(_shoelace, PHOTOS[name]["holes"]))
    border = (mask == IGNORE).sum()
    pet = ((mask != 0) & (mask != IGNORE)).sum()
    assert pet + border / 2 == pytest.approx(enclosed, rel=0.005)  # half of the band is pet


@pytest.mark.parametrize("name", NAMES)
def test_polygons_are_detailed_and_inside_the_frame(name):
    width, height = PHOTOS[name]["size"]
    assert sum(map(len, PHOTOS[name]["outline"])) >= 40
    for polygon in PHOTOS[name]["outline"] + PHOTOS[name]["holes"]:
        points = np.array(polygon)
        assert len(points) >= 3
        assert points.min() >= 0
        assert (points < [width, height]).all()
        assert (points != np.roll(points, 1, axis=0)).any(axis=1).all()  # no point twice


@pytest.mark.parametrize(("name", "expected"), POINTS)
def test_points_seen_by_eye(name, expected):
    mask = load_sample(name).mask
    for point in POINTS[name, expected].split("; "):
        x, y = map(int, point.split(" ")[0].split(","))
        assert (mask[y - 2 : y + 3, x - 2 : x + 3] == expected).all(), point


@pytest.mark.parametrize("name", NAMES)
def test_border_covers_outline_and_nothing_far_from_it(name):
    mask = load_sample(name).mask
    edges = 0
    for polygon in PHOTOS[name]["outline"] + PHOTOS[name]["holes"]:
        points = np.array(polygon)
        edges += np.hypot(*(points - np.roll(points, 1, axis=0)).T).sum()
    frame = sum(map(sum, (mask[0] == 1, mask[-1] == 1, mask[:, 0] == 1, mask[:, -1] == 1)))
    band = PHOTOS[name]["border_width"]
    assert (mask == IGNORE).sum() / (edges - frame) == pytest.approx(band, rel=0.25)
    pet = (mask != 0) & (mask != IGNORE)
    touching = (pet[1:] & (mask[:-1] == 0)).any() or (pet[:, 1:] & (mask[:, :-1] == 0)).any()
    assert not touching  # the band leaves no gap between pet and background


def test_no_border_where_the_frame_cuts_the_animal():
    mask = load_sample("chelsea").mask
    assert (mask[0, 60:390] == 1).all()  # top of the head
    assert (mask[140:290, 0] == 1).all()  # shoulder
    assert (mask[-1, 10:235] == 1).all()  # chest


def test_credit_and_licence_travel_with_the_photos():
    assert "GalgenTX" in load_sample("kitten").credit
    assert "CC BY 2.0" in load_sample("kitten").credit
    sources = (SAMPLES / "SOURCES.md").read_text(encoding="utf-8")
    assert all(record["file"] in sources for record in PHOTOS.values())
    for word in (RECORDS["author"], RECORDS["date"], "CC0", "GalgenTX", "never enter a score"):
        assert word in sources
    assert RECORDS["licence"] == "CC0-1.0"


def test_unknown_name_lists_the_choices():
    with pytest.raises(UserError, match="'dog'.*cat_with_yarn, german_shepherd, kitten, chelsea"):
        load_sample("dog")


def test_two_photos_side_by_side_have_a_truth_for_each_animal():
    kitten, dog = load_sample("kitten"), load_sample("german_shepherd")
    pair = beside(kitten, dog, height=200)
    assert pair.image.shape[0] == 200 and set(pair.truths) == {"cat", "dog"}
    middle = round(kitten.image.shape[1] * 200 / kitten.image.shape[0])
    assert (pair.truths["cat"][:, :middle] == 1).any() and not pair.truths["cat"][:, middle:].any()
    assert (pair.truths["dog"][:, middle:] == 1).any() and not pair.truths["dog"][:, :middle].any()
    assert kitten.credit in pair.credit and dog.credit in pair.credit
