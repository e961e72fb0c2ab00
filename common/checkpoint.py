"""A checkpoint is two files: NAME.safetensors (what was trained) and NAME.json (how to use it).

Nothing is ever unpickled. A frozen encoder is not stored but named, with the hash of its weights.
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load, save
from torch import Tensor, nn

from common.config import (
    CHECKPOINTS,
    FITS,
    MAX_SIZE,
    MIN_SIZE,
    OWN,
    RESULTS,
    UserError,
    atomic_path,
    user_path,
)
from common.models import PRETRAINING, create_model, full_name, list_models
from common.models.building import bounded
from common.models.encoders.encoder import FrozenEncoder
from common.models.tensors import matched
from common.provenance import git_commit, versions

FORMAT = 1
SOUND: dict[str, Callable[[Any], bool]] = {  # what the fields of a card may hold
    "model": lambda value: isinstance(value, str),
    "kwargs": lambda value: isinstance(value, dict),
    "size": lambda value: type(value) is int and MIN_SIZE <= value <= MAX_SIZE,
    "fit": lambda value: value in FITS,
    "training": lambda value: isinstance(value, dict),
    "encoder": lambda value: (
        value is None or (isinstance(value, dict) and {"name", "sha256"} <= value.keys())
    ),
}


@dataclass(frozen=True)
class Card:
    """What a checkpoint says of itself (the JSON file).

    Attributes:
        model, kwargs: arguments of `create_model` that rebuild the network.
        size, fit: the square that photos are brought to, and how (`common.data.geometry`).
        training: configuration of the run, its epoch and validation score, and its key.
    """

    model: str
    kwargs: dict = field(default_factory=dict)
    size: int = 128
    fit: str = "stretch"
    training: dict = field(default_factory=dict)


def trained_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Name -> tensor of what training may change: all but frozen parameters and their buffers."""
    frozen = {name for name, value in model.named_parameters() if not value.requires_grad}
    for prefix, module in model.named_modules():
        own = list(module.parameters())
        if own and not any(value.requires_grad for value in own):
            frozen |= {f"{prefix}.{name}" for name, _ in module.named_buffers()}
    return {name: value for name, value in model.state_dict().items() if name not in frozen}


def frozen_encoder(model: nn.Module) -> dict[str, str] | None:
    """Name and sha256 of the encoder that a checkpoint leaves out; None if it holds everything."""
    for module in model.modules():
        if isinstance(module, FrozenEncoder):
            return {"name": module.name, "sha256": module.sha256}
    return None


def save_checkpoint(
    path: str | Path, model: nn.Module, card: Card, *, dtype: torch.dtype = torch.float16
) -> Path:
    """Write ``path``.safetensors and ``path``.json; parameters are stored as ``dtype``.

    Running statistics keep their precision. Both files are written before either replaces what
    was there.
    """
    tensors_file, card_file = checkpoint_files(path)
    parameters = dict(model.named_parameters())
    tensors = {
        name: (value.to(dtype) if name in parameters else value).contiguous().cpu()
        for name, value in trained_tensors(model).items()
    }
    content = save(tensors)
    described = {
        "format": FORMAT,
        **vars(card),
        "encoder": frozen_encoder(model),
        "commit": git_commit(),
        "versions": versions(),
        "tensors_sha256": hashlib.sha256(content).hexdigest(),
    }
    with atomic_path(card_file) as described_as:
        described_as.write_text(json.dumps(described, indent=2) + "\n")
        with atomic_path(tensors_file) as stored_as:
            stored_as.write_bytes(content)
    return tensors_file


def read_card(path: str | Path) -> dict:
    """The JSON file of a checkpoint, checked for its format and the kinds of its fields."""
    _, file = checkpoint_files(path)
    try:
        card = json.loads(file.read_text())
    except OSError:
        known = ", ".join(committed(CHECKPOINTS)) or "none yet"
        raise UserError(f"no checkpoint {file}; committed ones: {known}") from None
    except (ValueError, RecursionError) as error:
        raise UserError(f"{file}: not JSON ({error}); fetch the checkpoint again") from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise UserError(
            f"{file}: not a checkpoint of format {FORMAT}; update the project or the file"
        )
    if wrong := [name for name, sound in SOUND.items() if name in card and not sound(card[name])]:
        raise UserError(f"{file}: {wrong[0]} is damaged; fetch the checkpoint again")
    return card


