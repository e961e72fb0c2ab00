"""Settings of a run that make sense, checked before hours go by."""

from __future__ import annotations

import math
from dataclasses import asdict
from pathlib import PurePath

from common.config import UserError
from common.training.optim import TrainConfig

RANGES: dict[str, tuple[float, float]] = {  # lowest and highest value that does
    "epochs": (1, 10**6),
    "batch_size": (1, 10**5),
    "lr": (1e-9, 10),
    "weight_decay": (0, 10),
    "warmup": (0, 10**6),
    "clip": (1e-9, math.inf),
    "ema": (0, 1),
    "seed": (0, 2**32 - 1),
    "fraction": (1e-6, 1),
    "samples": (0, 10**9),
    "patience": (0, 10**6),
    "coarse": (0, 1),
    "max_steps": (0, 10**9),
    "workers": (0, 256),
}
PRECISIONS = ("bf16", "no")


def check_settings(name: str, config: TrainConfig) -> None:
    """Refuse a run of an impossible name or setting.

    Raises:
        UserError: it says which, and what would do.
    """
    path = PurePath(name)
    if not path.name or path.is_absolute() or ".." in path.parts or len(name) > 100:
        raise UserError(f"name {name[:60]!r}: a run's name is that of a file in its folder")
    for setting, value in asdict(config).items():
        low, high = RANGES.get(setting, (-math.inf, math.inf))
        if setting in RANGES and not low <= value <= high:
            raise UserError(f"{setting} {value} does not do; choose {low:g} to {high:g}")
    if config.precision not in PRECISIONS:
        raise UserError(
            f"precision {config.precision!r} is unknown; choose one of {', '.join(PRECISIONS)}"
        )
