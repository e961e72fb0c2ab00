"""Parts of the query decoder: attention both ways, a step to a finer grid, the pixel stem.

Shapes: B batch, H W the photo, h w a grid, N = h·w image tokens, Q mask tokens, D width, P
channels of the pixel embeddings.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.models.layers import Normalize, ResidualBlock, norm
from common.models.padding import resize


class Attention(nn.Module):
    """Multi-head attention (Vaswani et al. 2017), no key with a bias: it would change nothing."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.to_q = nn.Linear(width, width)
        self.to_k = nn.Linear(width, width, bias=False)
        self.to_v = nn.Linear(width, width)
        self.out = nn.Linear(width, width)

    def split(self, x: Tensor) -> Tensor:
        """(B, N, D) -> (B, heads, N, D / heads)."""
        return x.unflatten(2, (self.heads, -1)).transpose(1, 2)

    def forward(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """(B, Q, D), (B, N, D), (B, N, D) -> (B, Q, D)."""
        q, k, v = self.split(self.to_q(query)), self.split(self.to_k(key)), self.to_v(value)
        x = F.scaled_dot_product_attention(q, k, self.split(v))  # (B, heads, Q, D / heads)
        return self.out(x.transpose(1, 2).flatten(2))

    def attn_weights(self, query: Tensor, key: Tensor) -> Tensor:
        """Attention of each of Q to each of N, the mean over heads: (B, Q, N)."""
        q, k = self.split(self.to_q(query)), self.split(self.to_k(key))
        return (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])).softmax(-1).mean(1)


class TwoWayLayer(nn.Module):
    """Tokens look at each other, then at the image; then the image looks at the tokens.

    SAM's two-way block; queries and keys carry their positions, values do not.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(4))
        self.self_attn = Attention(width, heads)
        self.cross_attn_token_to_image = Attention(width, heads)
        self.cross_attn_image_to_token = Attention(width, heads)
        self.mlp = nn.Sequential(
            nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)
        )

    def forward(
        self,
        tokens: Tensor,
        image_embeddings: Tensor,
        mask_tokens: Tensor,
        pos_embed: Tensor,
        need_weights: bool = False,
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Tokens and image after the layer, and if asked the tokens' attention (B, Q, N).

        Args:
            tokens, mask_tokens: (B, Q, D), the second as the tokens' positions.
            image_embeddings: (B, N, D).
            pos_embed: (N, D).
        """
        x = self.norms[0](tokens)
        tokens = tokens + self.self_attn(x + mask_tokens, x + mask_tokens, x)  # (B, Q, D)
        x, key = self.norms[1](tokens) + mask_tokens, image_embeddings + pos_embed
        attend = self.cross_attn_token_to_image
        attn_weights = attend.attn_weights(x, key) if need_weights else None  # (B, Q, N)
        tokens = tokens + attend(x, key, image_embeddings)
        tokens = tokens + self.mlp(self.norms[2](tokens))
        x = self.norms[3](image_embeddings) + pos_embed
        x = self.cross_attn_image_to_token(x, tokens + mask_tokens, tokens)  # (B, N, D)
        return tokens, image_embeddings + x, attn_weights


class Refine(nn.Module):
    """Features on a finer grid, the maps of that grid added: -> (B, C_out, h', w')."""

    def __init__(self, c_in: int, c_out: int) -> None:
        super().__init__()
        self.narrow = nn.Conv2d(c_in, c_out, 1)
        self.block = ResidualBlock(c_out, c_out, dropout=0.0)

    def forward(self, x: Tensor, skips: list[Tensor], size: tuple[int, int]) -> Tensor:
        x = resize(self.narrow(x), size)
        return self.block(sum((resize(other, size) for other in skips), start=x))


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
    """Positions of a grid in row-major order: (N, D), half of D for rows, half for columns.

    From half a wave over the whole photo to eight, so that a grid of any size fits.
    """
    quarter = like.shape[-1] // 4
    waves = 2 ** torch.linspace(-1, 3, quarter, device=like.device)

    def axis(count: int) -> Tensor:
        centre = (torch.arange(count, device=like.device) + 0.5) / count
        angle = 2 * math.pi * centre[:, None] * waves  # (count, D/4)
        return torch.cat([angle.sin(), angle.cos()], 1)  # (count, D/2)

    rows = axis(height)[:, None].expand(-1, width, -1)
    columns = axis(width)[None].expand(height, -1, -1)
    return torch.cat([rows, columns], -1).flatten(0, 1).to(like.dtype)


def fraction(image: Tensor, stride: int) -> tuple[int, int]:
    """Size of a photo's grid of some stride, rounded up."""
    return -(-image.shape[-2] // stride), -(-image.shape[-1] // stride)
