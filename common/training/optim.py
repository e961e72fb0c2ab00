"""How the weights move: a run's settings, the rate's schedule, who decays, the running average."""

import math
from dataclasses import asdict, dataclass

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

from common.config import UserError


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A run, but for the model and the data.

    Attributes:
        epochs, batch_size: an epoch is ``samples`` photos (0: all), drawn without replacement.
            Each of several processes takes batches of that size; with fewer photos than they take
            at once, photos are seen more than once.
        lr, weight_decay, warmup, clip: AdamW's rate peaks after ``warmup`` epochs, then falls as a
            cosine to 0; gradients are clipped to the norm ``clip``.
        ema: decay of the averaged weights, which are the ones scored and kept.
        seed, fraction: of all randomness; share of the training photos used.
        patience: epochs without a better validation mIoU before stopping early (0: never).
        recipe: of `common.data.augment.augmentation`.
        coarse: share of the epochs, the first ones, that see photos at 3/4 of their edge: more
            epochs for the same time (progressive resizing, Tan and Le 2021).
        precision: "bf16" or "no".
        max_steps: steps of an epoch at most (0: no limit), for smoke runs.
        workers: processes that decode and augment.
    """

    epochs: int = 40
    batch_size: int = 16
    lr: float = 1e-3
    weight_decay: float = 0.05
    warmup: float = 1.0
    clip: float = 1.0
    ema: float = 0.998
    seed: int = 0
    fraction: float = 1.0
    samples: int = 0
    patience: int = 0
    recipe: str = "full"
    coarse: float = 0.0
    precision: str = "bf16"
    max_steps: int = 0
    workers: int = 1


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


def check_settings(config: TrainConfig) -> None:
    """Refuse impossible settings before hours go by.

    Raises:
        UserError: it says which, and what would do.
    """
    for setting, value in asdict(config).items():
        low, high = RANGES.get(setting, (-math.inf, math.inf))
        if setting in RANGES and not low <= value <= high:
            raise UserError(f"{setting} {value} does not do; choose {low:g} to {high:g}")
    if config.precision not in PRECISIONS:
        raise UserError(
            f"precision {config.precision!r} is unknown; choose one of {', '.join(PRECISIONS)}"
        )


def learning_rate(epoch: float, config: TrainConfig) -> float:
    """Share of the peak rate at a (fractional) epoch: linear warm-up, then a half cosine."""
    if epoch < config.warmup:
        return (epoch + 1e-3) / config.warmup
    done = (epoch - config.warmup) / max(1e-9, config.epochs - config.warmup)
    return 0.5 * (1 + math.cos(math.pi * min(1.0, done)))


def decay_groups(model: nn.Module, weight_decay: float) -> list[dict]:
    """Weight decay for matrices and kernels, none for biases, norms and single vectors."""
    trained = [value for value in model.parameters() if value.requires_grad]
    return [
        {"params": [value for value in trained if value.ndim > 1], "weight_decay": weight_decay},
        {"params": [value for value in trained if value.ndim <= 1], "weight_decay": 0.0},
    ]


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """Exponential moving average of the weights, quicker while there are few steps behind it.

    Running statistics of batch normalisation are averaged too: those of the raw network belong to
    other weights.
    """

    def update(mean: Tensor, new: Tensor, count: Tensor | int) -> Tensor:
        if not mean.is_floating_point():
            return new  # a count of batches
        return mean.lerp(new, 1 - min(decay, (1 + int(count)) / (10 + int(count))))

    return AveragedModel(model, avg_fn=update, use_buffers=True)
