"""Linear probes find what is planted, and nothing else; names are ranked; tokens are counted."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.data.cache import PetCache
from common.models.pretraining.captions import BREEDS, HELD_OUT
from common.studies.probes import Discriminant, main_colours, probe, probe_scores
from common.studies.zero_shot import zero_shot, zero_shot_scores


def planted(count: int = 4000, rare: float = 0.1, seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Features of eight channels whose classes differ along one direction."""
    draw = torch.Generator().manual_seed(seed)
    direction = F.normalize(torch.randn(8, generator=draw), dim=0)
    truth = torch.rand(count, generator=draw) < rare
    x = torch.randn(count, 8, generator=draw) + 3 * direction * truth[:, None] + 5
    return x, truth, direction


def fitted(x: Tensor, truth: Tensor, strength: float = 0.0) -> Tensor:
    fit = Discriminant(8, strength)
    for rows in (slice(0, 1000), slice(1000, None)):  # in batches
        fit.add(x[rows], truth[rows])
    return fit.solve()


def test_a_planted_direction_is_recovered():
    x, truth, direction = planted()
    weights = fitted(x, truth).float()
    assert F.cosine_similarity(weights[:-1], direction, dim=0) > 0.99
    guess = (x @ weights[:-1] + weights[-1]) > 0
    rates = [(guess == truth)[truth == value].float().mean() for value in (False, True)]
    assert min(rates) > 0.9, "the rare class counts as much as the other"


def test_it_is_weighted_least_squares():
    x, truth, _ = planted()
    weight = torch.where(truth, 0.5 / truth.sum(), 0.5 / (~truth).sum()).double().sqrt()
    design = torch.cat([x, torch.ones(len(x), 1)], 1).double() * weight[:, None]
    answer = (2.0 * truth - 1).double() * weight
    expected = torch.linalg.lstsq(design, answer[:, None]).solution[:, 0]
    torch.testing.assert_close(fitted(x, truth), expected, rtol=1e-4, atol=1e-4)


def test_the_penalty_makes_weights_smaller():
    x, truth, _ = planted(200)
    sizes = [fitted(x, truth, strength)[:-1].norm() for strength in (0.0, 0.1, 10.0)]
    assert sizes[0] > sizes[1] > sizes[2]


class Colours:
    """An encoder whose features are the photo's own colours, or noise."""

    channels, strides = (3, 3), (4, 8)

    def __init__(self, noise: bool = False) -> None:
        self.noise = noise

    def __call__(self, image: Tensor) -> list[Tensor]:
        image = torch.randn_like(image) if self.noise else image
        return [F.avg_pool2d(image, stride) for stride in self.strides]


def test_colours_tell_the_generated_pets_apart(cache: PetCache):
    """Cats are warm and dogs cold there, on grey noise."""
    table = probe(Colours(), cache)
    assert set(table) == {"tap", "task", "image", "truth", "right", "total"}
    val = cache.rows("val")
    assert table["image"].nunique() == len(val)
    foreground = table.query("task == 'foreground' and tap == 0")
    assert foreground["total"].sum() <= 64 * len(val)
    scores = probe_scores(table).set_index(["tap", "task"])
    assert scores.loc[(0, "foreground"), "value"] > 0.75
    assert (scores["n"] == len(val)).all()
    torch.manual_seed(0)
    noise = probe_scores(probe(Colours(noise=True), cache)).set_index(["tap", "task"])
    assert 0.3 < noise.loc[(0, "foreground"), "value"] < 0.7


def test_border_and_mixed_places_follow_the_mask(cache: PetCache):
    """At stride 1, the examples of a photo are its pixels without the border."""
    encoder = Colours()
    encoder.channels, encoder.strides = (3,), (1,)
    table = probe(encoder, cache).query("task == 'foreground'")
    for row in cache.rows("val"):
        name, mask = cache.manifest["name"][row], cache.masks[row]
        counts = table[table["image"] == name].set_index("truth")["total"]
        assert counts[0] == (mask == 0).sum()
        assert counts[1] == np.isin(mask, (1, 2)).sum()


