"""Augmentation: photo and mask move as one, masks stay classes, damage never touches the mask."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision import tv_tensors
from torchvision.transforms import v2

from common.config import IGNORE, UserError
from common.data.augment import RECIPES, SaltAndPepper, augmentation, photometry

seeds = st.integers(0, 2**31)
COLOURS = torch.zeros(256, 3, dtype=torch.uint8)
COLOURS[0], COLOURS[1], COLOURS[2] = torch.tensor([[0, 40, 90], [250, 20, 60], [30, 220, 10]])
COLOURS[IGNORE] = 128  # what uncovered corners of a photo are filled with


def blobs(seed: int, size: int = 64) -> tv_tensors.Mask:
    """Two ellipses of class 1 and 2 with a border around the first."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:size, :size]
    mask = np.zeros((size, size), np.uint8)
    for value in (2, 1):
        cy, cx, ry, rx = (size * random.uniform(low, 1 - low) for low in (0.3, 0.3, 0.15, 0.15))
        distance = ((y - cy) / ry) ** 2 + ((x - cx) / rx) ** 2
        mask[distance < 0.6] = IGNORE
        mask[distance < 0.4] = value
    return tv_tensors.Mask(torch.from_numpy(mask))


def paint(mask: torch.Tensor) -> tv_tensors.Image:
    """The photo (3, S, S) in which each class has its colour."""
    return tv_tensors.Image(COLOURS[mask.long()].permute(2, 0, 1))


def interior(mask: torch.Tensor) -> torch.Tensor:
    """Pixels whose 5×5 neighbourhood is of one class: interpolation reaches none."""
    padded = F.pad(mask[None, None].float(), (2, 2, 2, 2), value=-1)  # nor the frame
    highest, lowest = F.max_pool2d(padded, 5, 1), -F.max_pool2d(-padded, 5, 1)
    return (highest == lowest)[0, 0]


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_photo_and_mask_move_together(seed: int):
    mask = blobs(seed)
    torch.manual_seed(seed)
    image, moved = augmentation("geometry")(paint(mask), mask)
    inside = interior(moved) & (moved != IGNORE)  # which holds the seam to what is uncovered
    wrong = (image.int() - paint(moved).int()).abs().amax(0)[inside] > 3
    assert inside.any()
    assert wrong.float().mean() < 0.002  # nearest and bilinear may part ways by half a pixel


def test_geometry_does_move():
    mask = blobs(0)
    torch.manual_seed(0)
    moved = [augmentation("geometry")(paint(mask), mask)[1] for _ in range(20)]
    assert sum(not torch.equal(mask, other) for other in moved) >= 15


@settings(max_examples=25, deadline=None)
@given(seed=seeds, recipe=st.sampled_from(RECIPES))
def test_masks_stay_classes(seed: int, recipe: str):
    classes = torch.tensor([0, 1, 2, IGNORE], dtype=torch.uint8)
    torch.manual_seed(seed)
    mask = tv_tensors.Mask(classes[torch.randint(0, 4, (32, 32))])  # the hardest mask to resample
    photo = tv_tensors.Image(torch.randint(0, 256, (3, 32, 32), dtype=torch.uint8))
    image, out = augmentation(recipe)(photo, mask)
    assert torch.isin(out, classes).all()
    assert out.dtype == image.dtype == torch.uint8
    assert out.shape == (32, 32) and image.shape == (3, 32, 32)


@settings(max_examples=25, deadline=None)
@given(seed=seeds)
def test_damage_leaves_the_mask_alone(seed: int):
    mask = blobs(seed)
    torch.manual_seed(seed)
    image, out = v2.Compose(photometry())(paint(mask), mask)
    assert torch.equal(mask, out)
    assert image.dtype == torch.uint8


def test_same_seed_same_pair():
    mask = blobs(1)
    pairs = []
    for seed in (3, 3, 4):
        torch.manual_seed(seed)
        pairs.append(augmentation("full")(paint(mask), mask))
    assert all(torch.equal(a, b) for a, b in zip(pairs[0], pairs[1], strict=True))
    assert not torch.equal(pairs[0][0], pairs[2][0])


def test_salt_and_pepper_share():
    torch.manual_seed(0)
    photo = tv_tensors.Image(torch.full((3, 200, 200), 77, dtype=torch.uint8))
    noisy = SaltAndPepper().transform(photo, {"share": 0.2})
    changed = (noisy != 77).all(0)
    assert changed.float().mean() == pytest.approx(0.2, abs=0.01)
    white, black = ((noisy == value).all(0).float().mean() for value in (255, 0))
    assert (white, black) == (pytest.approx(0.1, abs=0.01), pytest.approx(0.1, abs=0.01))
    assert torch.equal(changed, (noisy != 77).any(0))  # a pixel is lost in all three channels


def test_none_changes_nothing_and_unknown_is_an_error():
    mask = blobs(0)
    image, out = augmentation("none")(paint(mask), mask)
    assert torch.equal(image, paint(mask)) and torch.equal(out, mask)
    with pytest.raises(UserError, match="recipe 'wild' is unknown; choose one of none, colour"):
        augmentation("wild")
