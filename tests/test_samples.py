"""Sample photos: every mask fits its photo, holds the right class, and leaves occluders out."""

import json

import numpy as np
import pytest

from common.config import CLASSES, IGNORE, SAMPLES, UserError
from common.samples import list_samples, load_sample, load_samples

NAMES = ["cat_with_yarn", "german_shepherd", "kitten", "chelsea"]
RECORDS = json.loads((SAMPLES / "polygons.json").read_text(encoding="utf-8"))
PHOTOS = {record["file"].rsplit(".", 1)[0]: record for record in RECORDS["photos"]}

# Probed by eye: (name, x, y, class). Points lie well away from the outline.
POINTS = [
    ("cat_with_yarn", 600, 400, 0),  # ball of yarn
    ("cat_with_yarn", 500, 330, 0),  # its left side, between the paws
    ("cat_with_yarn", 700, 370, 0),  # its right side, before the belly
    ("cat_with_yarn", 575, 560, 0),  # loose thread
    ("cat_with_yarn", 600, 240, 1),  # paw on the ball
    ("cat_with_yarn", 470, 420, 1),  # paw under the ball
    ("cat_with_yarn", 800, 510, 1),  # black tail
    ("cat_with_yarn", 320, 140, 1),  # ear
    ("cat_with_yarn", 500, 60, 0),  # carpet
    ("german_shepherd", 696, 630, 0),  # meadow between the front legs: the hole
    ("german_shepherd", 255, 572, 0),  # between tail and hind leg
    ("german_shepherd", 345, 698, 0),  # between the hind paws
    ("german_shepherd", 821, 410, 0),  # tag hanging from the collar
    ("german_shepherd", 805, 355, 2),  # collar on the neck
    ("german_shepherd", 838, 280, 2),  # tongue
    ("german_shepherd", 70, 550, 2),  # tail
    ("german_shepherd", 715, 680, 2),  # far front paw
    ("german_shepherd", 345, 677, 2),  # far hind paw
    ("kitten", 1000, 460, 0),  # plank behind
    ("kitten", 820, 465, 0),  # the same, beside the cheek
    ("kitten", 665, 620, 0),  # plank in front, between the paws
    ("kitten", 480, 600, 0),  # plank in front, left
    ("kitten", 815, 548, 0),  # shadow between the planks
    ("kitten", 600, 600, 1),  # left paw
    ("kitten", 740, 600, 1),  # right paw
    ("kitten", 665, 545, 1),  # dark chest between the paws
    ("kitten", 820, 190, 1),  # ear
    ("chelsea", 255, 240, 1),  # nose
    ("chelsea", 5, 230, 1),  # shoulder
    ("chelsea", 10, 60, 0),  # wall
    ("chelsea", 420, 150, 0),  # shelf
    ("chelsea", 340, 285, 0),  # beside the chin
]


def test_names_in_fixed_order():
    assert list_samples() == NAMES
    assert [sample.name for sample in load_samples()] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_mask_fits_photo(name):
    sample = load_sample(name)
    assert sample.image.dtype == sample.mask.dtype == np.uint8
    assert sample.image.shape == (*sample.mask.shape, 3)
    assert list(sample.mask.shape[::-1]) == PHOTOS[name]["size"]
    assert set(np.unique(sample.mask)) == {0, CLASSES.index(sample.species), IGNORE}
    assert sample.title and sample.credit


@pytest.mark.parametrize(
    ("name", "species", "low", "high"),
    [
        ("cat_with_yarn", "cat", 0.15, 0.22),
        ("german_shepherd", "dog", 0.24, 0.32),
        ("kitten", "cat", 0.13, 0.19),
        ("chelsea", "cat", 0.68, 0.78),
    ],
)
def test_species_and_area(name, species, low, high):
    sample = load_sample(name)
    assert sample.species == species
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


@pytest.mark.parametrize(("name", "x", "y", "expected"), POINTS)
def test_points_seen_by_eye(name, x, y, expected):
    patch = load_sample(name).mask[y - 2 : y + 3, x - 2 : x + 3]
    assert (patch == expected).all()


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
