"""A checkpoint is two files: NAME.safetensors (what was trained) and NAME.json (how to use it).

Nothing is ever unpickled. A frozen encoder is not stored: the model's arguments name it.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from .config import CHECKPOINTS, UserError, atomic_path
from .models import create_model
from .provenance import file_sha256, git_commit, versions

FORMAT = 1


@dataclass(frozen=True)
class Card:
    """What a checkpoint says of itself (the JSON file).

    Attributes:
        model, kwargs: arguments of `create_model` that rebuild the network.
        size, fit: the square that photos are brought to, and how (`common.geometry`).
        training: configuration of the run, its epoch and validation score, and its key.
    """

    model: str
    kwargs: dict = field(default_factory=dict)
    size: int = 128
    fit: str = "stretch"
    training: dict = field(default_factory=dict)


def trained_tensors(model: nn.Module) -> dict[str, Tensor]:
    """Name -> tensor of everything that training changed: parameters that take a gradient."""
    frozen = {name for name, value in model.named_parameters() if not value.requires_grad}
    return {name: value for name, value in model.state_dict().items() if name not in frozen}


def save_checkpoint(
    path: str | Path, model: nn.Module, card: Card, *, dtype: torch.dtype = torch.float16
) -> Path:
    """Write ``path``.safetensors and ``path``.json; floats are stored as ``dtype``."""
    path = stem_of(path)
    tensors = {
        name: (value.to(dtype) if value.is_floating_point() else value).contiguous().cpu()
        for name, value in trained_tensors(model).items()
    }
    with atomic_path(path.with_suffix(".safetensors")) as file:
        save_file(tensors, file)
        digest = file_sha256(file)
    described = {"format": FORMAT, **vars(card), "commit": git_commit(), "versions": versions()}
    with atomic_path(path.with_suffix(".json")) as file:
        file.write_text(json.dumps({**described, "tensors_sha256": digest}, indent=2) + "\n")
    return path.with_suffix(".safetensors")


def read_card(path: str | Path) -> dict:
    """The JSON file of a checkpoint, checked for its format."""
    file = stem_of(path).with_suffix(".json")
    try:
        card = json.loads(file.read_text())
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in CHECKPOINTS.glob("*.json"))) or "none yet"
        raise UserError(f"no checkpoint {file}; committed ones: {known}") from None
    except ValueError as error:
        raise UserError(f"{file}: not JSON ({error}); fetch the checkpoint again") from None
    if not isinstance(card, dict) or card.get("format") != FORMAT:
        raise UserError(
            f"{file}: not a checkpoint of format {FORMAT}; update the project or the file"
        )
    return card


def load_checkpoint(path: str | Path) -> tuple[nn.Module, Card]:
    """Rebuild a network from its two files, in evaluation mode.

    Args:
        path: a bare name (a committed checkpoint, as "unet") or the path of either file.

    Raises:
        UserError: a file is missing, of another format, damaged, or of another model.
    """
    path = stem_of(path)
    described = read_card(path)
    file = path.with_suffix(".safetensors")
    try:
        content = file.read_bytes()
    except OSError as error:
        raise UserError(f"{file}: {error.strerror}; the checkpoint needs both files") from None
    if hashlib.sha256(content).hexdigest() != described.get("tensors_sha256"):
        raise UserError(f"{file}: sha256 differs from {path.name}.json; fetch both files again")
    try:
        card = Card(**{name: described[name] for name in Card.__dataclass_fields__})
        tensors = load_file(file)
    except (KeyError, TypeError, SafetensorError) as error:
        raise UserError(f"{path}: not a readable checkpoint ({error})") from None
    model = create_model(card.model, **card.kwargs)
    _fill(model, tensors, path)
    return model.eval(), card


def _fill(model: nn.Module, tensors: dict[str, Tensor], path: Path) -> None:
    """Copy tensors into the model; every one must be expected, and none may be missing."""
    expected = trained_tensors(model)
    missing, surplus = expected.keys() - tensors.keys(), tensors.keys() - expected.keys()
    wrong = {n for n in expected.keys() & tensors.keys() if expected[n].shape != tensors[n].shape}
    for what, names in (("missing", missing), ("surplus", surplus), ("of another shape", wrong)):
        if names:
            raise UserError(f"{path}.safetensors: {len(names)} tensors {what}, as {min(names)}")
    for name, value in expected.items():
        value.data.copy_(tensors[name])


def stem_of(path: str | Path) -> Path:
    """ "unet" -> results/checkpoints/unet; a/b.json or a/b.safetensors -> a/b."""
    path = Path(path)
    if path.suffix in (".json", ".safetensors"):
        path = path.with_suffix("")
    return (
        CHECKPOINTS / path
        if len(path.parts) == 1 and not path.with_suffix(".json").is_file()
        else path
    )
