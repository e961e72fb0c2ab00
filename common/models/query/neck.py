"""A neck for encoders of one grid: coarser grids of what they say, and back.

A plain transformer ends as fine as it began, so that nothing of it sees an animal as a whole in
one place. After Li et al. 2022 (ViTDet: a plain backbone's pyramid is made behind it) and
Newell et al. 2016 (stacked hourglass: down, up, and what was there is added).

Shapes: B batch, D width of the image tokens, h w their grid.
"""

from itertools import pairwise

from torch import Tensor, nn

from common.models.layers import Downsample, ResidualBlock, Upsample

PLAIN = {"neck": (128, 192)}  # of `QuerySegmenter`, for a plain transformer


class Hourglass(nn.Module):
    """Image tokens that have seen the whole photo: (B, D, h, w) -> each grid on the way back up.

    Coarsest first; the last is of the shape that came in.

    Args:
        width: D.
        coarser: channels of each coarser grid, half as fine as the one before; h and w must be
            multiples of the coarsest's step.
        depth: residual blocks of a grid on the way down.
        dropout: of `ResidualBlock`.
    """

    def __init__(
        self, width: int, coarser: tuple[int, ...], *, depth: int = 2, dropout: float = 0.1
    ) -> None:
        super().__init__()
        steps = [*pairwise((width, *coarser))]
        self.stages = nn.ModuleList(
            nn.Sequential(*(ResidualBlock(c, c, dropout=dropout) for _ in range(depth)))
            for c in (width, *coarser)
        )
        self.down = nn.ModuleList(Downsample(*step, attention=True) for step in steps)
        self.up = nn.ModuleList(Upsample(c, fine) for fine, c in steps)
        self.merge = nn.ModuleList(ResidualBlock(c, c, dropout=0.0) for c, _ in steps)

    def forward(self, grid: Tensor) -> list[Tensor]:
        passed = [self.stages[0](grid)]
        for down, stage in zip(self.down, self.stages[1:], strict=True):
            passed.append(stage(down(passed[-1])))  # (B, C, h/2, w/2)
        grids = [passed.pop()]
        for level in reversed(range(len(passed))):
            grids.append(self.merge[level](self.up[level](grids[-1]) + passed[level]))
        return grids
