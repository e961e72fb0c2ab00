"""The project's own encoders: a pretraining's checkpoint becomes a frozen encoder, exactly."""

from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from common.checkpoint import Card, load_checkpoint, save_checkpoint
from common.config import UserError
from common.models import create_model
from common.models.encoders.encoder import FrozenEncoder
from common.models.encoders.recipes import ENCODERS, clip_vit
from common.models.pretraining.clip import PetClip
from common.models.pretraining.mae import MaskedAutoencoder, small_vit
from tests.models.pretraining import test_clip, test_mae

OWN = [name for name, recipe in ENCODERS.items() if recipe.own]
VIT = {name: value for name, value in test_mae.SMALL.items() if "decoder" not in name}
TINY = {  # encoder -> its network in small, and how the recipe builds it so
    "mae_pets": (test_mae.network, partial(small_vit, **VIT), (0, 1)),
    "clip_pets": (test_clip.network, partial(clip_vit, **test_clip.SMALL), (0, 1)),
    "clip_lite0_pets": (
        partial(test_clip.network, tower="lite0", random=True),
        None,
        (1, 2, 3, 4),
    ),
}


@pytest.fixture(params=TINY)
def trained(request, tmp_path: Path, monkeypatch) -> tuple[str, nn.Module]:
    """Name of an encoder, and the network whose checkpoint is in ``tmp_path``."""
    name = request.param
    make, build, taps = TINY[name]
    recipe = ENCODERS[name]
    monkeypatch.setitem(ENCODERS, name, replace(recipe, build=build or recipe.build, taps=taps))
    network = make()
    for value in network.parameters():  # away from any seed's start
        value.data += 0.02 * torch.randn_like(value)
    save_checkpoint(tmp_path / name, network, Card("x"), dtype=torch.float32)
    return name, network


def expected(network: nn.Module, image: Tensor) -> Tensor:
    """The last map by the network's own way."""
    if isinstance(network, MaskedAutoencoder):
        inorder = torch.arange(network.patches).expand(len(image), -1)
        tokens = network.forward_encoder(image, inorder)[:, 1:]
        return tokens.transpose(1, 2).unflatten(2, (4, 4))
    assert isinstance(network, PetClip)
    visual, photo = network.clip.visual, network.normalize(image)
    if hasattr(visual, "trunk"):
        return visual.trunk.forward_intermediates(photo, intermediates_only=True)[-1]
    told = visual.forward_intermediates(photo, normalize_intermediates=True)
    return told["image_intermediates"][-1]


@torch.no_grad()
def test_a_checkpoint_is_an_encoders_weights(
    trained: tuple[str, nn.Module], tmp_path: Path, capsys
):
    name, network = trained
    encoder, image = FrozenEncoder(name, folder=tmp_path), torch.rand(2, 3, 32, 32)
    torch.testing.assert_close(encoder(image)[-1], expected(network, image))
    assert "CC BY-SA 4.0" in capsys.readouterr().err
    assert FrozenEncoder(name, random=True).sha256 != encoder.sha256


def test_half_precision_changes_little(trained: tuple[str, nn.Module], tmp_path: Path):
    name, network = trained
    image = torch.rand(2, 3, 32, 32)
    exact = FrozenEncoder(name, folder=tmp_path)(image)[-1]
    save_checkpoint(tmp_path / name, network, Card("x"))
    close = FrozenEncoder(name, folder=tmp_path)(image)[-1]
    assert (exact - close).std() < 0.01 * exact.std()


def test_a_segmenter_stands_on_it_and_its_checkpoint_finds_it(
    trained: tuple[str, nn.Module], tmp_path: Path
):
    """An encoder is looked for beside the checkpoint that names it: a smoke run tries its own."""
    name, _ = trained
    kwargs = {"encoder": name, "queries": 4, "width": 32}
    model = create_model("lite0_query", folder=tmp_path, **kwargs).eval()
    image = torch.rand(1, 3, 41, 70)
    save_checkpoint(tmp_path / "m", model, Card("lite0_query", kwargs), dtype=torch.float32)
    torch.testing.assert_close(load_checkpoint(tmp_path / "m")[0](image), model(image))
    save_checkpoint(tmp_path / "below" / "m", model, Card("lite0_query", kwargs))
    load_checkpoint(tmp_path / "below" / "m", folder=tmp_path)


def test_what_a_folder_lacks_is_the_committed_one_and_a_missing_one_names_what_makes_it(
    tmp_path: Path, monkeypatch
):
    assert FrozenEncoder("mae_pets", folder=tmp_path).sha256 == FrozenEncoder("mae_pets").sha256
    monkeypatch.setattr("common.models.weights.CHECKPOINTS", tmp_path)
    for name, notebook in (("mae_pets", "03"), ("mae_pets_25", "03"), ("clip_lite0_pets", "04")):
        with pytest.raises(UserError, match=f"{name[:8]}.*is missing.*--only {notebook}"):
            FrozenEncoder(name, folder=tmp_path)
    with pytest.raises(UserError, match=r"-m common\.training\.taught$"):
        FrozenEncoder("mae_features", folder=tmp_path)


@pytest.mark.parametrize("name", OWN)
def test_every_recipe_builds_on_the_meta_device(name: str):
    with torch.device("meta"):
        encoder = FrozenEncoder(name, random=True)
    assert all(value.is_meta for value in encoder.parameters())
    assert len(encoder.channels) == len(encoder.strides) == 4


def test_small_encoders_stay_small():
    """Below 25 MB in half precision, with what only the pretraining needs."""
    with torch.device("meta"):
        networks = MaskedAutoencoder(), PetClip(), PetClip(tower="lite0", random=True)
    for network in networks:
        assert 2 * sum(value.numel() for value in network.parameters()) < 25e6
