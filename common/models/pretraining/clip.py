"""CLIP (Radford et al. 2021) in a size for pets: open_clip's class, small towers, few words.

Where several photos of a batch show one breed, a caption is true of all of them: every true pair
is a positive, as in UniCL (Yang et al. 2022, "Unified contrastive learning in image-text-label
space"). Text is used here alone: a segmentation model takes over the image tower and no words.

Shapes: B batch, H W pixels, M texts, E embedding, K breeds.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.config import UserError
from common.models.building import FILLED_LATER
from common.models.layers import HALF, Normalize, full_precision
from common.models.pretraining.captions import (
    BREEDS,
    CATS,
    DOGS,
    HELD_OUT,
    LENGTH,
    OF_BREED,
    VOCABULARY,
    all_captions,
    tokenize,
    truths,
)
from common.models.towers import depthwise_in_float32
from common.models.weights import fill, packaged_lite0

TOWERS = ("vit", "lite0")
LARGEST_SCALE = 100.0  # of the logits, as in the paper
HIDDEN = -1e4  # added to the attention of words that come later: none is left
LITE0 = "tf_efficientnet_lite0"


def multi_positive_loss(image: Tensor, text: Tensor, scale: Tensor, positive: Tensor) -> Tensor:
    """Cross-entropy both ways, photos over texts and texts over photos.

    Where each photo has its own text alone, this is CLIP's loss.

    Args:
        image, text: (B, E) unit vectors.
        scale: of the logits.
        positive: (B, B) bool, [i, j]: text j is true of photo i; true on the diagonal.
    """
    with full_precision(image):
        logits = scale * image.float() @ text.float().T
    targets = positive.float()  # (B, B)
    of_photos = F.cross_entropy(logits, targets / targets.sum(1, keepdim=True))
    of_texts = F.cross_entropy(logits.T, targets.T / targets.T.sum(1, keepdim=True))
    return (of_photos + of_texts) / 2


class PetClip(nn.Module):
    """Photos and texts in one space, where a photo is near to what is true of it.

    Args:
        tower: "vit" (from scratch) or "lite0" (EfficientNet-Lite0 with its ImageNet weights).
        size: edge in pixels of the photos in training.
        patch, width, depth: of the transformer, in heads of 64.
        drop: share of its patches that a training step leaves out (FLIP, Li et al. 2023: the same
            accuracy in half the time).
        embed, text_width, text_depth: E, and the text tower's size.
        random: leave the ImageNet weights out.
    """

    version = 1
    inputs = ("image", "breed")

    def __init__(
        self,
        *,
        tower: str = "vit",
        size: int = 96,
        patch: int = 8,
        width: int = 192,
        depth: int = 8,
        drop: float = 0.5,
        embed: int = 128,
        text_width: int = 128,
        text_depth: int = 2,
        random: bool = False,
    ) -> None:
        super().__init__()
        import open_clip  # slow, and a UNet needs none of it

        if tower not in TOWERS:
            raise UserError(f"tower {tower!r} is unknown; choose one of {', '.join(TOWERS)}")
        self.size = size
        self.normalize = Normalize(HALF, HALF)
        vit = {"width": width, "layers": depth, "patch_size": patch, "patch_dropout": drop}
        vision = vit if tower == "vit" else {"timm_model_name": LITE0}
        text = {
            "context_length": LENGTH,
            "vocab_size": len(VOCABULARY) + 2,
            "width": text_width,
            "heads": text_width // 64,
            "layers": text_depth,
        }
        self.clip = open_clip.CLIP(embed, {"image_size": size, **vision}, text)
        # its mask is -inf, and averaged weights (which take in buffers) would make NaN of that
        self.clip.attn_mask.clamp_(min=HIDDEN)
        if tower == "lite0":
            trunk = depthwise_in_float32(self.clip.visual.trunk)
            if not random and not FILLED_LATER.get():
                weights = packaged_lite0()  # with ImageNet's classifier
                fill(trunk, {name: weights[name] for name in trunk.state_dict()}, "Lite0")
        captions = [tokenize(row) for row in all_captions()]
        self.register_buffer("captions", torch.stack(captions), persistent=False)
        self.register_buffer("truths", truths(), persistent=False)
        held_out = torch.tensor([breed in HELD_OUT for breed in BREEDS])
        self.register_buffer("held_out", held_out, persistent=False)

    def encode_image(self, image: Tensor) -> Tensor:
        """Photos (B, 3, H, W) in [0, 1], of the network's size -> (B, E) unit vectors."""
        return self.clip.encode_image(self.normalize(image), normalize=True)

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Tokens (M, L) of `tokenize` -> (M, E) unit vectors."""
        return self.clip.encode_text(tokens, normalize=True)

    @property
    def scale(self) -> Tensor:
        """What similarities are multiplied with to be logits."""
        return self.clip.logit_scale.exp().clamp(max=LARGEST_SCALE)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """`multi_positive_loss` of ``image`` and a random true caption for each ``breed`` (B,).

        Raises:
            UserError: a photo is of a breed that training must not see.
        """
        breed = batch["breed"]
        if self.held_out[breed].any():
            raise UserError(f"training must not see {', '.join(HELD_OUT)}; leave their photos out")
        template = torch.randint(len(self.captions), breed.shape).to(breed.device)
        text = self.encode_text(self.captions[template, breed])
        positive = self.truths[template, breed][:, breed].T  # [i, j]: text j of photo i
        return multi_positive_loss(self.encode_image(batch["image"]), text, self.scale, positive)

    @torch.no_grad()
    def prompts(self) -> tuple[Tensor, Tensor]:
        """Each breed's and each species' text, the mean over templates: (K, E) and (2, E)."""
        texts = torch.stack([self.encode_text(row) for row in self.captions]).float()  # (T, K, E)
        breeds, species = texts[: len(OF_BREED)], texts[len(OF_BREED) :]
        one_each = [BREEDS.index(group[0]) for group in (CATS, DOGS)]  # a species' are all alike
        return tuple(F.normalize(x.mean(0), dim=-1) for x in (breeds, species[:, one_each]))

    @torch.no_grad()
    def similarity(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Similarity of photos (B, 3, H, W) to each breed (B, K) and species (B, 2), float32."""
        photos = self.encode_image(image).float()
        breeds, species = self.prompts()
        with full_precision(photos):
            return photos @ breeds.T, photos @ species.T
