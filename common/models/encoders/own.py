"""Encoders that this project pretrains itself; their weights are its own checkpoints.

A pretraining's checkpoint is the weight file: an encoder's tensors are those behind a prefix.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

from torch import nn

from common.config import CHECKPOINTS, UserError
from common.models.encoders.recipes import HALF, Recipe, quarters
from common.models.encoders.towers import ClipTaps
from common.models.encoders.weights import State, read_weights
from common.models.pretraining.clip import PetClip
from common.models.pretraining.mae import small_vit

SHARES = (25, 50)  # per cent of MAE's pretraining after which it was kept too
LICENCE = "CC BY-SA 4.0 (this project, on the Oxford-IIIT Pet photos)"
_folders = [CHECKPOINTS]  # the last one counts
_AGAIN = "delete results/checkpoints/mae_pets.*, then "  # its training makes those of halfway


class MissingWeights(UserError):
    """The checkpoint of one of these encoders is not here."""


def look_in(folder: str | Path) -> None:
    """Take these encoders from ``folder`` from now on: a smoke run tries its own, not those here.

    What is committed needs no call.
    """
    _folders.append(Path(folder))


def committed(name: str) -> State:
    """Tensors of one of the project's own checkpoints.

    Raises:
        UserError: it is not there; the message names what makes it.
    """
    file = _folders[-1] / f"{name}.safetensors"
    if not file.is_file():
        notebook = "03_mae_seg" if name.startswith("mae") else "04_clip_seg"
        again = "" if name in ("mae_pets", "clip_pets", "clip_lite0_pets") else _AGAIN
        raise MissingWeights(
            f"{file}: the pretrained encoder is missing; fetch it again, or pretrain it: {again}"
            f"python -m common.run_all --profile cpu --only {notebook[:2]}"
        )
    return read_weights(file)


def clip_vit(**kwargs) -> nn.Module:
    """The image tower of `PetClip` with random weights."""
    return PetClip(**kwargs).clip.visual


def clip_lite0() -> nn.Module:
    """EfficientNet-Lite0 as `PetClip` tunes it, without classifier, with random weights."""
    return PetClip(tower="lite0", random=True).clip.visual.trunk


def _mae(name: str) -> Recipe:
    return Recipe(
        build=small_vit,
        weights=partial(committed, name),
        licence=LICENCE,
        taps=quarters(8),
        mean=HALF,
        std=HALF,
        prefix="encoder.",
    )


OWN_ENCODERS: dict[str, Recipe] = {
    "mae_pets": _mae("mae_pets"),
    **{f"mae_pets_{share}": _mae(f"mae_pets-{share}") for share in SHARES},
    "clip_pets": Recipe(
        build=clip_vit,
        weights=partial(committed, "clip_pets"),
        licence=LICENCE,
        taps=quarters(8),
        mean=HALF,
        std=HALF,
        tower=ClipTaps,
        prefix="clip.visual.",
    ),
    "clip_lite0_pets": Recipe(
        build=clip_lite0,
        weights=partial(committed, "clip_lite0_pets"),
        licence=f"{LICENCE}; begun from Apache-2.0 weights (ML Illustrated, EfficientNet-Lite0)",
        taps=(1, 2, 3, 4),
        mean=HALF,
        std=HALF,
        prefix="clip.visual.trunk.",
    ),
}