def test_balanced_accuracy_by_hand():
    table = pd.DataFrame(
        {
            "tap": 0,
            "task": "species",
            "image": ["a", "b", "c", "d"] * 2,
            "truth": [0] * 4 + [1] * 4,
            "right": [1, 0, 0, 0, 0, 0, 1, 1],
            "total": [1, 1, 0, 0, 0, 0, 1, 1],
        }
    )
    (row,) = probe_scores(table).to_dict("records")
    assert row["value"] == (1 / 2 + 2 / 2) / 2
    assert row["low"] <= row["value"] <= row["high"]
    assert row["n"] == 4


# Main directions


def test_one_colour_means_one_thing_in_all_photos():
    draw = np.random.default_rng(0)
    kinds = draw.normal(size=(3, 6))  # three kinds of place
    labels = [draw.integers(0, 3, shape) for shape in ((4, 5), (6, 3))]
    maps = [np.moveaxis(kinds[label], -1, 0) for label in labels]
    pictures = main_colours(maps)
    assert [picture.shape for picture in pictures] == [(4, 5, 3), (6, 3, 3)]
    table = {}
    for label, picture in zip(labels, pictures, strict=True):
        for kind, colour in zip(label.flat, picture.reshape(-1, 3).tolist(), strict=True):
            assert table.setdefault(kind, colour) == colour
    assert len({tuple(colour) for colour in table.values()}) == 3
    for one, two in zip(pictures, main_colours(maps), strict=True):
        assert (one == two).all()


# Names


class Oracle(nn.Module):
    """Finds each photo's own breed, or the one after it, nearest."""

    size = 32

    def __init__(self, breeds: list[int], species: list[int], off: int) -> None:
        super().__init__()
        near = F.one_hot((torch.tensor(breeds) + off) % 37, 37).float()
        own = 0.5 * F.one_hot(torch.tensor(breeds), 37)
        self.answers = iter(zip(near + own, F.one_hot(torch.tensor(species), 2), strict=True))

    def similarity(self, image: Tensor) -> tuple[Tensor, Tensor]:
        rows = [next(self.answers) for _ in image]
        return torch.stack([a for a, _ in rows]), torch.stack([b for _, b in rows]).float()


@pytest.mark.parametrize("off", [0, 1])
def test_ranks_by_hand(off: int, cache: PetCache):
    photos = cache.manifest[cache.manifest["split"] == "val"]
    breeds, species = photos["breed_id"] - 1, photos["species"] - 1
    table, similarity = zero_shot(Oracle(list(breeds), list(species), off), cache)
    assert table["image"].tolist() == photos["name"].tolist()
    assert (table["rank"] == 1 + off).all() and table["species_right"].all()
    assert table["guess"].tolist() == [BREEDS[(breed + off) % 37] for breed in breeds]
    assert similarity.shape == (photos["breed"].nunique(), 37)
    assert (similarity.loc["Pug"].idxmax() == "Pug") is (off == 0)
    scores = zero_shot_scores(table).set_index("label")
    assert scores.loc["breed within 1", "value"] == 1 - off
    assert scores.loc["breed within 5", "value"] == 1
    assert scores.loc["breed within 5", "guess"] == 5 / 37
    dogs = (table["species"] == 2).mean()
    assert scores.loc["species", "guess"] == max(dogs, 1 - dogs), "always the commoner"
    told = zero_shot_scores(table.assign(species_right=table["species"] == 2))
    assert told.loc[0, ["value", "balanced"]].tolist() == [dogs, 0.5]


def test_all_photos_of_a_breed_never_seen_may_be_asked(cache: PetCache):
    """Its training photos too, since no training had them."""
    manifest = cache.manifest.assign(breed=cache.manifest["breed"].replace("Pug", HELD_OUT[1]))
    other = SimpleNamespace(manifest=manifest, images=cache.images)
    asked = manifest[
        (manifest["split"] == "val")
        | ((manifest["split"] == "train") & (manifest["breed"] == HELD_OUT[1]))
    ]
    oracle = Oracle(list(asked["breed_id"] - 1), list(asked["species"] - 1), 0)
    table, _ = zero_shot(oracle, other)
    assert table["image"].tolist() == asked["name"].tolist()
    assert table["held_out"].sum() == (asked["breed"] == HELD_OUT[1]).sum() > 1
    groups = zero_shot_scores(table).groupby("group")["n"].first()
    assert groups["held-out breeds"] + groups["seen breeds, validation"] == len(asked)
