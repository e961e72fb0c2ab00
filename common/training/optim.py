"""How the weights move: a run's settings, the rate's schedule, who decays, the running average."""

from __future__ import annotations

import math
from dataclasses import dataclass

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A run, but for the model and the data.

    Attributes:
        epochs, batch_size: an epoch is ``samples`` photos (0: all), drawn without replacement.
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
