"""Validation by clicks: the rules of `evaluate_clicks`, on square photos and in batches."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from common.checkpoint import Card
from common.clicks.predictor import PromptedPredictor
from common.clicks.prompts import Click, Clicker, pet_truth
from common.data.dataset import PetCache, PetDataset, to_float
from common.models.point.click_maps import click_maps
from common.models.point.point_unet import PointUNet
from common.scoring.clicking import click_through
from common.training.click_validation import (
    CLICKS,
    click_batch,
    native,
    padded,
    quick_click_scores,
)

ALONE = SimpleNamespace(
    process_index=0, num_processes=1, device=torch.device("cpu"), reduce=lambda value: value
)


class Discs(nn.Module):
    """Paints a disc at each click, over a part of the mask before, and none without a click."""

    def __init__(self) -> None:
        super().__init__()
        self.bias = nn.Parameter(torch.tensor(-2.0))

    def encode_image(self, image: Tensor) -> Tensor:
        return image

    def decode_clicks(self, features, points=None, labels=None, previous=None) -> dict:
        grid = [edge // 2 for edge in features.shape[-2:]]
        if points is None:
            points, labels = torch.zeros(len(features), 0, 2), torch.zeros(len(features), 0)
        maps = click_maps((points - 0.5) / 2, labels, grid, 4.0, "disk")
        mask = self.bias + 4 * maps[:, :1] - 8 * maps[:, 1:]
        mask = mask if previous is None else mask + 0.25 * previous
        count = len(features)
        return {"mask": mask, "quality": torch.ones(count), "species": torch.zeros(count, 2)}


class Knows(nn.Module):
    """Looks a photo's answer up by its pixels: logits of ``sure`` on the pet, less off it."""

    def __init__(self, cache: PetCache, split: str, sure: float = 1.0) -> None:
        super().__init__()
        data = PetDataset(cache, cache.rows(split))
        items = [data[i] for i in range(len(data))]
        self.masks = {item["image"].numpy().tobytes(): item["mask"] for item in items}
        self.sure = sure

    def encode_image(self, image: Tensor) -> Tensor:
        pixels = (image * 255).round().to(torch.uint8).numpy()
        masks = torch.stack([self.masks[one.tobytes()] for one in pixels])
        pet = (masks == 1) | (masks == 2)
        return torch.where(pet, self.sure, -1.0)[:, None]

    def decode_clicks(self, features, points=None, labels=None, previous=None) -> dict:
        return {"mask": features}


def slowly(model: nn.Module, cache: PetCache, split: str) -> np.ndarray:
    """Mean IoU after 0, 1, … clicks by the predictor and the loop that score a checkpoint."""
    looking = PromptedPredictor(model, Card("any", size=cache.info["size"]), math.inf, False)
    data, curves = PetDataset(cache, cache.rows(split)), []
    for i in range(len(data)):
        image = data[i]["image"].permute(1, 2, 0).contiguous().numpy()
        truth = pet_truth(data[i]["mask"].numpy())
        rows = click_through(looking, image, truth, clicks=max(CLICKS))
        assert all(row["inter"] < row["union"] for row in rows), "right too soon to compare"
        curves.append([row["inter"] / row["union"] for row in rows])
    return np.mean(curves, 0)


@pytest.mark.parametrize("kind", ["discs", "network"])
def test_it_agrees_with_the_slow_loop(cache: PetCache, kind: str):
    torch.manual_seed(0)
    model = Discs() if kind == "discs" else PointUNet(encoder="residual", widths=(8, 8, 8, 8))
    found = quick_click_scores(model.eval(), cache, "train", ALONE, batch=5)
    expected = slowly(model.eval(), cache, "train")
    tolerance = 1e-9 if kind == "discs" else 2e-3  # a batch may sum in another order
    for click in (0, *CLICKS):
        assert found[f"val_iou_at_{click}"] == pytest.approx(expected[click], abs=tolerance)
    assert found["val_iou_clicks"] == pytest.approx(expected[list(CLICKS)].mean(), abs=tolerance)
    assert next(iter(found)) == "val_iou_clicks"  # which chooses the epoch
    assert len(set(expected)) > 2, "clicks that change nothing compare nothing"


def test_two_shares_are_the_whole(cache: PetCache):
    whole = quick_click_scores(Discs(), cache, "train", ALONE)
    sums = []
    for index in (0, 1):
        share = SimpleNamespace(process_index=index, num_processes=2, device="cpu")
        share.reduce = lambda value: sums.append(value) or value
        quick_click_scores(Discs(), cache, "train", share)
    *total, photos = sums[0] + sums[1]
    assert photos == len(cache.rows("train")) and sums[0][-1] < photos
    for click in (0, *CLICKS):
        assert whole[f"val_iou_at_{click}"] == pytest.approx(float(total[click] / photos))


@pytest.mark.parametrize(("sure", "iou"), [(1.0, 1.0), (-2.0, 0.0)])
def test_who_knows_all_gets_one_and_who_finds_nothing_zero(cache: PetCache, sure, iou):
    found = quick_click_scores(Knows(cache, "val", sure), cache, "val", ALONE)
    assert set(found.values()) == {iou}
    assert list(found) == ["val_iou_clicks", *(f"val_iou_at_{k}" for k in (0, *CLICKS))]


def test_the_first_click_meets_an_empty_mask_and_no_mask_before():
    """However good the answer without a click is: both loops open at the pet's centre."""
    asked = []

    class Sees(Discs):
        def decode_clicks(self, features, points=None, labels=None, previous=None):
            asked.append((points, labels, previous))
            return {"mask": features[:, :1, ::2, ::2]}

    truth = np.zeros((16, 16), np.uint8)
    truth[4:11, 6:13] = 1
    image = torch.from_numpy(truth).float()[None, None].expand(1, 3, 16, 16)
    click_batch(Sees(), image, [truth])
    assert asked[0][0].shape == (1, 0, 2) and asked[0][2] is None
    points, labels, previous = asked[1]
    assert points.tolist() == [[[9, 7]]] and labels.tolist() == [[1]] and previous is None
    assert asked[2][2] is not None


def test_users_with_fewer_clicks_are_padded():
    users = [Clicker(), Clicker(), Clicker()]
    users[0].add(Click(3, 4))
    users[0].add(Click(5, 6, positive=False))
    users[1].add(Click(7, 8))
    points, labels = padded(users, torch.device("cpu"))
    assert points.tolist() == [[[3, 4], [5, 6]], [[7, 8], [0, 0]], [[0, 0], [0, 0]]]
    assert labels.tolist() == [[1, 0], [1, -1], [-1, -1]]
    points, labels = padded([Clicker()], torch.device("cpu"))
    assert points.shape == (1, 0, 2) and labels.shape == (1, 0)


def test_masks_have_the_photos_size():
    logits = torch.tensor([[[[1.0, -1.0], [1.0, -1.0]]]])
    full = native(logits, torch.zeros(1, 3, 8, 8))
    assert full.shape == (1, 8, 8) and full.dtype == bool
    assert full[0, :, :4].all() and not full[0, :, 4:].any()


def test_pixels_are_the_datasets(cache: PetCache):
    """What the network is shown is what training shows it, on the scale of [0, 1]."""
    shown = []

    class Watches(Discs):
        def encode_image(self, image: Tensor) -> Tensor:
            shown.append(image)
            return image

    quick_click_scores(Watches(), cache, "val", ALONE, batch=1)
    data = PetDataset(cache, cache.rows("val"))
    assert len(shown) == len(data)
    for i, image in enumerate(shown):
        assert torch.equal(image[0], to_float(data[i]["image"]))
