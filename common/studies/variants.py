"""The studies of notebooks 03, 04 and 06: what do an encoder's features know, and who profits?

The stem sees pixels and could paint masks with useless features, so every claim about features
rests on rows without it.
"""

from __future__ import annotations

from common.studies.ablation import Variant

NO_STEM = {"stem": False}
RANDOM = {"random": True}
IMAGENET = {"encoder": "lite0", "backbone": ""}

MAE = (
    Variant("base", "as built: MAE, stem"),
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
)
VIT = (
    Variant("base", "as built: captions, stem"),
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
