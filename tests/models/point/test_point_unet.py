"""The point-prompted UNet: what a click may change, what is done once, what training sees."""

from pathlib import Path

import pytest
import torch

from common.config import mask_iou
from common.models.point.click_sampling import robot_clicks
from common.models.point.decoder import shrink_prompt
from common.models.point.point_unet import PointUNet, from_grid, small, to_grid

WIDTHS = (8, 8, 8, 8)
SIZE = 64


def network(**kwargs) -> PointUNet:
    torch.manual_seed(0)
    return PointUNet(**{"encoder": "residual", "widths": WIDTHS, **kwargs})


@pytest.fixture(scope="module")
def photo() -> torch.Tensor:
    return torch.rand(1, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(1))


def one_click(x: float, y: float, label: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor([[[x, y]]]), torch.tensor([[label]])


@torch.inference_mode()
def test_the_photo_passes_the_encoder_once(photo, monkeypatch):
    model, seen = network().eval(), []
    features = model.encode_image(photo)
    monkeypatch.setattr(model.encoder, "forward", lambda image: seen.append(image))
    for x in (10.0, 20.0):
        model.decode_clicks(features, *one_click(x, 30.0))
    assert not seen


@torch.inference_mode()
@pytest.mark.parametrize("prompt", ["decoder", "input"])
def test_a_click_changes_the_mask_and_padding_does_not(photo, prompt: str):
    model = network(prompt=prompt).eval()
    features = model.encode_image(photo)
    none = model.decode_clicks(features)["mask"]
    padded = model.decode_clicks(features, *one_click(10, 20, -1))["mask"]
    torch.testing.assert_close(none, padded)
    pet, ground = (
        model.decode_clicks(features, *one_click(10, 20, kind))["mask"] for kind in (1, 0)
    )
    assert not torch.allclose(none, pet) and not torch.allclose(pet, ground)


@torch.inference_mode()
def test_forward_takes_clicks_and_the_mask_goes_to_the_species():
    """Class scores of an odd photo are the mask's and the species' probabilities, cut to size."""
    model, photo = network().eval(), torch.rand(2, 3, 50, 61)
    points, labels = torch.tensor([[[10.0, 20.0]]]).expand(2, 1, 2), torch.ones(2, 1).long()
    out = model.decode_clicks(model.encode_image(photo), points, labels)
    mask = torch.nn.functional.interpolate(out["mask"], scale_factor=2.0, mode="bilinear")
    pet = mask.sigmoid()[:, 0, :50, :61]
    shares = model(photo, points, labels).softmax(1)
    torch.testing.assert_close(shares[:, 0], 1 - pet)
    species = out["species"].softmax(1)[..., None, None]
    torch.testing.assert_close(shares[:, 1:], pet[:, None] * species)
    assert not torch.allclose(model(photo), model(photo, points, labels))


@torch.inference_mode()
def test_the_mask_before_is_seen_unless_told_otherwise(photo):
    for previous in (True, False):
        model = network(previous=previous).eval()
        features, click = model.encode_image(photo), one_click(10, 20)
        first = model.decode_clicks(features, *click)["mask"]
        second = model.decode_clicks(features, *click, first + 3)["mask"]
        assert torch.allclose(first, second) is not previous


@torch.inference_mode()
def test_scores_without_a_click_are_log_probabilities(photo):
    model = network().eval()
    scores = model(photo)
    out = model.decode_clicks(model.encode_image(photo))
    torch.testing.assert_close(scores.exp().sum(1), torch.ones(1, SIZE, SIZE))
    pet = scores[:, 1:].exp().sum(1)
    species = out["species"].softmax(1)[0]
    torch.testing.assert_close(scores[0, 1].exp(), pet[0] * species[0])
    assert ((out["quality"] >= 0) & (out["quality"] <= 1)).all()


def test_the_grid_holds_the_centres_of_its_pixels():
    points = torch.tensor([[0.5, 0.5], [2.5, 4.5]])  # between the photo's pixels 0 and 1, …
    assert to_grid(points).tolist() == [[0, 0], [1, 2]]
    assert torch.equal(from_grid(to_grid(points)), points)


def test_a_click_outlives_the_coarsest_level():
    prompt = torch.zeros(1, 3, 32, 32)
    prompt[0, 0, 13, 29] = 1
    assert shrink_prompt(prompt, 16)[0, 0, 0, 1] == 1


def test_truth_keeps_its_values_on_the_smaller_grid():
    truth = torch.tensor([[[0, 9, 1], [9, 9, 9], [255, 9, 0]]], dtype=torch.uint8)
    assert small(truth).tolist() == [[[0, 1], [255, 0]]]


def test_training_clicks_come_in_rounds_and_blank_photos_get_none():
    torch.manual_seed(0)
    truth = torch.zeros(40, SIZE // 2, SIZE // 2, dtype=torch.uint8)
    truth[:, 8:24, 8:24] = 1
    model = network().train()
    features = model.encode_image(torch.rand(40, 3, SIZE, SIZE))
    counts = set()
    for _ in range(8):
        points, labels, previous = robot_clicks(model.answerer(features), truth, 2, 0.5)
        counts.add(points.shape[1])
        assert (previous is None) == (points.shape[1] == 1)
        blank = (labels[:, 0] == -1).float().mean()
        assert 0.2 < blank < 0.8
        assert (labels[labels[:, 0] == -1] == -1).all()
        assert (points[labels[:, 0] == 1, 0] * 2 / SIZE).sub(0.25).abs().le(0.75).all()
    assert counts == {1, 2, 3}


def test_training_learns_to_follow_a_click(tmp_path: Path):
    """Two equal squares: only the click says which is meant."""
    torch.manual_seed(0)
    model = network(rounds=0, blank=0.0, widths=(16, 16, 16, 16)).train()
    image = torch.zeros(16, 3, SIZE, SIZE)
    image[:, :, 8:24, 8:24] = image[:, :, 40:56, 40:56] = 1
    mask = torch.zeros(16, SIZE, SIZE, dtype=torch.uint8)
    mask[:8, 8:24, 8:24] = mask[8:, 40:56, 40:56] = 1
    batch = {"image": image, "mask": mask, "species": torch.zeros(16, dtype=torch.long)}
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(150):
        model.loss(batch).backward()
        optimizer.step()
        optimizer.zero_grad()
    model.eval()
    with torch.inference_mode():
        features = model.encode_image(image[:1])
        for x, wanted in ((16.0, mask[:1]), (48.0, mask[8:9])):
            found = model.decode_clicks(features, *one_click(x, x))["mask"][:, 0] > 0
            assert mask_iou(found, small(wanted)).item() > 0.8
