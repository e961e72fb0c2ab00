"""Masked autoencoder (He et al. 2021, "Masked autoencoders are scalable vision learners").

Three quarters of a photo's patches are hidden; the encoder sees the others alone, and a light
decoder has to paint the hidden ones, or (MVP, Wei et al. 2022) to say what an ImageNet network
makes of all of them. The encoder is timm's transformer, so that `ImageEncoder` takes it over
tensor by tensor.

Shapes: B batch, H W pixels, P edge of a patch, N patches, n visible ones, D width of the encoder,
T numbers predicted of a patch.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.config import UserError
from common.models.layers import HALF, Normalize
from common.models.pretraining.teacher import ImageNetFeatures
from common.models.towers import timm_net

TARGETS = ("pixels", "features")
Masking = tuple[Tensor, Tensor]  # keep (B, n): visible patches; restore (B, N): their way back


def sine_table(grid: int, width: int) -> Tensor:
    """Fixed places of a grid's patches in row-major order, first that of the class token (0).

    (1, 1 + N, D).
    """
    from timm.layers import build_sincos2d_pos_embed

    return F.pad(build_sincos2d_pos_embed([grid, grid], width), (0, 0, 1, 0))[None]


def small_vit(
    *, size: int = 96, patch: int = 8, width: int = 192, depth: int = 8, heads: int = 3
) -> nn.Module:
    """timm's vision transformer without a head; afterwards photos of other sizes fit too.

    Its places are a buffer: nothing trains them, and a checkpoint holds them.
    """
    net = timm_net(
        "vit_tiny_patch16_224",
        img_size=size,
        patch_size=patch,
        embed_dim=width,
        depth=depth,
        num_heads=heads,
        num_classes=0,
        dynamic_img_size=True,
    )
    del net.pos_embed
    net.register_buffer("pos_embed", sine_table(size // patch, width))
    return net


def take(tokens: Tensor, order: Tensor) -> Tensor:
    """The tokens (B, N, D) that ``order`` (B, M) names, in its order: (B, M, D)."""
    return tokens.gather(1, order[..., None].expand(-1, -1, tokens.shape[-1]))


class MaskedAutoencoder(nn.Module):
    """Photo -> what its hidden patches look like, or what `ImageNetFeatures` says of all patches.

    Args:
        target: one of `TARGETS`.
        size, patch: edges in pixels of photo and patch.
        width, depth, heads: of the encoder.
        decoder_width, decoder_depth: of the decoder, in heads of 32; only pretraining needs it.
        ratio: share of the patches that training hides.

    Attributes:
        teacher: gives the features, the target; None where it is the photo's own pixels.
    """

    version = 1
    inputs = ("image",)

    def __init__(
        self,
        *,
        target: str = "pixels",
        size: int = 96,
        patch: int = 8,
        width: int = 192,
        depth: int = 8,
        heads: int = 3,
        decoder_width: int = 128,
        decoder_depth: int = 2,
        ratio: float = 0.75,
    ) -> None:
        super().__init__()
        from timm.models.vision_transformer import Block

        if target not in TARGETS:
            raise UserError(f"target {target!r} is unknown; choose one of {', '.join(TARGETS)}")
        if size % patch:
            raise UserError(f"size {size} is no multiple of the patch of {patch} px; choose one")
        self.size, self.patch, self.ratio, grid = size, patch, ratio, size // patch
        self.patches = grid**2
        self.normalize = Normalize(HALF, HALF)
        self.encoder = small_vit(size=size, patch=patch, width=width, depth=depth, heads=heads)
        self.decoder_embed = nn.Linear(width, decoder_width)
        self.mask_token = nn.Parameter(torch.randn(1, 1, decoder_width) * 0.02)
        places = sine_table(grid, decoder_width)
        self.register_buffer("decoder_pos_embed", places, persistent=False)
        heads = decoder_width // 32
        blocks = (Block(decoder_width, heads, qkv_bias=True) for _ in range(decoder_depth))
        self.decoder_blocks = nn.Sequential(*blocks)
        self.decoder_norm = nn.LayerNorm(decoder_width)
        self.teacher = ImageNetFeatures(grid) if target == "features" else None
        numbers = 3 * patch**2 if self.teacher is None else self.teacher.width
        self.decoder_pred = nn.Linear(decoder_width, numbers)

    def patchify(self, image: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, N, 3·P²)."""
        if image.shape[-2:] != (self.size, self.size):
            raise UserError(f"photos of {tuple(image.shape[-2:])}; this network takes {self.size}")
        p = self.patch
        cells = image.unflatten(3, (-1, p)).unflatten(2, (-1, p))  # (B, 3, h, P, w, P)
        return cells.permute(0, 2, 4, 3, 5, 1).flatten(3).flatten(1, 2)

    def unpatchify(self, patches: Tensor) -> Tensor:
        """(B, N, 3·P²) -> (B, 3, H, W)."""
        p, h = self.patch, self.size // self.patch
        cells = patches.unflatten(2, (p, p, 3)).unflatten(1, (h, h))  # (B, h, w, P, P, 3)
        return cells.permute(0, 5, 1, 3, 2, 4).flatten(4).flatten(2, 3)

    def random_masking(
        self, count: int, ratio: float | None = None, generator: torch.Generator | None = None
    ) -> Masking:
        """Hide a random ``ratio`` of the patches of ``count`` photos; see `Masking`."""
        order = torch.rand(count, self.patches, generator=generator).argsort(1)  # (B, N)
        hidden = round(self.patches * (self.ratio if ratio is None else ratio))
        return order[:, : self.patches - hidden], order.argsort(1)

    def forward_encoder(self, image: Tensor, keep: Tensor) -> Tensor:
        """Class token and visible patches (B, 1 + n, D) of photos (B, 3, H, W) in [0, 1]."""
        net = self.encoder
        x = net.patch_embed(self.normalize(image)).flatten(1, 2)
        x = take(x + net.pos_embed[:, 1:], keep)  # (B, n, D), each with its place
        cls_token = (net.cls_token + net.pos_embed[:, :1]).expand(len(x), -1, -1)
        return net.norm(net.blocks(torch.cat([cls_token, x], 1)))

    def forward_decoder(self, latent: Tensor, restore: Tensor) -> Tensor:
        """(B, 1 + n, D) and (B, N) -> the target of all patches, imagined (B, N, T), float32."""
        x = self.decoder_embed(latent)
        missing = restore.shape[1] + 1 - x.shape[1]
        mask_tokens = self.mask_token.to(x.dtype).expand(len(x), missing, -1)
        patches = take(torch.cat([x[:, 1:], mask_tokens], 1), restore)  # (B, N, D), unshuffled
        x = torch.cat([x[:, :1], patches], 1) + self.decoder_pos_embed  # (B, 1 + N, D)
        x = self.decoder_norm(self.decoder_blocks(x))
        return self.decoder_pred(x)[:, 1:].float()

    def forward(self, image: Tensor, keep: Tensor, restore: Tensor) -> Tensor:
        """The target of all patches (B, N, T), imagined."""
        return self.forward_decoder(self.forward_encoder(image, keep), restore)

    def forward_loss(self, image: Tensor, keep: Tensor, restore: Tensor) -> Tensor:
        """Mean squared error of the hidden patches; painting each in its mean grey costs 1.

        Of features, all patches count: what is said of a visible one is not in sight either.
        """
        target, _, _ = normal_patches(self.patchify(image))
        judged = restore >= keep.shape[1]
        if self.teacher is not None:
            target, judged = self.teacher(image), torch.ones_like(judged)
        error = (self(image, keep, restore) - target).square().mean(-1)  # (B, N)
        return (error * judged).sum() / judged.sum().clamp_min(1)

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """`forward_loss` of ``image`` (B, 3, H, W) with patches hidden at random."""
        image = batch["image"]
        keep, restore = (x.to(image.device) for x in self.random_masking(len(image)))
        return self.forward_loss(image, keep, restore)

    @torch.no_grad()
    def reconstruct(
        self, image: Tensor, ratio: float | None = None, generator: torch.Generator | None = None
    ) -> tuple[Tensor, Tensor]:
        """Photos (B, 3, H, W) with their hidden patches painted, and which pixels were hidden.

        What is predicted has no brightness and contrast of its own: each patch takes the true
        ones. Visible patches are the photo's.

        Returns:
            pictures (B, 3, H, W) in [0, 1], hidden (B, H, W) bool.

        Raises:
            UserError: it predicts features, which cannot be looked at.
        """
        if self.teacher is not None:
            raise UserError('features are no pictures; take a network with target="pixels"')
        masking = self.random_masking(len(image), ratio, generator)
        keep, restore = (x.to(image.device) for x in masking)
        patches = self.patchify(image)
        _, mean, deviation = normal_patches(patches)
        painted = self(image, keep, restore) * deviation + mean
        hidden = (restore >= keep.shape[1])[..., None].expand_as(patches)
        pictures = self.unpatchify(torch.where(hidden, painted, patches))
        return pictures.clamp(0, 1), self.unpatchify(hidden)[:, 0]


def normal_patches(patches: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Patches (B, N, 3·P²) with mean 0 and variance 1 each, their mean and their deviation.

    Local contrast made equal: the paper's better target.
    """
    mean = patches.mean(-1, keepdim=True)
    deviation = (patches.var(-1, keepdim=True) + 1e-6).sqrt()
    return (patches - mean) / deviation, mean, deviation
