"""The UNet alone: its parameters by hand, its claims one by one."""

import pytest
import torch
from torch import nn

from common.models import create_model
from common.models.layers import SelfAttention
from common.models.unet import UNet
from tests.models.test_registry import batch_for


def unet(**kwargs) -> UNet:
    torch.manual_seed(0)
    return UNet(**{"widths": (16, 32, 32), "stem": 2, **kwargs})


def size_of(model: nn.Module) -> int:
    return sum(value.numel() for value in model.parameters())


def test_parameters_counted_by_hand():
    model = UNet(widths=(16, 32), depth=1, up_depth=1, attention_levels=1, breed_weight=0)
    norms = {16: 2 * 16, 32: 2 * 32}
    conv = {(a, b): 9 * a * b for a in (3, 16, 32) for b in (16, 32)}
    attention = norms[32] + 32 * 96 + (32 * 32 + 32)
    stem = conv[3, 16] + 16
    encode = 2 * norms[16] + 2 * conv[16, 16] + 16 + 2 * norms[32] + 2 * conv[32, 32] + 32
    down = norms[16] + conv[16, 32] + 32 + 16 * 32 + attention
    up = norms[32] + conv[32, 16] + 16 + 32 * 16 + attention
    decode = norms[32] + conv[32, 16] + norms[16] + conv[16, 16] + 16 + 32 * 16
    head = norms[16] + 16 * 3 + 3
    assert size_of(model) == stem + encode + down + up + decode + head == 50_115


@pytest.mark.parametrize(("levels", "modules"), [(0, 0), (1, 2), (2, 4)])
def test_attention_sits_at_the_coarse_levels_only(levels: int, modules: int):
    model = unet(attention_levels=levels).eval()
    tokens: list[int] = []
    layers = [module for module in model.modules() if isinstance(module, SelfAttention)]
    for layer in layers:
        layer.register_forward_hook(lambda _, x, __: tokens.append(x[0][0, 0].numel()))
    with torch.inference_mode():
        model(torch.rand(1, 3, 64, 64))  # grids of 32, 16 and 8
    assert len(layers) == modules
    assert sorted(tokens) == {0: [], 1: [64, 64], 2: [64, 64, 256, 256]}[levels]


@pytest.mark.parametrize(("name", "edge"), [("unet", 8), ("unet_l", 16)])
def test_the_registered_unets_attend_on_small_grids(name: str, edge: int):
    """At most 16×16 for a photo of 128 px, and 56×56 for one of 224 px."""
    model, edges = create_model(name).eval(), []
    for module in model.modules():
        if isinstance(module, SelfAttention):
            module.register_forward_hook(lambda _, x, __: edges.append(x[0].shape[-1]))
    with torch.inference_mode():
        model(torch.rand(1, 3, 64, 64))
    assert max(edges) == edge


@pytest.mark.parametrize(
    ("change", "fewer"),
    [
        # per decoder stage of width w the first block takes w channels in place of 2w:
        # its norm 2w, its 3×3 kernel 9w², and the 1×1 shortcut 2w² that is needed no more
        ({"skips": False}, sum(2 * w + 9 * w * w + 2 * w * w for w in (16, 32))),
        # 1×1 shortcuts: one a resampling (2 × 16·32 + 2 × 32·32), one a merging stage
        ({"residual": False}, 2 * (16 * 32 + 32 * 32) + 2 * 16 * 16 + 2 * 32 * 32),
        # four modules of 32 channels: norm 2c, q k v 3c², out c² + c
        ({"attention_levels": 0}, 4 * (2 * 32 + 4 * 32 * 32 + 32)),
        ({"breed_weight": 0.0}, 37 * 32 + 37),
        ({"dice_weight": 0.0}, 0),
        ({"norm": "group"}, 0),
    ],
)
def test_each_claim_can_be_taken_away(change: dict, fewer: int, cache):
    model = unet(**change)
    assert size_of(unet()) - size_of(model) == fewer
    batch = batch_for(model, cache)
    model.loss(batch).backward()
    assert all(value.grad is not None for value in model.parameters())
    assert model(batch["image"]).shape == (4, 3, 32, 32)


def test_without_skips_the_fine_features_reach_the_answer_only_through_the_coarse_ones(photos):
    for skips in (True, False):
        model = unet(skips=skips).eval()
        features = [f.detach() for f in model.encode_image(photos)]
        scores = model.decode_features(features, photos)
        other = model.decode_features([f + (i < 2) for i, f in enumerate(features)], photos)
        assert torch.equal(scores, other) is not skips


def test_the_breed_head_teaches_and_is_never_asked(photos, cache):
    model = unet().eval()
    scores = model(photos)
    nn.init.constant_(model.breed.weight, float("nan"))
    assert torch.equal(model(photos), scores)
    assert model.loss(batch_for(model, cache)).isnan()
    assert unet(breed_weight=0.0).breed is None


def test_loss_is_segmentation_plus_weighted_breed(cache):
    plain, taught = unet(breed_weight=0.0).eval(), unet(breed_weight=0.5).eval()
    plain.load_state_dict({n: v for n, v in taught.state_dict().items() if "breed" not in n})
    batch = batch_for(taught, cache)
    coarse = taught.encode_image(batch["image"])[-1].mean((2, 3))
    guess = taught.breed(coarse).log_softmax(1)
    breed = -guess[torch.arange(4), batch["breed"]].mean()
    torch.testing.assert_close(taught.loss(batch), plain.loss(batch) + 0.5 * breed)


def test_padding_does_not_move_the_photo():
    """Scores of an odd photo are those of the same photo with its edge repeated, cut to size."""
    model, photo = unet().eval(), torch.rand(1, 3, 35, 46)
    with torch.inference_mode():
        padded = torch.cat([photo, photo[..., -1:].expand(-1, -1, -1, 2)], 3)
        padded = torch.cat([padded, padded[:, :, -1:].expand(-1, -1, 5, -1)], 2)
        assert padded.shape[-2:] == (40, 48)
        torch.testing.assert_close(model(photo), model(padded)[..., :35, :46])


def test_features_halve_at_every_level(photos):
    shapes = [tuple(f.shape[1:]) for f in unet(stem=1).encode_image(photos)]
    assert shapes == [(16, 36, 48), (32, 18, 24), (32, 9, 12)]


def test_dropout_sits_where_attention_does():
    """A dropped channel of a fine grid would take an edge away that nothing else holds."""
    model = unet(dropout=0.3, attention_levels=1)
    rates = [
        [block.body[5].p for block in stage] for stage in (*model.encoder.stages, *model.decode)
    ]
    assert rates == [[0.0] * 2, [0.0] * 2, [0.3] * 2, [0.0], [0.0]]


def test_the_table_of_stages_is_what_the_features_are(photos):
    model = unet(attention_levels=1)
    rows = model.stages(64)
    assert [row["name"] for row in rows] == [
        "encode 0",
        "encode 1",
        "encode 2",
        "decode 1",
        "decode 0",
    ]
    features = model.encode_image(torch.rand(1, 3, 64, 64))
    assert [(r["channels"], r["size"]) for r in rows[:3]] == [f.shape[1:3] for f in features]
    assert [row["attention"] for row in rows] == [False, False, True, False, False]
    assert [row["side"] for row in rows] == ["down", "down", "bottom", "up", "up"]
