"""How training photos vary: geometry, colour, and the damage that notebook 08 will test.

Built from `torchvision.transforms.v2` on ``tv_tensors``, so that photo and mask move together and
the mask is only ever resampled by nearest neighbour. Frame corners that a rotation uncovers are
border (255) in the mask: they teach nothing.
"""

import torch
from torch import Tensor
from torchvision import tv_tensors
from torchvision.transforms import v2

from common.config import IGNORE, UserError

VERSION = 1  # raise it when a recipe draws or changes photos in another way: all train again
RECIPES = ("none", "colour", "geometry", "full")


class SaltAndPepper(v2.Transform):
    """Turn a random share of the pixels, up to ``amount``, black or white."""

    def __init__(self, amount: float = 0.15) -> None:
        super().__init__()
        self.amount = amount

    def make_params(self, flat_inputs: list) -> dict[str, float]:
        return {"share": float(torch.rand(()) * self.amount)}

    def transform(self, inpt: Tensor, params: dict[str, float]) -> Tensor:
        if not isinstance(inpt, tv_tensors.Image):
            return inpt
        draw = torch.rand(inpt.shape[-2:])
        out = inpt.masked_fill(draw < params["share"] / 2, 0)
        return tv_tensors.wrap(out.masked_fill(draw > 1 - params["share"] / 2, 255), like=inpt)


class ImageOnly(v2.Transform):
    """Apply ``inner`` to the photo and leave the mask, which stays the truth, alone."""

    def __init__(self, inner: v2.Transform) -> None:
        super().__init__()
        self.inner = inner

    def transform(self, inpt: Tensor, params: dict) -> Tensor:
        return self.inner(inpt) if isinstance(inpt, tv_tensors.Image) else inpt


def geometry() -> list[v2.Transform]:
    """Flip, turn, shift, scale and shear."""
    fill = {tv_tensors.Image: 128, tv_tensors.Mask: IGNORE}
    affine = v2.RandomAffine(
        20,
        translate=(0.12, 0.12),
        scale=(0.7, 1.4),
        shear=8,
        fill=fill,
        interpolation=v2.InterpolationMode.BILINEAR,
    )
    return [v2.RandomHorizontalFlip(), v2.RandomApply([affine], p=0.9)]


def colour() -> list[v2.Transform]:
    """Brightness, contrast and saturation of every photo; some lose their colour."""
    return [v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.4), v2.RandomGrayscale(0.05)]


def photometry() -> list[v2.Transform]:
    """Colour for every photo; noise, blur, contrast, brightness and erasing for some."""
    damage = [
        v2.GaussianBlur(5, sigma=(0.1, 2.0)),
        SaltAndPepper(0.15),
        v2.ColorJitter(brightness=(0.15, 1.0)),  # the protocol's "contrast down" scales pixels
        v2.ColorJitter(contrast=(0.3, 1.5)),
        v2.Compose(
            [
                v2.ToDtype(torch.float32, scale=True),
                v2.GaussianNoise(sigma=0.06),
                v2.ToDtype(torch.uint8, scale=True),
            ]
        ),
    ]
    return [
        *colour(),
        v2.RandomApply([v2.RandomChoice(damage)], p=0.4),
        ImageOnly(v2.RandomErasing(p=0.25, scale=(0.01, 0.12), value=0)),
    ]


def augmentation(recipe: str = "full") -> v2.Transform:
    """The transform of a training pair (Image (3, S, S) uint8, Mask (S, S) uint8).

    Args:
        recipe: "none", "colour", "geometry" (flips and affine) or "full" (all, and damage).
    """
    if recipe not in RECIPES:
        raise UserError(f"recipe {recipe!r} is unknown; choose one of {', '.join(RECIPES)}")
    steps = {"none": [], "colour": colour(), "geometry": geometry()}
    steps["full"] = [*geometry(), *photometry()]
    return v2.Compose(steps[recipe]) if steps[recipe] else v2.Identity()
