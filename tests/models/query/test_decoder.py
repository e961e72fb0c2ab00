"""The query decoder: who sees what, on which grid, and how tokens become class scores."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from common.config import UserError
from common.models.query.decoder import QueryDecoder, semantic_scores
from common.models.query.layers import TwoWayLayer, sine_positions
from common.models.query.neck import Hourglass

PYRAMID = ((8, 12, 16, 24), (4, 8, 16, 32))
PLAIN = ((24, 24), (16, 16))  # a transformer's


def decoder(channels=PYRAMID[0], strides=PYRAMID[1], **kwargs) -> QueryDecoder:
    torch.manual_seed(0)
    return QueryDecoder(channels, strides, **{"queries": 5, "width": 32, **kwargs}).eval()


def maps(channels=PYRAMID[0], strides=PYRAMID[1], size=(64, 96)) -> tuple[list[Tensor], Tensor]:
    """Random features of two photos, and the photos."""
    draw = torch.Generator().manual_seed(1)
    features = [
        torch.randn(2, c, size[0] // s, size[1] // s, generator=draw)
        for c, s in zip(channels, strides, strict=True)
    ]
    return features, torch.rand(2, 3, *size, generator=draw)


# Shapes, and what each part may see


@pytest.mark.parametrize("stem", [True, False, "only"])
@pytest.mark.parametrize(
    ("channels", "strides"), [PYRAMID, PLAIN, ((24,), (14,)), ((8, 12), (4, 8)), ((16,), (2,))]
)
def test_classes_and_masks_of_every_token(channels: tuple, strides: tuple, stem: bool | str):
    model = decoder(channels, strides, stem=stem)
    features, photo = maps(channels, strides, (56, 84))
    class_logits, masks = model(features, photo)
    assert class_logits.shape == (2, 5, 4)
    assert masks.shape == (2, 5, 14, 21)


@pytest.mark.parametrize("stem", [True, False, "only"])
def test_the_stem_sees_pixels_and_the_rest_sees_features(stem: bool | str):
    """The controls of what an encoder's features know: each way of looking can be closed.

    Beside features, the stem draws outlines (masks) and has no say in the classes.
    """
    model = decoder(stem=stem)
    features, photo = maps()
    class_logits, masks = model(features, photo)
    other_classes, other_masks = model(features, 1 - photo)
    assert torch.equal(class_logits, other_classes) is (stem != "only")
    assert torch.equal(masks, other_masks) is (stem is False)
    other = model([1 - x for x in features], photo)
    assert torch.equal(class_logits, other[0]) is torch.equal(masks, other[1]) is (stem == "only")


@pytest.mark.parametrize(("channels", "strides"), [PYRAMID, PLAIN])
@pytest.mark.parametrize("stem", [True, False, "only"])
def test_nothing_is_built_that_nothing_trains(channels: tuple, strides: tuple, stem: bool | str):
    model = decoder(channels, strides, stem=stem).train()
    class_logits, masks = model(*maps(channels, strides))
    (class_logits.square().mean() + masks.square().mean()).backward()
    assert not [n for n, value in model.named_parameters() if value.grad is None]


def test_coarse_maps_become_tokens_and_fine_ones_join_later():
    model = decoder()
    features, photo = maps()
    _, grid, skips, _ = model.interact(features, photo)
    assert grid.shape == (2, 32, 4, 6)  # stride 16, where 32 joins
    assert [[tuple(x.shape[1:]) for x in group] for group in skips] == [
        [(16, 8, 12)],
        [(16, 16, 24), (16, 16, 24)],  # of the stem and of stride 4
    ]
    assert model(features, photo)[1].shape == (2, 5, 16, 24)


def test_tokens_and_image_learn_of_each_other():
    model = decoder(PLAIN[0], PLAIN[1], depth=1)
    features, photo = maps(*PLAIN)
    tokens, grid, _, _ = model.interact(features, photo)
    (of_tokens,) = torch.autograd.grad(grid.square().sum(), model.mask_tokens, retain_graph=True)
    assert of_tokens.any(1).all(), "the image hears every token"
    of_image = torch.autograd.grad(tokens[:, 0].square().sum(), model.project[0][1].weight)[0]
    assert of_image.any()


def test_behind_a_neck_every_place_hears_of_every_other():
    """Without one, places hear of each other by way of the tokens alone."""
    neck = Hourglass(32, (48, 64)).eval()
    grid = torch.randn(1, 32, 8, 12, generator=torch.Generator().manual_seed(0))
    grid.requires_grad_()
    *_, heard = neck(grid)
    assert heard.shape == grid.shape
    (of_place,) = torch.autograd.grad(heard[0, :, 0, 0].sum(), grid)
    assert of_place[0].any(0).all()


def test_a_neck_learns_breeds_and_places_beside_the_answer():
    model = decoder(*PLAIN, neck=(16, 24))
    grids, _ = model.image_grids(*maps(*PLAIN, size=(64, 128)))
    assert [tuple(x.shape[1:]) for x in grids] == [(24, 1, 2), (16, 2, 4), (32, 4, 8)]
    breed, places = model.lessons(grids)
    assert breed.shape == (2, 37) and places.shape == (2, 3, 4, 8)


# Places


def test_positions_are_in_row_major_order_and_all_different():
    pos_embed = sine_positions(3, 5, torch.empty(1, 15, 32)).view(3, 5, 32)
    rows, columns = pos_embed[..., :16], pos_embed[..., 16:]
    assert torch.equal(rows, rows[:, :1].expand_as(rows))
    assert torch.equal(columns, columns[:1].expand_as(columns))
    apart = torch.cdist(pos_embed.view(15, 32), pos_embed.view(15, 32)) + 9 * torch.eye(15)
    assert apart.min() > 0.3
    half = (0 + 0.5) / 3  # the first row's centre; the slowest wave is half a period
    assert rows[0, 0, 0].item() == pytest.approx(math.sin(2 * math.pi * half / 2))


@pytest.mark.parametrize("cell", [(0, 0), (1, 4), (3, 2)])
def test_a_change_of_one_place_changes_the_pixels_there(cell: tuple[int, int]):
    """Tokens shuffled on their way to the pixels would change them elsewhere."""
    model = decoder(PLAIN[0], PLAIN[1], stem=False)
    features, photo = maps(*PLAIN)
    other = [x.clone() for x in features]
    for x in other:
        x[..., cell[0], cell[1]] += 3

    def pixels(given: list[Tensor]) -> Tensor:
        _, grid, skips, _ = model.interact(given, photo)
        return model.pixel_embeddings(grid, skips, photo)  # (B, P, 16, 24)

    change = (pixels(other) - pixels(features)).norm(dim=1)[0]
    row, column = divmod(int(change.argmax()), change.shape[1])
    assert (row // 4, column // 4) == cell


# Attention


def test_attention_is_a_share_of_the_places_and_changes_no_answer():
    model = decoder(depth=3)
    features, photo = maps()
    attention = model.attention(features, photo)
    assert attention.shape == (2, 3, 5, 4, 6)
    torch.testing.assert_close(attention.sum((-2, -1)), torch.ones(2, 3, 5))
    plain, looked = (
        model.interact(features, photo),
        model.interact(features, photo, need_weights=True),
    )
    for one, two in zip(plain[:2], looked[:2], strict=True):
        torch.testing.assert_close(one, two, rtol=1e-4, atol=1e-5)


def test_a_two_way_layer_worked_by_hand():
    """Without projections, attention is softmax(q·k/√D)·v, added to what was there."""
    layer, d = TwoWayLayer(4, 1).eval(), 4
    for attention in (
        layer.self_attn,
        layer.cross_attn_token_to_image,
        layer.cross_attn_image_to_token,
    ):
        for part in attention.children():
            part.weight.data = torch.eye(d)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
    for value in layer.mlp.parameters():
        nn.init.zeros_(value)
    draw = torch.Generator().manual_seed(0)
    tokens, image = torch.randn(1, 2, d, generator=draw), torch.randn(1, 3, d, generator=draw)
    mask_tokens, pos_embed = (
        torch.randn(1, 2, d, generator=draw),
        torch.randn(3, d, generator=draw),
    )

    def attend(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return (q @ k.transpose(1, 2) / math.sqrt(d)).softmax(-1) @ v

    def norm(x: Tensor) -> Tensor:
        return torch.nn.functional.layer_norm(x, (d,))

    x = norm(tokens)
    after = tokens + attend(x + mask_tokens, x + mask_tokens, x)
    after = after + attend(norm(after) + mask_tokens, image + pos_embed, image)
    grid = image + attend(norm(image) + pos_embed, after + mask_tokens, after)
    found = layer(tokens, image, mask_tokens, pos_embed)
    torch.testing.assert_close(found[0], after, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(found[1], grid, rtol=1e-4, atol=1e-5)
    assert found[2] is None


# From tokens to class scores


def logits(probability: list) -> Tensor:
    """Logits whose sigmoid is ``probability``."""
    return torch.tensor(probability).logit()


def test_semantic_scores_worked_by_hand():
    """Two tokens, two classes, one pixel; the last class of a token is "no object"."""
    class_logits = torch.tensor([[[0.7, 0.1, 0.2], [0.2, 0.2, 0.6]]]).log()
    masks = logits([[[[0.9]], [[0.5]]]])
    sums = [0.7 * 0.9 + 0.2 * 0.5, 0.1 * 0.9 + 0.2 * 0.5]
    scores = semantic_scores(class_logits, masks)
    assert scores.exp().flatten().tolist() == pytest.approx(sums)
    assert scores.softmax(1)[0, 0].item() == pytest.approx(sums[0] / sum(sums))


def test_a_token_shares_itself_out_among_classes_and_not_a_class_among_tokens():
    """The mistake of softmax over queries: one sure token would lose to two that are not.

    Token 0 is sure of class 1; tokens 1 and 2 say "no object" but prefer class 0 to class 1.
    """
    class_logits = torch.tensor([[[0.0, 4.0, 0.0], [4.0, 0.0, 9.0], [4.0, 0.0, 9.0]]])
    masks = logits([[[[0.5]], [[0.9]], [[0.9]]]])
    assert semantic_scores(class_logits, masks).argmax(1).item() == 1
    over_queries = torch.einsum(
        "bqk,bqhw->bkhw", class_logits.softmax(1)[..., :-1], masks.sigmoid()
    )
    assert over_queries.argmax(1).item() == 0, "the example does not show the mistake"


@settings(deadline=None, max_examples=30)
@given(st.integers(0, 10_000), st.floats(-20, 20))
def test_one_more_on_all_classes_of_a_token_changes_nothing(seed: int, shift: float):
    draw = torch.Generator().manual_seed(seed)
    class_logits = torch.randn(2, 4, 4, generator=draw)
    masks = torch.randn(2, 4, 3, 3, generator=draw)
    scores = semantic_scores(class_logits, masks)
    one = shift * torch.nn.functional.one_hot(torch.tensor(1), 4).view(1, 4, 1)
    torch.testing.assert_close(
        semantic_scores(class_logits + one, masks), scores, rtol=1e-4, atol=1e-4
    )
    order = torch.randperm(4, generator=draw)
    shuffled = semantic_scores(class_logits[:, order], masks[:, order])
    torch.testing.assert_close(shuffled, scores, rtol=1e-4, atol=1e-4)


def test_scores_are_finite_where_no_token_claims_a_pixel():
    scores = semantic_scores(torch.zeros(1, 2, 4), torch.full((1, 2, 1, 1), -1e4))
    assert scores.isfinite().all()
    assert scores.softmax(1).flatten().tolist() == pytest.approx([1 / 3] * 3)


def test_too_few_tokens_and_unknown_stems_are_named():
    with pytest.raises(UserError, match="2 mask tokens for 3 classes; take 3 or more"):
        decoder(queries=2)
    with pytest.raises(UserError, match="stem 'off' is unknown; choose one of True, False, only"):
        decoder(stem="off")
