"""The pairing against SciPy's, the set loss against torchvision's focal loss and by hand."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linear_sum_assignment
from torch import Tensor
from torchvision.ops import sigmoid_focal_loss

from common.config import IGNORE
from common.models.query.matching import (
    DICE_WEIGHT,
    MASK_WEIGHT,
    NO_OBJECT,
    cheapest_pairing,
    mask_costs,
    regions,
    set_loss,
)

K = 3


def random_answer(seed: int, queries: int = 5, grid: int = 4) -> tuple[Tensor, Tensor, Tensor]:
    """Class logits, mask logits and a target with some border, of two photos."""
    draw = torch.Generator().manual_seed(seed)
    target = torch.randint(0, K, (2, grid, grid), generator=draw)
    border = torch.rand(2, grid, grid, generator=draw) < 0.2
    return (
        torch.randn(2, queries, K + 1, generator=draw),
        3 * torch.randn(2, queries, grid, grid, generator=draw),
        target.masked_fill(border, IGNORE),
    )


# The pairing


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.integers(1, 3), st.integers(0, 20), st.booleans())
def test_the_pairing_is_the_cheapest(seed: int, classes: int, spare: int, ties: bool):
    draw = np.random.default_rng(seed)
    cost = draw.normal(size=(4, classes + spare, classes))
    if ties:
        cost = cost.round()
    for found, matrix in zip(cheapest_pairing(torch.from_numpy(cost)), cost, strict=True):
        token, column = linear_sum_assignment(matrix)
        assert len(set(found.tolist())) == classes, "a token answers for one class"
        total = matrix[found, np.arange(classes)].sum()
        assert total == pytest.approx(matrix[token, column].sum())
        if not ties:
            assert found[column].tolist() == token.tolist()


# The loss


def loss_by_hand(class_logits: Tensor, mask_logits: Tensor, target: Tensor) -> float:
    """MaskFormer's loss, photo by photo and pair by pair."""
    wanted, masks = [], []
    for kinds, mask, truth in zip(class_logits, mask_logits, target, strict=True):
        valid, share = truth != IGNORE, kinds.softmax(1)
        present = [k for k in range(K) if (truth == k).any()]
        pairs = {}
        for q in range(len(mask)):
            for k in present:
                logit, region = mask[q][valid], (truth[valid] == k).float()
                focal = sigmoid_focal_loss(logit, region, alpha=0.25, gamma=2.0).mean()
                p = logit.sigmoid()
                dice = 1 - (2 * (p * region).sum() + 1) / (p.sum() + region.sum() + 1)
                pairs[q, k] = MASK_WEIGHT * focal + DICE_WEIGHT * dice
        cost = np.array(
            [[float(pairs[q, k] - share[q, k]) for k in present] for q in range(len(mask))]
        )
        tokens, columns = linear_sum_assignment(cost)
        named = {q: present[c] for q, c in zip(tokens, columns, strict=True)}
        masks += [float(pairs[q, k]) for q, k in named.items()]
        wanted += [named.get(q, K) for q in range(len(mask))]
    weights = [NO_OBJECT if k == K else 1.0 for k in wanted]
    share = class_logits.flatten(0, 1).log_softmax(1)
    told = sum(-w * float(row[k]) for w, row, k in zip(weights, share, wanted, strict=True))
    return told / sum(weights) + sum(masks) / len(masks)


@pytest.mark.parametrize("seed", range(5))
def test_the_set_loss_is_what_a_loop_finds(seed: int):
    answer = random_answer(seed)
    assert set_loss(*answer).item() == pytest.approx(loss_by_hand(*answer), rel=1e-4)


def test_mask_costs_worked_by_hand():
    """Two pixels, of class 0 and of class 1, and a third on the border; p = 0.8 everywhere."""
    truth, valid = regions(torch.tensor([[[0, 1, IGNORE]]]), 2)
    cost = mask_costs(torch.full((1, 1, 1, 3), math.log(4)), truth, valid)
    inside = 0.25 * 0.2**2 * -math.log(0.8)
    outside = 0.75 * 0.8**2 * -math.log(0.2)
    dice = 1 - (2 * 0.8 + 1) / (0.8 + 0.8 + 1 + 1)
    expected = 20 * (inside + outside) / 2 + dice
    assert cost.flatten().tolist() == pytest.approx([expected, expected])


def test_regions_are_the_classes_and_the_border_is_none():
    truth, valid = regions(torch.tensor([[[0, 2, IGNORE]]], dtype=torch.uint8), K)
    assert truth.tolist() == [[[[1, 0, 0]], [[0, 0, 0]], [[0, 1, 0]]]]
    assert valid.tolist() == [[[[1, 1, 0]]]]


def test_the_order_of_the_tokens_means_nothing_unless_it_is_fixed():
    kinds, masks, target = random_answer(1)
    other = kinds.flip(1), masks.flip(1), target
    torch.testing.assert_close(set_loss(*other), set_loss(kinds, masks, target))
    fixed = [set_loss(*answer, "fixed") for answer in (other, (kinds, masks, target))]
    assert not torch.isclose(*fixed)


def test_fixed_tokens_answer_for_their_own_class_and_say_so_where_it_is_absent():
    """A photo of background and dog: token 1 should say "no object" (3), with little weight."""
    target = torch.tensor([[[0, 2]]])
    kinds = torch.randn(1, K, K + 1, generator=torch.Generator().manual_seed(0))
    share, weights = kinds[0].log_softmax(1), torch.tensor([1.0, NO_OBJECT, 1.0])
    told = -(weights * share[[0, 1, 2], [0, 3, 2]]).sum() / weights.sum()
    truth, valid = regions(target, K)
    masks = torch.zeros(1, K, 1, 2)
    pairs = mask_costs(masks, truth, valid)[0]
    expected = told + (pairs[0, 0] + pairs[2, 2]) / 2
    torch.testing.assert_close(set_loss(kinds, masks, target, "fixed"), expected)


@pytest.mark.parametrize("matching", ["bipartite", "fixed"])
def test_border_pixels_have_no_gradient_and_no_effect(matching: str):
    kinds, masks, target = random_answer(2)
    masks.requires_grad_()
    loss = set_loss(kinds, masks, target, matching)
    loss.backward()
    ignored = (target == IGNORE).unsqueeze(1).expand_as(masks)
    assert not masks.grad[ignored].any()
    other = torch.where(ignored, -3 * masks.detach() + 7, masks.detach())
    torch.testing.assert_close(set_loss(kinds, other, target, matching), loss.detach())


def test_a_photo_of_nothing_but_border_has_classes_to_learn_and_no_mask():
    kinds, masks, target = random_answer(3)
    masks.requires_grad_()
    loss = set_loss(kinds, masks, torch.full_like(target, IGNORE))
    loss.backward()
    assert not masks.grad.any()
    expected = torch.nn.functional.cross_entropy(kinds.flatten(0, 1), torch.full((10,), K))
    torch.testing.assert_close(loss.detach(), expected)


def test_masks_may_have_a_coarser_grid_and_scores_half_precision():
    kinds, masks, target = random_answer(4)
    large = target.repeat_interleave(4, 1).repeat_interleave(4, 2).to(torch.uint8)
    found = set_loss(kinds.bfloat16(), masks.bfloat16(), large)
    assert found.dtype == torch.float32
    torch.testing.assert_close(
        found, set_loss(kinds.bfloat16().float(), masks.bfloat16().float(), large)
    )


def test_precision_does_not_suffer_in_mixed_precision():
    answer = random_answer(5)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        mixed = set_loss(*answer)
    assert torch.equal(mixed, set_loss(*answer))
