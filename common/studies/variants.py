"""What the ablations of notebooks 02 to 06 take away, one claim at a time.

The stem sees pixels and could paint masks with useless features, so every claim about features
rests on rows without it.
"""

from dataclasses import dataclass, field

from common.models.query.neck import PLAIN


@dataclass(frozen=True)
class Variant:
    """One row of an ablation.

    Attributes:
        run: short name, "base" for the one that the others are compared with.
        label, group: for the reader.
        model: arguments of the model that differ from the base.
        training: fields of `TrainConfig` that differ.
        fit: how photos are brought to the square.
    """

    run: str
    label: str
    group: str = ""
    model: dict = field(default_factory=dict)
    training: dict = field(default_factory=dict)
    fit: str = "stretch"


NO_STEM = {"stem": False}
RANDOM = {"random": True}
IMAGENET = {"encoder": "lite0", "backbone": ""}

UNET = (
    Variant("base", "as built"),
    Variant("no-residual", "no residual shortcuts", "architecture", {"residual": False}),
    Variant("no-skips", "no skips across", "architecture", {"skips": False}),
    Variant("no-attention", "no attention", "architecture", {"attention_levels": 0}),
    Variant("group-norm", "group for batch normalisation", "architecture", {"norm": "group"}),
    Variant("ce-only", "cross-entropy without Dice", "loss", {"dice_weight": 0.0}),
    Variant("no-breed", "without the breed's loss", "loss", {"breed_weight": 0.0}),
    Variant("no-augment", "no augmentation", "data", training={"recipe": "none"}),
    Variant("geometry", "geometry only, no damage", "data", training={"recipe": "geometry"}),
    Variant("letterbox", "letterbox for stretch", "data", fit="letterbox"),
)
MAE = (
    Variant("base", "MAE, stem, no neck"),
    Variant("random", "random encoder", "with the stem", RANDOM),
    Variant("stem-only", "stem alone", "with the stem", {"stem": "only"}),
    Variant("stem-off", "MAE, no stem", "without it", NO_STEM),
    Variant("50-stem-off", "MAE 50 %, no stem", "without it", {"backbone": "pets_50"} | NO_STEM),
    Variant("25-stem-off", "MAE 25 %, no stem", "without it", {"backbone": "pets_25"} | NO_STEM),
    Variant("random-stem-off", "random, no stem", "without it", RANDOM | NO_STEM),
    Variant("queries-3", "3 mask tokens", "decoder", {"queries": 3}),
    Variant("fixed", "one token a class", "decoder", {"queries": 3, "matching": "fixed"}),
    Variant("last-tap", "last layer alone", "decoder", {"taps": (7,)}),
    Variant("tuned", "encoder fine-tuned", "decoder", {"frozen": False}, {"recipe": "none"}),
    Variant("neck", "with a neck", "neck", PLAIN),
    Variant("neck-random", "neck, random encoder", "neck", RANDOM | PLAIN),
    Variant("neck-stem-off", "neck, no stem", "neck", NO_STEM | PLAIN),
    Variant("neck-random-stem-off", "neck, random, no stem", "neck", RANDOM | NO_STEM | PLAIN),
)
VIT = (
    Variant("base", "captions, stem, no neck"),
    Variant("random", "random encoder", "with the stem", RANDOM),
    Variant("stem-off", "captions, no stem", "without it", NO_STEM),
    Variant("random-stem-off", "random, no stem", "without it", RANDOM | NO_STEM),
)
LITE0 = (
    Variant("base", "as built: captions, stem"),
    Variant("imagenet", "ImageNet alone", "with the stem", IMAGENET),
    Variant("random", "random encoder", "with the stem", RANDOM),
    Variant("stem-only", "stem alone", "with the stem", {"stem": "only"}),
    Variant("stem-off", "captions, no stem", "without it", NO_STEM),
    Variant("imagenet-stem-off", "ImageNet, no stem", "without it", IMAGENET | NO_STEM),
    Variant("random-stem-off", "random, no stem", "without it", RANDOM | NO_STEM),
)
BASELINE = (
    Variant("base", "as built"),
    Variant("random", "random weights", "encoder", RANDOM),
    Variant("no-breed", "without the breed's loss", "loss", {"breed_weight": 0.0}),
)
CLICKS = (
    Variant("base", "as built"),
    Variant("input", "prompts join the photo", "where", {"prompt": "input"}),
    Variant("disk-2", "disk of radius 2", "click", {"radius": 2.0}),
    Variant("disk-5", "disk of radius 5", "click", {"radius": 5.0}),
    Variant("gaussian", "Gaussian of σ 3", "click", {"kind": "gaussian"}),
    Variant("no-previous", "without the mask before", "memory", {"previous": False}),
)
