"""Cat or dog by the classes under a mask; where the border between them lies."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from common.data.geometry import to_input
from common.models.encoders.encoder import FrozenEncoder
from common.models.encoders.recipes import CATS, DOGS
from common.models.point.species import (
    BORDER,
    CLASSIFIER,
    SCALE,
    SURROUNDINGS,
    cat_or_dog,
    evidence,
)
from common.samples import load_samples
from common.training.species import fit_border


def two_places() -> torch.Tensor:
    """(1, K, 1, 2): at the left place every dog has the logit 3, at the right every cat has 5."""
    classes = torch.zeros(1, len(DOGS) + len(CATS), 1, 2)
    classes[:, : len(DOGS), :, 0], classes[:, len(DOGS) :, :, 1] = 3, 5
    return classes


def test_evidence_weighs_places_by_the_mask():
    left = torch.full((1, 1, 2, 4), -50.0)
    left[..., :2] = 50
    at_left, at_right = 1 + SURROUNDINGS, SURROUNDINGS
    dogs, cats = 3 * at_left, 5 * at_right
    by_hand = (cats - dogs) / (at_left + at_right) + math.log(len(CATS) / len(DOGS))
    assert float(evidence(two_places(), left)) == pytest.approx(by_hand, abs=1e-5)
    odds = cat_or_dog(two_places(), left)
    assert float(odds[0, 0] - odds[0, 1]) == pytest.approx(SCALE * (by_hand - BORDER), abs=1e-4)
    assert evidence(two_places(), left.flip(-1)) > evidence(two_places(), left)


@torch.inference_mode()
def test_of_two_animals_side_by_side_the_mask_says_which():
    samples = {sample.name: sample for sample in load_samples()}
    cat, dog = (
        Image.fromarray(samples[name].image).resize((128, 256))
        for name in ("kitten", "german_shepherd")
    )
    both = np.concatenate([np.asarray(cat), np.asarray(dog)], 1)
    classes = FrozenEncoder(CLASSIFIER)(to_input(both, 256)[None])[0]
    left = torch.full((1, 1, 128, 128), -9.0)
    left[..., :64] = 9
    assert cat_or_dog(classes, left).softmax(1)[0, 0] > 0.9
    assert cat_or_dog(classes, left.flip(-1)).softmax(1)[0, 1] > 0.9


def test_the_border_lies_where_both_species_weigh_the_same():
    """Two normal clouds of spread 1 round 2 and −1: scale 3, border ½, however many dogs."""
    rng = torch.Generator().manual_seed(0)
    cats, dogs = (torch.randn(n, generator=rng) for n in (4000, 16000))
    odds = torch.cat([cats + 2, dogs - 1])
    is_cat = torch.arange(len(odds)) < len(cats)
    scale, border = fit_border(odds, is_cat)
    assert scale == pytest.approx(3, abs=0.15) and border == pytest.approx(0.5, abs=0.05)
