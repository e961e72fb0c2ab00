"""Which encoders there are: how each is built, where its weights are, what scale it sees.

A new encoder costs a line in `ENCODERS`. Some are pretrained by this project itself: the
checkpoint of the pretraining is then the weight file.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from torch import nn

from common.config import UserError
from common.models.layers import HALF
from common.models.lite0 import Lite0
from common.models.pretraining.clip import PetClip
from common.models.pretraining.mae import small_vit
from common.models.towers import ClipTaps, TimmClasses, TimmTaps, clip_tower, timm_net
from common.models.weights import State, hub_weights, packaged_lite0

# of ImageNet: breeds of dogs; house cats and their wild kin
DOGS, CATS = tuple(range(151, 269)), tuple(range(281, 294))
SHARES = (25, 50)  # per cent of MAE's pretraining after which it was kept too
OWN = "CC BY-SA 4.0 (this project, on the Oxford-IIIT Pet photos)"  # licence
LAION = "MIT (OpenCLIP, trained on LAION-2B)"
ML = "ML Illustrated, EfficientNet-Lite0"
IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CLIP = ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711))


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """How to make one encoder.

    Attributes:
        build: the whole network, with random weights.
        frame: what makes the same network sooner, where its weights are replaced at once.
        weights: its tensors, from where they are published.
        own: instead, the checkpoint of this project that holds them.
        tower: how the network is tapped.
        taps: layers (of `TimmClasses`, classes) tapped unless told otherwise.
        prefix: of the network's tensors in a file that holds more.
        sha256: of the published weights, where one file is known to be theirs.
        activation: of the network; no tensor of a file would show another.
        mean, std: what its photos were normalised with, on the scale of [0, 1].
    """

    build: Callable[[], nn.Module]
    frame: Callable[[], nn.Module] | None = None
    weights: Callable[[], State] | None = None
    own: str = ""
    licence: str
    taps: tuple[int, ...]
    mean: tuple[float, float, float] = HALF
    std: tuple[float, float, float] = HALF
    tower: type[TimmTaps] | type[ClipTaps] | type[TimmClasses] = TimmTaps
    prefix: str = ""
    sha256: str = ""
    activation: str = "GELU"

    @property
    def reading(self) -> str:
        """What the network takes for granted of its weights, which none of them shows."""
        return f"activation {self.activation}, photos with mean {self.mean}, std {self.std}"


def _mae(size: str, depth: int) -> Recipe:
    name = f"vit_{size}.mae"
    return Recipe(
        build=partial(timm_net, name, num_classes=0, dynamic_img_size=True),
        weights=partial(hub_weights, f"timm/{name}", "model.safetensors"),
        licence="CC BY-NC 4.0, non-commercial (He et al. 2022, MAE)",
        taps=quarters(depth),
        mean=IMAGENET[0],
        std=IMAGENET[1],
    )


def _clip(name: str, repo: str, depth: int, scale: tuple, licence: str = LAION) -> Recipe:
    return Recipe(
        build=partial(clip_tower, name),
        weights=partial(hub_weights, repo, "open_clip_model.safetensors"),
        licence=licence,
        taps=quarters(depth),
        mean=scale[0],
        std=scale[1],
        tower=ClipTaps,
        prefix="visual.",
        activation="QuickGELU" if name.endswith("quickgelu") else "GELU",
    )


def _openai(name: str, repo: str, depth: int) -> Recipe:
    return _clip(f"{name}-quickgelu", repo, depth, CLIP, "MIT (OpenAI, CLIP)")


def quarters(depth: int) -> tuple[int, ...]:
    """The last layer of each quarter of a transformer."""
    return tuple(depth * part // 4 - 1 for part in (1, 2, 3, 4))


def _own_mae(file: str, size: int = 96, licence: str = OWN) -> Recipe:
    build = partial(small_vit, size=size)
    return Recipe(build=build, own=file, licence=licence, taps=quarters(8), prefix="encoder.")


def clip_vit(**kwargs) -> nn.Module:
    """The image tower of `PetClip` with random weights."""
    return PetClip(**kwargs).clip.visual


def clip_lite0() -> nn.Module:
    """EfficientNet-Lite0 as `PetClip` tunes it, without classifier, with random weights."""
    return PetClip(tower="lite0", random=True).clip.visual.trunk


def headless_lite0() -> nn.Module:
    """The network of `clip_lite0`."""
    net = Lite0()
    del net.classifier
    return net


LITE0 = Recipe(
    build=Lite0,
    weights=packaged_lite0,
    licence=f"Apache-2.0 ({ML})",
    taps=(1, 2, 3, 4),
    activation="ReLU6",
    sha256="5ddd2127c0bca728e964962e23156ff1c18c212e2338a9541f1fe37b6a1c67e9",
)
ENCODERS: dict[str, Recipe] = {
    "lite0": LITE0,
    "lite0_pets": replace(LITE0, tower=TimmClasses, taps=(*DOGS, *CATS)),
    "mae_vit_b": _mae("base_patch16_224", 12),
    "mae_vit_l": _mae("large_patch16_224", 24),
    "mae_vit_h": _mae("huge_patch14_224", 32),
    "clip_vit_b": _clip("ViT-B-16", "laion/CLIP-ViT-B-16-laion2B-s34B-b88K", 12, CLIP),
    "clip_vit_l": _clip("ViT-L-14", "laion/CLIP-ViT-L-14-laion2B-s32B-b82K", 24, (HALF, HALF)),
    "clip_vit_h": _clip("ViT-H-14", "laion/CLIP-ViT-H-14-laion2B-s32B-b79K", 32, CLIP),
    "openai_vit_b": _openai("ViT-B-16", "timm/vit_base_patch16_clip_224.openai", 12),
    "openai_vit_l": _openai("ViT-L-14", "timm/vit_large_patch14_clip_224.openai", 24),
    "mae_pets": _own_mae("mae_pets"),
    **{f"mae_pets_{share}": _own_mae(f"mae_pets-{share}") for share in SHARES},
    "mae_features": _own_mae("mae_features", 128, f"{OWN}; taught by Apache-2.0 weights ({ML})"),
    "clip_pets": Recipe(
        build=clip_vit,
        own="clip_pets",
        licence=OWN,
        taps=quarters(8),
        tower=ClipTaps,
        prefix="clip.visual.",
    ),
    "clip_lite0_pets": Recipe(
        build=clip_lite0,
        frame=headless_lite0,
        own="clip_lite0_pets",
        licence=f"{OWN}; begun from Apache-2.0 weights ({ML})",
        taps=(1, 2, 3, 4),
        prefix="clip.visual.trunk.",
    ),
}


def encoder_name(family: str, backbone: str = "") -> str:
    """Name in `ENCODERS`: "mae" and "vit_b" are "mae_vit_b"; a family of one needs no backbone."""
    name = f"{family}_{backbone}" if backbone else family
    sizes = [n.removeprefix(f"{family}_") for n in ENCODERS if n.startswith(f"{family}_")]
    if name not in ENCODERS and sizes:
        raise UserError(
            f"encoder {family!r} has no backbone {backbone!r}; choose one of {', '.join(sizes)}"
        )
    return name
