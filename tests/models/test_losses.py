"""Losses: worked by hand, and blind to border pixels."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.config import IGNORE
from common.models import losses
from common.models.losses import image_cross_entropy, segmentation_loss, soft_dice_loss


def scores(*pixels: tuple[float, float, float]) -> torch.Tensor:
    """Logits (1, 3, 1, W) whose softmax is the given probabilities."""
    return torch.tensor(pixels).log().T.reshape(1, 3, 1, -1)


def random_batch(seed: int, border: float = 0.3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    logits = torch.randn(2, 3, 5, 7, generator=generator)
    target = torch.randint(0, 3, (2, 5, 7), generator=generator)
    return logits, target.masked_fill(torch.rand(2, 5, 7, generator=generator) < border, IGNORE)


def test_cross_entropy_worked_by_hand():
    logits = scores((0.5, 0.25, 0.25), (0.1, 0.8, 0.1), (0.2, 0.2, 0.6))
    target = torch.tensor([[[0, 1, IGNORE]]])
    expected = -(math.log(0.5) + math.log(0.8)) / 2
    assert segmentation_loss(logits, target, dice_weight=0).item() == pytest.approx(expected)


def test_soft_dice_worked_by_hand():
    logits = scores((0.5, 0.25, 0.25), (0.1, 0.8, 0.1), (0.2, 0.2, 0.6))
    target = torch.tensor([[[0, 1, IGNORE]]])
    dice = [
        (2 * 0.5 + 1) / (0.6 + 1 + 1),  # background: overlap .5, predicted .5 + .1, true 1
        (2 * 0.8 + 1) / (1.05 + 1 + 1),  # cat: overlap .8, predicted .25 + .8, true 1
        (2 * 0 + 1) / (0.35 + 0 + 1),  # dog: not there, predicted .25 + .1
    ]
    assert soft_dice_loss(logits, target).item() == pytest.approx(1 - sum(dice) / 3)


def test_the_loss_is_the_sum_of_its_parts():
    logits, target = random_batch(0)
    parts = segmentation_loss(logits, target, dice_weight=0) + 0.5 * soft_dice_loss(logits, target)
    torch.testing.assert_close(segmentation_loss(logits, target, dice_weight=0.5), parts)


def test_dice_is_a_mean_over_photos_and_cross_entropy_over_pixels():
    """A photo of few pixels weighs as much in Dice as one of many; its pixels do not."""
    logits, target = random_batch(1, border=0)
    target[0, 1:] = IGNORE  # 7 pixels of photo 0 against 35 of photo 1
    each = [soft_dice_loss(logits[i : i + 1], target[i : i + 1]) for i in (0, 1)]
    torch.testing.assert_close(soft_dice_loss(logits, target), sum(each) / 2)
    each = [segmentation_loss(logits[[i]], target[[i]], dice_weight=0) for i in (0, 1)]
    whole = segmentation_loss(logits, target, dice_weight=0)
    torch.testing.assert_close(whole, (7 * each[0] + 35 * each[1]) / 42)


def test_processes_average_to_all_pixels_of_the_global_batch(monkeypatch):
    """Photo 0 (7 pixels) in one process, photo 1 (35) in another, as if both were in one."""
    logits, target = random_batch(1, border=0)
    target[0, 1:] = IGNORE
    whole, others = segmentation_loss(logits, target), {0: 35.0, 1: 7.0}
    for name, told in (("is_initialized", True), ("get_world_size", 2)):
        monkeypatch.setattr(losses.dist, name, lambda told=told: told)
    each = []
    for photo, other in others.items():
        monkeypatch.setattr(losses.dist, "all_reduce", lambda x, other=other: x.add_(other))
        each.append(segmentation_loss(logits[[photo]], target[[photo]]))
    torch.testing.assert_close(sum(each) / 2, whole)
    with torch.no_grad():  # a score is each process's own
        assert losses.weight_among_processes(torch.tensor(7)) == 1


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(0, 1))
def test_border_pixels_have_no_gradient_and_no_effect(seed: int, border: float):
    logits, target = random_batch(seed, border)
    logits.requires_grad_()
    loss = segmentation_loss(logits, target)
    loss.backward()
    ignored = (target == IGNORE).unsqueeze(1).expand_as(logits)
    assert not logits.grad[ignored].any()
    other = torch.where(ignored, -3 * logits.detach() + 7, logits.detach())
    torch.testing.assert_close(segmentation_loss(other, target), loss.detach())


def test_a_batch_of_nothing_but_border_costs_nothing():
    logits = torch.randn(2, 3, 4, 4, requires_grad=True)
    loss = segmentation_loss(logits, torch.full((2, 4, 4), IGNORE))
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_masks_may_be_bytes_and_scores_half_precision():
    logits, target = random_batch(3)
    expected = segmentation_loss(logits.bfloat16().float(), target)
    found = segmentation_loss(logits.bfloat16(), target.to(torch.uint8))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, expected)


def test_image_cross_entropy_worked_by_hand():
    logits = torch.tensor([[0.25, 0.75], [0.5, 0.5]]).log()
    expected = -(math.log(0.75) + math.log(0.5)) / 2
    label = torch.tensor([1, 0], dtype=torch.uint8)
    assert image_cross_entropy(logits, label).item() == pytest.approx(expected)
