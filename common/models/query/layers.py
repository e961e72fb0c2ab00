"""Parts of the query decoder: attention both ways, a step to a finer grid, the pixel stem.

Shapes: B batch, H W the photo, h w a grid, N = h·w image tokens, Q mask tokens, D width, P
channels of the pixel embeddings.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor, nn

from common.models.layers import Normalize, ResidualBlock, norm


class Attention(nn.Module):
    """Who asks, looks where the keys answer, and takes the values there (Vaswani et al. 2017)."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width, bias=False)  # it would add the same to every place
        self.to_v = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        """(B, N, D) -> (B, heads, N, D / heads)."""
        return rearrange(x, "b n (m d) -> b m n d", m=self.heads)

    def forward(self, asks: Tensor, keys: Tensor, values: Tensor) -> Tensor:
        q, k, v = self.split(self.to_q(asks)), self.split(self.to_k(keys)), self.to_v(values)
        seen = F.scaled_dot_product_attention(q, k, self.split(v))
        return self.out(rearrange(seen, "b m n d -> b n (m d)"))

    def share(self, asks: Tensor, keys: Tensor) -> Tensor:
        """Attention of each of Q to each of N, the mean over heads: (B, Q, N)."""
        q, k = self.split(self.to_q(asks)), self.split(self.to_k(keys))
        return (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(-1).mean(1)


class TwoWayLayer(nn.Module):
    """Tokens look at each other, then at the image; then the image looks at the tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))
        self.among, self.to_image, self.to_tokens = (Attention(width, heads) for _ in range(3))
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(
        self, tokens: Tensor, image: Tensor, names: Tensor, places: Tensor, look: bool = False
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """tokens, names (B, Q, D), image (B, N, D), places (N, D) -> tokens, image, (B, Q, N)."""
        x = self.norms[0](tokens)
        tokens = tokens + self.among(x + names, x + names, x)
        x, keys = self.norms[1](tokens) + names, image + places
        share = self.to_image.share(x, keys) if look else None
        tokens = tokens + self.to_image(x, keys, image)
        tokens = tokens + self.mlp(self.norms[2](tokens))
        x = self.norms[3](image) + places
        image = image + self.to_tokens(x, tokens + names, tokens)
        return tokens, image, share


class Refine(nn.Module):
    """Features on a finer grid, with what that grid knows beside them: -> (B, C_out, h', w')."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(c_in, c_out, 1)
        self.block = ResidualBlock(c_out, c_out, dropout=0.0)

    def forward(self, x: Tensor, beside: list[Tensor], size: tuple[int, int]) -> Tensor:
        x = resize(self.narrow(x), size)
        return self.block(sum((resize(other, size) for other in beside), start=x))


def pixel_stem(width: int) -> nn.Sequential:
    """Photo (B, 3, H, W) -> (B, P, H/4, W/4): it sees 11 pixels to each side."""
    return nn.Sequential(
        Normalize((0.5, 0.5, 0.5), (0.25, 0.25, 0.25)),
        nn.Conv2d(3, width // 2, 3, stride=2, padding=1),
        norm(width // 2),
        nn.SiLU(),
        nn.Conv2d(width // 2, width, 3, stride=2, padding=1),
        ResidualBlock(width, width, dropout=0.0),
    )


def sine_positions(height: int, width: int, like: Tensor) -> Tensor:
    """Places of a grid in row-major order as sines: (N, D), half of D for rows, half for columns.

    From half a wave over the whole photo to eight, so that a grid of any size can be told.
    """
    quarter = like.shape[-1] // 4
    waves = 2 ** torch.linspace(-1, 3, quarter, device=like.device)

    def axis(count: int) -> Tensor:
        place = (torch.arange(count, device=like.device) + 0.5) / count
        angle = 2 * math.pi * place[:, None] * waves
        return torch.cat([angle.sin(), angle.cos()], 1)  # (count, D/2)

    rows = axis(height)[:, None].expand(-1, width, -1)
    columns = axis(width)[None].expand(height, -1, -1)
    return rearrange(torch.cat([rows, columns], -1), "h w d -> (h w) d").to(like.dtype)


def full_precision(x: Tensor) -> torch.autocast:
    """Context without mixed precision on the device of ``x``, for sums over many pixels."""
    return torch.autocast("cpu" if x.is_meta else x.device.type, enabled=False)


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """(B, C, h, w) on another grid."""
    return x if x.shape[-2:] == size else F.interpolate(x, size, mode="bilinear")


def fraction(image: Tensor, stride: int) -> tuple[int, int]:
    """Size of a photo's grid of some stride, rounded up."""
    return -(-image.shape[-2] // stride), -(-image.shape[-1] // stride)
