"""Frozen encoders: their weights, their photos' scale, the order of their tokens, their errors."""

import open_clip
import pytest
import timm
import torch
import torch.nn.functional as F
from open_clip.model import resize_pos_embed
from open_clip.transformer import QuickGELU, VisionTransformer
from torch import Tensor, nn

from common.config import ROOT, UserError
from common.models.encoders.encoder import FrozenEncoder, ImageEncoder, random_net
from common.models.encoders.recipes import ENCODERS, encoder_name
from common.models.padding import padding
from common.models.towers import ClipTaps

HUB = {  # encoder -> library's name of the architecture, and of the weights
    "mae_vit_b": ("vit_base_patch16_224.mae", ""),
    "mae_vit_l": ("vit_large_patch16_224.mae", ""),
    "mae_vit_h": ("vit_huge_patch14_224.mae", ""),
    "clip_vit_b": ("ViT-B-16", "laion2b_s34b_b88k"),
    "clip_vit_l": ("ViT-L-14", "laion2b_s32b_b82k"),
    "clip_vit_h": ("ViT-H-14", "laion2b_s32b_b79k"),
    "openai_vit_b": ("ViT-B-16-quickgelu", "openai"),
    "openai_vit_l": ("ViT-L-14-quickgelu", "openai"),
}
TINY = ("mae_tiny", "clip_tiny")


def tiny_mae() -> nn.Module:
    return timm.create_model(
        "vit_tiny_patch16_224",
        img_size=64,
        embed_dim=24,
        depth=4,
        num_heads=2,
        num_classes=0,
        dynamic_img_size=True,
    )


def tiny_clip(edge: int = 64) -> nn.Module:
    return VisionTransformer(edge, 16, 24, 4, 2, 4.0, output_dim=8)


# The scale of the photos