def load_checkpoint(
    path: str | Path, *, folder: Path | None = None, **kwargs
) -> tuple[nn.Module, Card]:
    """Rebuild a network from its two files, in evaluation mode, its kernels channels last.

    Args:
        path: a bare name (a committed checkpoint, as "unet") or the path of either file.
        folder: where the project's own encoders are looked for before the committed ones; None
            is the checkpoint's own folder.
        **kwargs: of the model, over those of the card: ``checkpoint`` says where the weights of
            a frozen encoder are on this machine.

    Raises:
        UserError: a file is missing, of another format, damaged, or of another model; or the
            frozen encoder at hand is not the one of the training.
    """
    described = read_card(path)
    file, card_file = checkpoint_files(path)
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}; the checkpoint needs both files") from None
    if hashlib.sha256(content).hexdigest() != described.get("tensors_sha256"):
        raise UserError(f"{file}: sha256 differs from {card_file.name}; fetch both files again")
    try:
        card = Card(**{name: described[name] for name in Card.__dataclass_fields__})
        tensors = load(content)
    except (KeyError, TypeError, SafetensorError) as error:
        raise UserError(
            f"{file}: not a readable checkpoint ({error}); fetch both files again"
        ) from None
    with bounded(file):
        model = create_model(card.model, folder=folder or file.parent, **card.kwargs | kwargs)
    _check_encoder(frozen_encoder(model), described.get("encoder"), file)
    expected = trained_tensors(model)
    stored = matched(expected, tensors, file, "model").items()
    model.load_state_dict(
        {name: value.to(expected[name].dtype) for name, value in stored}, strict=False, assign=True
    )
    return model.eval().to(memory_format=torch.channels_last), card  # else reordered at each call


def _check_encoder(found: dict | None, trained_on: dict | None, file: Path) -> None:
    """Compare the encoder at hand with that of a card; cards of before named none."""
    if trained_on is None or found == trained_on:
        return
    at_hand = f"those of {found['name']} with {found['sha256']}" if found else "none"
    raise UserError(
        f"{file}: trained on the encoder {trained_on['name']} with the sha256 "
        f"{trained_on['sha256']}, but the weights at hand are {at_hand}; give "
        "load_checkpoint(..., checkpoint=PATH) the file of the right ones"
    )


def stem_of(path: str | Path) -> Path:
    """ "unet" -> results/checkpoints/unet; a/b.json or a/b.safetensors -> a/b.

    An alias of the registry means the committed checkpoint of the model it stands for; a name
    that is not committed, one that the user taught (`training.own`), if there is one.
    """
    path = user_path(path)
    if path.suffix in (".json", ".safetensors"):
        path = path.with_suffix("")
    bare = len(path.parts) == 1 and not Path(f"{path}.json").is_file()
    if not bare:
        return path
    own, known = RESULTS / OWN / path, CHECKPOINTS / full_name(str(path))
    return own if Path(f"{own}.json").is_file() and not Path(f"{known}.json").is_file() else known


def committed(folder: Path = CHECKPOINTS) -> list[str]:
    """Checkpoints of a folder that segment: those named as models first, in their order."""
    models = list_models()
    named = [name for name in models if (folder / f"{name}.json").is_file()]
    others = sorted({file.stem for file in folder.glob("*.safetensors")} - set(named))
    return named + [name for name in others if read_card(folder / name)["model"] in models]


def check_segments(card: Card) -> None:
    """`UserError` where a checkpoint is of a model that only pretrains an encoder."""
    if card.model in PRETRAINING:
        known = ", ".join(committed(CHECKPOINTS)) or "none yet"
        raise UserError(f"{card.model} makes an encoder and segments nothing; choose of {known}")


def checkpoint_files(path: str | Path) -> tuple[Path, Path]:
    """Where the tensors and the description of a checkpoint are (its name may hold dots)."""
    stem = stem_of(path)
    return Path(f"{stem}.safetensors"), Path(f"{stem}.json")
