"""The registry: every model of the report by name, and what the project knows of it.

A new model costs a module with a class (``version``, ``inputs``, ``forward``, ``loss``) and one
line here. Raise a class's ``version`` when what its training or inference computes changes: what
was made with the old one is then stale. Tidying leaves it alone.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from torch import nn

from common.config import CHECKPOINTS, UserError
from common.models.encoders.encoder import build_encoder
from common.models.imagenet_baseline import ImageNetBaseline
from common.models.point.point_unet import PointUNet
from common.models.pretraining.clip import PetClip
from common.models.pretraining.mae import MaskedAutoencoder
from common.models.query.segmenter import EncoderSegmenter, LinearSegmenter, QuerySegmenter
from common.models.unet import UNet

ENCODER_ARGUMENTS = tuple(inspect.signature(build_encoder).parameters)[:-1]  # all but the folder


@dataclass(frozen=True)
class Spec:
    """One model.

    Attributes:
        build: its class.
        kwargs: what `create_model` passes unless told otherwise.
        tunes: the published encoder whose weights its checkpoint holds, changed by training.
        labels: where ImageNet's labels have a say: "none", or "encoder" it begins with.
        control: whether it is there to be compared with; a user is offered the others.
    """

    build: Callable[..., nn.Module]
    kwargs: Mapping = field(default_factory=dict)
    tunes: str = ""
    labels: str = "none"
    control: bool = False

    @property
    def on_encoder(self) -> bool:
        """Whether it is composed with an encoder, which `ENCODER_ARGUMENTS` describe."""
        return inspect.isclass(self.build) and issubclass(self.build, EncoderSegmenter)

    @property
    def clickable(self) -> bool:
        """Whether it was made to be clicked on."""
        return hasattr(self.build, "decode_clicks")

    @property
    def takes(self) -> list[str]:
        """Names of the arguments of `create`."""
        of_encoder = ENCODER_ARGUMENTS if self.on_encoder else ()
        return list(dict.fromkeys([*of_encoder, *inspect.signature(self.build).parameters]))

    def create(self, folder: Path, **kwargs) -> nn.Module:
        """The untrained network; ``folder`` is of `build_encoder`."""
        if not self.on_encoder:
            return self.build(**kwargs)
        of_encoder = {name: kwargs.pop(name) for name in ENCODER_ARGUMENTS if name in kwargs}
        if kwargs.get("stem") == "only":
            return self.build(None, **kwargs)
        return self.build(build_encoder(**of_encoder, folder=folder), **kwargs)


LITE0 = {"encoder": "lite0"}
# backbone="vit_b", "vit_l" or "vit_h" takes the hub's encoders instead of the project's own
MAE = {"encoder": "mae", "backbone": "pets"}
CLIP = {"encoder": "clip", "backbone": "lite0_pets"}
CLIP_VIT = {"encoder": "clip", "backbone": "pets"}
MODELS: dict[str, Spec] = {  # a user is offered them in this order
    # the largest is the default, as in SAM
    "point_unet": Spec(PointUNet, tunes="lite0", labels="encoder"),
    "point_unet_m": Spec(
        PointUNet, {"widths": (16, 32, 48, 64, 96)}, tunes="lite0", labels="encoder"
    ),
    "point_unet_s": Spec(PointUNet, {"encoder": "residual", "widths": (32, 64, 96, 128)}),
    "clip_seg": Spec(QuerySegmenter, CLIP, labels="encoder"),
    "mae_seg": Spec(QuerySegmenter, MAE),
    "imagenet_baseline": Spec(ImageNetBaseline, tunes="lite0", labels="encoder"),
    "lite0_query": Spec(QuerySegmenter, LITE0, labels="encoder"),
    "unet": Spec(UNet, {"widths": (32, 64, 128, 192), "stem": 2}),  # for a CPU, at 128 px
    "unet_l": Spec(  # for a GPU, at 224 px
        UNet, {"widths": (64, 128, 256), "depth": 3, "up_depth": 3, "stem": 2}
    ),
    "clip_vit_seg": Spec(QuerySegmenter, CLIP_VIT, control=True),
    "lite0_linear": Spec(LinearSegmenter, LITE0, labels="encoder", control=True),
    "mae_linear": Spec(LinearSegmenter, MAE, control=True),
    "clip_linear": Spec(LinearSegmenter, CLIP, labels="encoder", control=True),
    "clip_vit_linear": Spec(LinearSegmenter, CLIP_VIT, control=True),
}
PRETRAINING: dict[str, Spec] = {  # they make encoders, and segment nothing
    "mae_pets": Spec(MaskedAutoencoder),
    "mae_features": Spec(MaskedAutoencoder, {"target": "features", "size": 128}),
    "clip_pets": Spec(PetClip),
    "clip_lite0_pets": Spec(PetClip, {"tower": "lite0", "size": 128}, tunes="lite0"),
}
ALIASES = {"point_unet_l": "point_unet"}  # second names, wherever a model or checkpoint is named


def full_name(name: str) -> str:
    """What the registry calls a model: the name that an alias stands for, or the name itself."""
    return ALIASES.get(name, name)


def model_spec(name: str) -> Spec:
    """What the registry knows of a model, by its name, an alias, or one of `PRETRAINING`."""
    known = MODELS | PRETRAINING
    if (name := full_name(name)) not in known:
        raise UserError(f"model {name!r} is unknown; choose one of {', '.join(sorted(known))}")
    return known[name]


def create_model(name: str, *, folder: Path = CHECKPOINTS, **kwargs) -> nn.Module:
    """Build an untrained model.

    Args:
        name: one of `list_models`, an alias of one, or one of `PRETRAINING`.
        folder: of checkpoints, where the project's own encoders are looked for before the
            committed ones.
        **kwargs: passed to the model, over its defaults.
    """
    spec = model_spec(name)
    try:
        return spec.create(folder, **{**spec.kwargs, **kwargs})
    except TypeError as error:
        takes = ", ".join(spec.takes)
        raise UserError(f"model {full_name(name)!r}: {error}; it takes {takes}") from None


def default_kwargs(name: str) -> dict:
    """What the registry passes to a model's class where `create_model` is not told otherwise."""
    return dict(model_spec(name).kwargs)


def list_models() -> list[str]:
    """Names that `create_model` takes with no further argument, each model once."""
    return sorted(MODELS)


model_registry: dict[str, Callable[..., nn.Module]] = {
    size: partial(create_model, "mae_seg", backbone=size) for size in ("vit_b", "vit_l", "vit_h")
}
