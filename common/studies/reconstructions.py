"""Photos painted by a masked autoencoder, as columns of pictures for `figures.mae.stages`.

Shapes: B photos, S edge of the network's photos, H W pixels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from common.figures.mae import hide
from common.models.pretraining.mae import MaskedAutoencoder

Columns = dict[str, list[np.ndarray]]  # title -> (H, W, 3) uint8 of each photo
SEED = 0  # of what is hidden: the same patches for every network


def pictures_of(images: Tensor) -> list[np.ndarray]:
    """(B, 3, H, W) in [0, 1] -> (H, W, 3) uint8 each."""
    return list((images * 255).round().byte().permute(0, 2, 3, 1).cpu().numpy())


def painted_by(
    models: Mapping[str, MaskedAutoencoder], photos: Tensor, ratio: float | None = None
) -> Columns:
    """What is seen, and what each network makes of it.

    Args:
        models: by title.
        photos: (B, 3, S, S) in [0, 1].
        ratio: share of the patches that is hidden, each network's own if None.
    """
    columns: Columns = {}
    for title, model in models.items():
        generator = torch.Generator().manual_seed(SEED)
        painted, hidden = model.eval().reconstruct(photos, ratio, generator)
        if not columns:
            seen = zip(pictures_of(photos), hidden.numpy(), strict=True)
            columns["what it sees"] = [hide(photo, mask) for photo, mask in seen]
        columns[title] = pictures_of(painted)
    return columns


def painted_at(model: MaskedAutoencoder, photos: Tensor, ratios: Sequence[float]) -> Columns:
    """What is seen and what is painted, for each share of hidden patches."""
    columns: Columns = {}
    for ratio in ratios:
        seen, painted = painted_by({"painted": model}, photos, ratio).values()
        columns |= {f"{ratio:.0%} hidden": seen, f"painted, {ratio:.0%}": painted}
    return columns
