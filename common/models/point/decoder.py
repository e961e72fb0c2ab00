"""Where clicks meet the photo: a light decoder that takes the prompt at each of its resolutions.

Shapes: B batch, C channels, h w the mask's grid. A prompt (B, P, h, w) is the click map of the
pet, that of the ground, the mask of before and maps of how near a click is, all in [0, 1].
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from common.models.layers import ResidualBlock, SelfAttention


class PromptStage(nn.Module):
    """Coarser features, the photo's features and the prompt of a level -> (B, C_out, h, w)."""

    def __init__(
        self, c_coarse: int, c_photo: int, c_out: int, *, attention: bool, c_prompt: int
    ) -> None:
        super().__init__()
        self.coarse = nn.Conv2d(c_coarse, c_out, 1) if c_coarse else None
        self.photo = nn.Conv2d(c_photo, c_out, 1)
        prompted = nn.Conv2d(c_prompt, c_out, 3, padding=1, bias=False) if c_prompt else None
        self.prompt = prompted
        self.blocks = nn.Sequential(ResidualBlock(c_out, c_out, dropout=0.0))
        if attention:  # a click speaks of the whole animal
            self.blocks.extend([SelfAttention(c_out), ResidualBlock(c_out, c_out, dropout=0.0)])

    def forward(self, coarse: Tensor | None, photo: Tensor, prompt: Tensor) -> Tensor:
        x = self.photo(photo)
        if self.prompt is not None:
            x = x + self.prompt(prompt)
        if coarse is not None and self.coarse is not None:
            x = x + F.interpolate(self.coarse(coarse), x.shape[-2:], mode="bilinear")
        return self.blocks(x)


class PromptDecoder(nn.Module):
    """The way up, from the photo's features and a prompt to the pet's mask.

    Args:
        c_photo: channels of the photo's features, finest first.
        widths: channels of the levels, finest first, one for each of the features used.
        c_prompt: channels of the prompt; 0 where the photo has it already.
        attending: levels, the coarsest ones, whose places look at one another.
    """

    def __init__(
        self,
        c_photo: Sequence[int],
        widths: Sequence[int],
        *,
        c_prompt: int = 3,
        attending: int = 1,
    ) -> None:
        super().__init__()
        levels = list(zip((*widths[1:], 0), c_photo, widths, strict=True))
        self.stages = nn.ModuleList(
            PromptStage(*level, attention=i >= len(levels) - attending, c_prompt=c_prompt)
            for i, level in enumerate(levels)
        )
        self.head = nn.Conv2d(widths[0], 1, 1)
        self.quality = nn.Linear(widths[0] + widths[-1], 1)

    def forward(self, photo: Sequence[Tensor], prompt: Tensor) -> tuple[Tensor, Tensor]:
        """Mask logits (B, 1, h, w), and the IoU (B,) that they are likely to have, in [0, 1]."""
        x, pooled = None, []
        for level in reversed(range(len(self.stages))):
            x = self.stages[level](x, photo[level], shrink_prompt(prompt, 2**level))
            pooled.append(x.mean((2, 3)))
        quality = self.quality(torch.cat([pooled[0], pooled[-1]], 1))[:, 0]
        return self.head(x), quality.float().sigmoid()


def shrink_prompt(prompt: Tensor, factor: int) -> Tensor:
    """Prompt (B, P, h, w) on a coarser grid; the greatest value wins, so that no click is lost."""
    return F.max_pool2d(prompt, factor) if factor > 1 else prompt
