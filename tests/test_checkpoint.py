"""Two files or nothing: what does not fit is named, and nothing is ever unpickled."""

import hashlib
import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from common import checkpoint as module
from common.checkpoint import (
    Card,
    checkpoint_files,
    load_checkpoint,
    read_card,
    save_checkpoint,
    stem_of,
    trained_tensors,
)
from common.config import CHECKPOINTS, OWN, UserError
from common.models import ALIASES, create_model, default_kwargs, full_name, list_models
from tests.fuzzing import Bomb

KWARGS = {"widths": (16, 16), "depth": 1, "breed_weight": 0.0}


def network(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return create_model("unet", **KWARGS)


@pytest.fixture
def stem(tmp_path: Path) -> Path:
    """A stored checkpoint, without its suffix."""
    save_checkpoint(tmp_path / "a", network(), Card("unet", KWARGS, 64, "letterbox", {"lr": 0.1}))
    return tmp_path / "a"


def change_card(stem: Path, **fields) -> None:
    file = checkpoint_files(stem)[1]
    file.write_text(json.dumps({**json.loads(file.read_text()), **fields}))


def change_tensors(stem: Path, change) -> None:
    """Rewrite the tensors and the hash that the card holds."""
    file = checkpoint_files(stem)[0]
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)
    change_card(stem, tensors_sha256=hashlib.sha256(file.read_bytes()).hexdigest())


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_card_says_how_to_use_the_weights(stem: Path):
    model, card = load_checkpoint(stem)
    assert card == Card("unet", {**KWARGS, "widths": [16, 16]}, 64, "letterbox", {"lr": 0.1})
    assert not model.training
    described = read_card(stem)
    assert described["format"] == 1
    assert described["versions"]["torch"] == torch.__version__.split("+")[0]
    assert {"commit", "tensors_sha256"} <= described.keys()


def test_floats_are_stored_in_half_precision_and_used_in_full(stem: Path):
    stored = load_file(checkpoint_files(stem)[0])
    model, _ = load_checkpoint(stem)
    parameters = dict(model.named_parameters())
    for name, value in network().state_dict().items():
        assert (stored[name].dtype == torch.float16) is (name in parameters), name
        expected = value.half().float() if name in parameters else value
        assert torch.equal(model.state_dict()[name], expected), name


def test_running_statistics_are_not_rounded(tmp_path: Path):
    """A variance may be beyond what half precision holds (65,504)."""
    model = network()
    (norm, *_) = [module for module in model.modules() if isinstance(module, nn.BatchNorm2d)]
    norm.running_var.fill_(1e6)
    save_checkpoint(tmp_path / "b", model, Card("unet", KWARGS))
    loaded, _ = load_checkpoint(tmp_path / "b")
    assert 1e6 in [value.max().item() for value in loaded.buffers()]


def test_a_channels_last_network_is_stored_as_any_other(stem: Path, tmp_path: Path):
    model = network().to(memory_format=torch.channels_last)
    save_checkpoint(tmp_path / "b", model, Card("unet", KWARGS))
    assert (tmp_path / "b.safetensors").read_bytes() == (tmp_path / "a.safetensors").read_bytes()


def test_a_loaded_network_has_the_layout_that_convolutions_want(stem: Path):
    model, _ = load_checkpoint(stem)
    kernels = [value for value in model.parameters() if value.ndim == 4]
    assert all(k.is_contiguous(memory_format=torch.channels_last) for k in kernels)


