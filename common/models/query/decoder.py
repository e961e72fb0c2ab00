"""The query decoder: learnable mask tokens and an image that look at each other.

After Cheng et al. 2021 (MaskFormer: each token gives a class and a mask embedding, masks are dot
products with pixel embeddings) and Kirillov et al. 2023 (SAM: attention both ways, so that the
image learns what the tokens found). A 14×14 grid caps the outline, so a stem brings pixels back.

Shapes: B batch, H W the photo, h w the grid of the image tokens, N = h·w, Q mask tokens, K
classes, D width, P = D/2 channels of the pixel embeddings at 1/4 of the photo.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.config import UserError
from common.models.layers import full_precision, norm
from common.models.padding import resize
from common.models.query.layers import Refine, TwoWayLayer, fraction, pixel_stem, sine_positions
from common.models.query.neck import Hourglass

GRID = 4  # pixels of the photo for one of a mask's
TOKEN_STRIDE = 14  # features of at least this stride become image tokens, finer ones join later
STEMS = (True, False, "only")


class QueryDecoder(nn.Module):
    """Feature maps and the photo -> a class and a mask of each token.

    Args:
        channels, strides: of the feature maps.
        queries: mask tokens, at least as many as classes.
        width: D of tokens and image.
        depth: two-way layers.
        neck: of `Hourglass`, its coarser grids; () leaves it out. What it says is taught by more
            than the tokens' answer: see `lessons`.
        breeds: that the neck learns to name.
        stem: whether the photo's pixels join at 1/4, where they sharpen masks and have no say in
            the classes; "only" leaves the feature maps out. False and "only" are the controls:
            what do the encoder's features know?
    """

    def __init__(
        self,
        channels: tuple[int, ...],
        strides: tuple[int, ...],
        *,
        queries: int = 12,
        classes: int = 3,
        width: int = 128,
        depth: int = 2,
        heads: int = 8,
        neck: tuple[int, ...] = (),
        breeds: int = 37,
        stem: bool | str = True,
    ) -> None:
        super().__init__()
        if stem not in STEMS:
            known = ", ".join(map(str, STEMS))
            raise UserError(f"stem {stem!r} is unknown; choose one of {known}")
        if queries < classes:
            raise UserError(f"{queries} mask tokens for {classes} classes; take {classes} or more")
        fine = width // 2
        self.only = stem == "only"
        if self.only:
            channels, strides = (fine,), (16,)
        coarse = [stride for stride in strides if stride >= TOKEN_STRIDE] or [max(strides)]
        self.strides, self.grid = strides, min(coarse)
        widths = [width if stride >= self.grid else fine for stride in strides]
        self.project = nn.ModuleList(
            nn.Sequential(norm(c), nn.Conv2d(c, w, 1))
            for c, w in zip(channels, widths, strict=True)
        )
        if neck:
            self.neck = Hourglass(width, tuple(neck))
            self.to_breed = nn.Linear(neck[-1], breeds)
            self.to_places = nn.Conv2d(width, classes, 1)
        self.mask_tokens = nn.Parameter(torch.randn(queries, width))
        self.layers = nn.ModuleList(TwoWayLayer(width, heads) for _ in range(depth))
        self.stem = pixel_stem(fine) if stem else None
        self.refine = nn.ModuleList([Refine(width, fine), Refine(fine, fine)])
        self.to_pixels = nn.Sequential(norm(fine), nn.SiLU(), nn.Conv2d(fine, fine, 1))
        self.norm = nn.LayerNorm(width)
        self.to_class = nn.Linear(width, classes + 1)
        self.to_mask = nn.Sequential(
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, width),
            nn.ReLU(),
            nn.Linear(width, fine),
        )

    def forward(self, features: list[Tensor], image: Tensor) -> tuple[Tensor, Tensor]:
        """Class logits (B, Q, K + 1) and mask logits (B, Q, H/4, W/4)."""
        grids, skips = self.image_grids(features, image)
        return self.answer(grids[-1], skips, image)

    def answer(
        self, grid: Tensor, skips: list[list[Tensor]], image: Tensor
    ) -> tuple[Tensor, Tensor]:
        """`forward` of what `image_grids` gave."""
        tokens, image_embeddings, _ = self.look(grid)
        tokens = self.norm(tokens)
        pixels = self.pixel_embeddings(image_embeddings, skips, image)  # (B, P, H/4, W/4)
        masks = torch.einsum("bqp,bphw->bqhw", self.to_mask(tokens), pixels)
        return self.to_class(tokens), masks

    def lessons(self, grids: list[Tensor]) -> tuple[Tensor, Tensor]:
        """What a neck's grids are taught beside: breeds (B, breeds), each place (B, K, h, w)."""
        return self.to_breed(grids[0].mean((2, 3))), self.to_places(grids[-1])

    def attention(self, features: list[Tensor], image: Tensor) -> Tensor:
        """Where each token looks in each layer: (B, layers, Q, h, w), a sum of 1 over the grid."""
        _, grid, _, attn_weights = self.interact(features, image, need_weights=True)
        stacked = torch.stack(attn_weights, 1)  # (B, layers, Q, N)
        return stacked.unflatten(3, grid.shape[-2:])

    def interact(
        self, features: list[Tensor], image: Tensor, need_weights: bool = False
    ) -> tuple[Tensor, Tensor, list[list[Tensor]], list[Tensor]]:
        """Tokens (B, Q, D) and image embeddings (B, D, h, w) after the two-way layers.

        Returns also the maps of 1/8 and of 1/4, and if asked each layer's attention (B, Q, N).
        """
        grids, skips = self.image_grids(features, image)
        tokens, image_embeddings, attn_weights = self.look(grids[-1], need_weights)
        return tokens, image_embeddings, skips, attn_weights

    def image_grids(
        self, features: list[Tensor], image: Tensor
    ) -> tuple[list[Tensor], list[list[Tensor]]]:
        """The neck's grids, the last of which become image tokens; maps of 1/8 and of 1/4."""
        coarse, skips = self.project_maps(features, image)
        size = max(tuple(x.shape[-2:]) for x in coarse)
        grid = torch.stack([resize(x, size) for x in coarse]).sum(0)  # (B, D, h, w)
        return self.neck(grid) if hasattr(self, "neck") else [grid], skips

    def look(
        self, grid: Tensor, need_weights: bool = False
    ) -> tuple[Tensor, Tensor, list[Tensor]]:
        """The two-way layers: tokens (B, Q, D), embeddings (B, D, h, w), attention (B, Q, N)."""
        height, width = grid.shape[-2:]
        image_embeddings = grid.flatten(2).transpose(1, 2)
        pos_embed = sine_positions(height, width, image_embeddings)  # (N, D)
        tokens = mask_tokens = self.mask_tokens.expand(len(grid), -1, -1)  # (B, Q, D)
        attn_weights = []
        for layer in self.layers:
            tokens, image_embeddings, weights = layer(
                tokens, image_embeddings, mask_tokens, pos_embed, need_weights
            )
            attn_weights.append(weights)
        return tokens, image_embeddings.transpose(1, 2).unflatten(2, (height, width)), attn_weights

    def project_maps(
        self, features: list[Tensor], image: Tensor
    ) -> tuple[list[Tensor], list[list[Tensor]]]:
        """Maps that become image tokens (B, D, h, w), and those of 1/8 and 1/4 (B, P, h, w)."""
        pixels = self.stem(image) if self.stem is not None else None
        if self.only and pixels is not None:
            features = [F.adaptive_avg_pool2d(pixels, fraction(image, 16))]
        coarse: list[Tensor] = []
        skips: list[list[Tensor]] = [[], [] if pixels is None else [pixels]]
        for project, stride, feature in zip(self.project, self.strides, features, strict=True):
            group = coarse if stride >= self.grid else skips[stride < 8]
            group.append(project(feature))
        return coarse, skips

    def pixel_embeddings(self, grid: Tensor, skips: list[list[Tensor]], image: Tensor) -> Tensor:
        """Image embeddings (B, D, h, w) -> (B, P, H/4, W/4), by way of 1/8."""
        for refine, maps, stride in zip(self.refine, skips, (8, GRID), strict=True):
            grid = refine(grid, maps, fraction(image, stride))
        return self.to_pixels(grid)


def semantic_scores(class_logits: Tensor, mask_logits: Tensor) -> Tensor:
    """Logarithm of Σ_q softmax(class)·sigmoid(mask), "no object" dropped: (B, K, h, w).

    Each token shares itself out among classes, not classes among tokens. The logarithm makes a
    softmax of the scores give back the sums, scaled to 1 over the classes.

    Args:
        class_logits: (B, Q, K + 1).
        mask_logits: (B, Q, h, w).
    """
    with full_precision(mask_logits):
        classes = class_logits.float().softmax(-1)[..., :-1]  # (B, Q, K)
        sums = torch.einsum("bqk,bqhw->bkhw", classes, mask_logits.float().sigmoid())
        return sums.clamp_min(1e-6).log()