@pytest.mark.parametrize("name", HUB)
def test_the_table_says_what_the_libraries_say(name: str):
    """CLIP ViT-L on LAION-2B, alone of its family, was trained on photos scaled to ±1."""
    recipe, (model, tag) = ENCODERS[name], HUB[name]
    repo, _ = recipe.weights.args
    if tag:
        config = open_clip.get_pretrained_cfg(model, tag)
        assert repo == config["hf_hub"].strip("/")
        kind = QuickGELU if config.get("quick_gelu") else nn.GELU
        with torch.device("meta"):
            acts = [module for n, module in recipe.build().named_modules() if n.endswith("gelu")]
        assert {type(module) for module in acts} == {kind}
        assert recipe.activation == kind.__name__
        published = config["mean"], config["std"]
    else:
        config = timm.get_pretrained_cfg(model)
        assert repo == config.hf_hub_id
        assert config.license == "cc-by-nc-4.0"
        published = config.mean, config.std
    assert (recipe.mean, recipe.std) == published
    depth = {"b": 12, "l": 24, "h": 32}[name[-1]]
    assert f"`{'/'.join(recipe.weights.args)}`" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert recipe.taps == tuple(depth // 4 * part - 1 for part in (1, 2, 3, 4))


@pytest.mark.parametrize("name", [*TINY, "lite0"])
def test_the_network_sees_photos_on_its_own_scale(name: str):
    encoder, recipe = FrozenEncoder(name, random=True), ENCODERS[name]
    given: list[Tensor] = []
    first = next(module for module in encoder.modules() if isinstance(module, nn.Conv2d))
    first.register_forward_pre_hook(lambda _, x: given.append(x[0]))
    photo = torch.rand(1, 3, 64, 64)
    encoder(photo)
    scale = [torch.tensor(values).view(1, 3, 1, 1) for values in (recipe.mean, recipe.std)]
    torch.testing.assert_close(given[0], (photo - scale[0]) / scale[1])


# Maps


def place_of_change(encoder: nn.Module, photo: Tensor, row: int, column: int, step: int) -> tuple:
    """Where the first map changes most when one patch of the photo is painted over."""
    other = photo.clone()
    rows, columns = (slice(at * step, (at + 1) * step) for at in (row, column))
    other[..., rows, columns] = 1 - other[..., rows, columns]
    change = (encoder(other)[0] - encoder(photo)[0]).norm(dim=1)
    change = F.avg_pool2d(change, step // encoder.strides[0])[0]  # a map may be finer
    return divmod(int(change.argmax()), change.shape[1])


@pytest.mark.parametrize("name", [*TINY, "lite0"])
def test_tokens_are_in_order(name: str):
    """A patch of the photo is the same place of the map, on a grid that is not square."""
    encoder = FrozenEncoder(name, random=True, taps=(0,))
    photo = torch.rand(1, 3, 48, 80, generator=torch.Generator().manual_seed(0))
    places = [(row, column) for row in range(3) for column in range(5)]
    assert [place_of_change(encoder, photo, *at, 16) for at in places] == places


def test_clip_is_open_clips_own_at_its_own_size():
    """An independent path through the tower: the library's, which knows that one size."""
    encoder, photo = FrozenEncoder("clip_tiny", random=True), torch.rand(2, 3, 64, 64)
    expected = random_net(ENCODERS["clip_tiny"]).forward_intermediates(
        encoder.normalize(photo),
        indices=[0, 3],
        normalize_intermediates=True,
        intermediates_only=True,
    )["image_intermediates"]
    for found, other in zip(encoder(photo), expected, strict=True):
        torch.testing.assert_close(found, other.detach())


def test_clips_positions_are_resampled_as_open_clip_does():
    photo, small = torch.rand(1, 3, 96, 96), random_net(ENCODERS["clip_tiny"])
    state = {f"visual.{n}": value for n, value in small.state_dict().items()}
    large = nn.ModuleDict({"visual": tiny_clip(96)})
    resize_pos_embed(state, large)
    large.load_state_dict(state)
    expected = ClipTaps(large["visual"], (1,))(photo)[0]
    torch.testing.assert_close(ClipTaps(small, (1,))(photo)[0], expected)


def test_mae_is_timms_own_at_its_own_size():
    encoder, photo = FrozenEncoder("mae_tiny", random=True), torch.rand(2, 3, 64, 64)
    net = random_net(ENCODERS["mae_tiny"]).eval()
    expected = net.forward_features(encoder.normalize(photo))[:, 1:]  # without the class token
    last = encoder(photo)[1].flatten(2).transpose(1, 2)
    torch.testing.assert_close(last, expected.detach())


@pytest.mark.parametrize("name", [*TINY, "lite0"])
@pytest.mark.parametrize("size", [(32, 64), (96, 32), (64, 64)])
def test_maps_have_the_channels_and_strides_that_are_told(name: str, size: tuple[int, int]):
    encoder = FrozenEncoder(name, random=True)
    for image, channels, stride in zip(
        encoder(torch.rand(2, 3, *size)), encoder.channels, encoder.strides, strict=True
    ):
        assert image.shape == (2, channels, size[0] // stride, size[1] // stride)
        assert image.isfinite().all()


def test_layers_behind_the_last_tap_are_left_out():
    assert len(FrozenEncoder("mae_tiny", random=True, taps=(0, 1)).tower.net.blocks) == 2
    clip = FrozenEncoder("clip_tiny", random=True, taps=(1,)).tower.net
    assert len(clip.transformer.resblocks) == 2
    assert clip.proj is None
    names = FrozenEncoder("lite0", taps=(1, 2)).tower.net.state_dict()
    assert not [name for name in names if name.startswith(("conv_head", "bn2", "classifier"))]


@pytest.mark.parametrize("taps", [(4,), (1, 0), (0, 0), (-1,)])
def test_wrong_taps_are_named(taps: tuple[int, ...]):
    with pytest.raises(UserError, match="rising numbers from 0 to 3"):
        FrozenEncoder("mae_tiny", random=True, taps=taps)


@pytest.mark.parametrize(
    ("name", "size", "nearest"),
    [
        ("mae_tiny", (33, 47), "32 × 48"),
        ("clip_tiny", (7, 64), "16 × 64"),
        ("lite0", (100, 64), "96 × 64"),
    ],
)
def test_a_size_that_does_not_fit_is_told_the_nearest(name: str, size: tuple, nearest: str):
    encoder = FrozenEncoder(name, random=True)
    with pytest.raises(UserError, match=f"multiples of (16|32) px.*nearest is {nearest}"):
        encoder(torch.rand(1, 3, *size))
    photo = torch.rand(1, 3, *size)
    encoder(F.pad(photo, padding(photo, encoder.strides[-1])))


# Frozen, or not


@pytest.mark.parametrize("name", [*TINY, "lite0"])
def test_a_frozen_encoder_stays_as_it_is(name: str):
    encoder = FrozenEncoder(name, random=True)
    before = {n: value.clone() for n, value in encoder.state_dict().items()}
    nn.Sequential(encoder).train()
    photo = torch.rand(2, 3, 64, 64, requires_grad=True)
    assert not any(image.requires_grad for image in encoder(photo))
    assert not any(module.training for module in encoder.modules())
    assert not any(value.requires_grad for value in encoder.parameters())
    assert all(torch.equal(value, before[n]) for n, value in encoder.state_dict().items())


@pytest.mark.parametrize("name", [*TINY, "lite0"])
def test_the_same_encoder_can_be_tuned(name: str):
    encoder = ImageEncoder(name, random=True).train()
    sum(image.square().mean() for image in encoder(torch.rand(2, 3, 64, 64))).backward()
    without = [n for n, value in encoder.named_parameters() if value.grad is None]
    assert not without
    assert encoder.tower.training


# Names


def test_unknown_names_are_told_the_choices():
    with pytest.raises(UserError, match="'resnet' is unknown; choose one of lite0, "):
        FrozenEncoder("resnet")
    for wrong in ("vit_xl", ""):
        with pytest.raises(UserError, match=f"no backbone '{wrong}'; choose one of vit_b, vit_l"):
            encoder_name("clip", wrong)
    assert encoder_name("mae", "vit_h") == "mae_vit_h"
    assert encoder_name("lite0") == "lite0"