def test_a_missing_checkpoint_names_those_there_are(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(module, "CHECKPOINTS", tmp_path)
    with pytest.raises(UserError, match="no checkpoint .*committed ones: none yet"):
        load_checkpoint("unet")
    for name in ("unet", "clip_seg"):
        save_checkpoint(tmp_path / name, network(), Card("unet", KWARGS))
    with pytest.raises(UserError, match="no checkpoint .*nosuch.json; .*: clip_seg, unet"):
        load_checkpoint("nosuch")


def test_path_forms(stem: Path, monkeypatch):
    """A bare name is a committed checkpoint, unless the file lies in the current folder."""
    assert stem_of("unet") == stem_of("unet.json") == CHECKPOINTS / "unet"
    for form in (stem, str(stem), f"{stem}.json", f"{stem}.safetensors"):
        assert stem_of(form) == stem
        assert load_checkpoint(form)[1].size == 64
    monkeypatch.chdir(stem.parent)
    for form in ("a", "a.json", "./a", "a.safetensors"):
        assert load_checkpoint(form)[1].size == 64
    monkeypatch.setattr(module, "CHECKPOINTS", stem.parent)
    monkeypatch.chdir("/")
    assert load_checkpoint("a")[1].size == 64
    save_checkpoint(stem.parent / OWN / "b", network(), Card("unet", KWARGS, 32))
    monkeypatch.setattr(module, "RESULTS", stem.parent)
    assert load_checkpoint("b")[1].size == 32, "what a user taught answers by its name"


def test_a_second_name_is_the_same_model_and_checkpoint(tmp_path: Path, monkeypatch):
    assert stem_of("point_unet_l") == stem_of("point_unet") == CHECKPOINTS / "point_unet"
    assert stem_of(tmp_path / "point_unet_l") == tmp_path / "point_unet_l"  # a path is a path
    assert default_kwargs("point_unet_l") == default_kwargs("point_unet")
    assert not ALIASES.keys() & set(list_models()) and set(ALIASES.values()) <= set(list_models())
    assert full_name("unet") == "unet"
    monkeypatch.setattr(module, "CHECKPOINTS", tmp_path)
    monkeypatch.setitem(ALIASES, "second", "unet")
    save_checkpoint(tmp_path / "unet", network(), Card("second", KWARGS, 64))
    model, card = load_checkpoint("second")
    assert card.size == 64
    assert model.state_dict().keys() == network().state_dict().keys()


def test_a_name_may_hold_dots(tmp_path: Path):
    """Two learning rates must not share one file."""
    for name, seed in (("lr0.1", 1), ("lr0.2", 2)):
        save_checkpoint(tmp_path / name, network(seed), Card("unet", KWARGS))
    first, second = (
        load_checkpoint(tmp_path / n)[0].encoder.stem.weight for n in ("lr0.1", "lr0.2")
    )
    assert not torch.equal(first, second)


@pytest.mark.parametrize("save", [torch.save, lambda x, f: torch.save(x, f, pickle_protocol=2)])
def test_a_pickle_is_not_opened_under_any_name(stem: Path, tmp_path: Path, save):
    file, mark = checkpoint_files(stem)[0], tmp_path / "exploded"
    save({"head.2.bias": Bomb(mark)}, file)
    change_card(stem, tensors_sha256=hashlib.sha256(file.read_bytes()).hexdigest())
    with pytest.raises(UserError, match="not a readable checkpoint"):
        load_checkpoint(stem)
    assert not mark.exists()
    torch.load(shutil.copy(file, tmp_path / "a.pt"), weights_only=False)
    assert mark.exists(), "the test's own bomb is a dud"


@pytest.mark.parametrize("victim", [".json", ".safetensors"])
def test_a_failure_while_saving_leaves_the_earlier_pair(stem: Path, monkeypatch, victim: str):
    before, write = contents(stem.parent), Path.write_bytes

    def full(path: Path, data: bytes | str, *args, **kwargs) -> int:
        if path.name.endswith(victim):
            write(path, b"half of it")
            raise OSError(28, "No space left on device")
        return write(path, data.encode() if isinstance(data, str) else data)

    monkeypatch.setattr(Path, "write_bytes", full)
    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(UserError, match=f"a{victim}: .*No space left on device.*untouched"):
        save_checkpoint(stem, network(1), Card("unet", KWARGS))
    assert contents(stem.parent) == before


def test_a_full_disk_is_a_plain_error(stem: Path, small_disk):
    before = contents(stem.parent)
    with small_disk(), pytest.raises(UserError, match="could not be written .File too large"):
        save_checkpoint(stem, network(1), Card("unet", KWARGS))
    assert contents(stem.parent) == before
    load_checkpoint(stem)


def test_a_frozen_part_is_not_stored_and_not_rounded(toy, tmp_path: Path):
    """Neither its weights nor its running statistics, which half precision would bend."""
    model = toy().eval()
    assert trained_tensors(model).keys() == {"head.weight", "head.bias"}
    save_checkpoint(tmp_path / "toy", model, Card("toy"))
    assert load_file(tmp_path / "toy.safetensors").keys() == {"head.weight", "head.bias"}
    loaded, _ = load_checkpoint(tmp_path / "toy")
    for name, value in model.encoder.state_dict().items():
        assert torch.equal(loaded.encoder.state_dict()[name], value), name


def test_buffers_beside_trained_parameters_are_stored():
    model = nn.Sequential(nn.BatchNorm2d(3))
    assert "0.running_mean" in trained_tensors(model)
    assert "0.num_batches_tracked" in trained_tensors(model)
