"""What a network costs: its weights, its multiplications, and the work that a clock can time.

Every network does the same work on the same photos: the project's samples, repeated to a batch.
"""

from collections.abc import Callable
from copy import deepcopy
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from common.config import CLASSES
from common.costs.stopwatch import in_turn
from common.data.dataset import to_float
from common.data.geometry import fit_mask, fit_photo
from common.files import artifact
from common.models import create_model, default_kwargs
from common.models.encoders.encoder import FrozenEncoder
from common.models.encoders.packing import pack
from common.samples import load_samples
from common.training.optim import TrainConfig, decay_groups

VERSION = 1  # raise it when something else is timed
BATCH = 16
FORMATS = {"float32": torch.float32, "bf16": torch.bfloat16}
LAYOUTS = {"contiguous": torch.contiguous_format, "channels last": torch.channels_last}


def parameters(model: nn.Module) -> tuple[int, int]:
    """How many weights are trained, and how many are frozen."""
    sizes = [(value.numel(), value.requires_grad) for value in model.parameters()]
    trained = sum(size for size, moves in sizes if moves)
    return trained, sum(size for size, _ in sizes) - trained


def multiply_adds(model: nn.Module, size: int) -> int:
    """Multiply-adds of one photo of ``size`` px, frozen encoder included.

    The counter knows matrix products and convolutions; attention is spelt out as such, and
    counted with gradients on, since without them torch fuses layers that it does not know.
    """
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter:
        model(torch.rand(1, 3, size, size))
    return counter.get_total_flops() // 2


def sample_batch(size: int, count: int = BATCH) -> dict[str, Tensor]:
    """The samples as a training batch: image (B, 3, S, S) in [0, 1], mask, species and breed."""
    samples = load_samples()
    samples = [samples[i % len(samples)] for i in range(count)]
    image = np.stack([fit_photo(sample.image, size) for sample in samples])
    species = [CLASSES.index(sample.species) - 1 for sample in samples]
    return {
        "image": to_float(torch.from_numpy(image).permute(0, 3, 1, 2)),
        "mask": torch.from_numpy(np.stack([fit_mask(sample.mask, size) for sample in samples])),
        "species": torch.tensor(species),
        "breed": torch.zeros(count, dtype=torch.long),
    }


def training_step(model: Any, size: int) -> Callable[[], object]:
    """One step of `common.training.trainer` on a copy of the network: bfloat16, clipped, AdamW.

    The augmentation is a loader's work, and the running average of the weights is left out.
    """
    return _step(deepcopy(model), sample_batch(size), model.inputs)


def kept_step(model: Any, size: int) -> Callable[[], object] | None:
    """The same for a decoder whose frozen encoder's features are kept; None where none are."""
    if not isinstance(getattr(model, "encoder", None), FrozenEncoder):
        return None
    batch = sample_batch(size)
    with torch.no_grad():
        batch["features"] = pack(model.encode_image(batch["image"])).half()
    return _step(deepcopy(model), batch, (*model.inputs, "features"))


def _step(model: Any, batch: dict[str, Tensor], inputs: tuple[str, ...]) -> Callable[[], object]:
    model = model.train().to(memory_format=torch.channels_last)
    config = TrainConfig()
    optimizer = torch.optim.AdamW(decay_groups(model, config.weight_decay), lr=1e-6)
    given = {name: batch[name] for name in inputs}

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16):
            loss = model.loss(given)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.clip)
        optimizer.step()
        optimizer.zero_grad()

    return step


def inference(model: nn.Module, size: int) -> Callable[[], object]:
    """Class scores of a batch, as `common.inference` asks for them: float32, channels last."""
    model = model.eval()
    image = sample_batch(size)["image"].contiguous(memory_format=torch.channels_last)

    @torch.inference_mode()
    def infer() -> Tensor:
        return model(image)

    return infer


def format_speed(
    name: str, *, size: int = 128, batch: int = 16, runs: int = 5, steps: int = 3
) -> pd.DataFrame:
    """Photos a second of forward and backward passes by number format and memory layout.

    Returns:
        Rows format, layout, run, photos_per_second.
    """
    networks = {
        layout: create_model(name).train().to(memory_format=order)
        for layout, order in LAYOUTS.items()
    }

    def work(form: str, layout: str) -> None:
        for _ in range(steps):
            _random_step(networks[layout], size, batch, FORMATS[form], LAYOUTS[layout])

    works = {pair: partial(work, *pair) for pair in product(FORMATS, LAYOUTS)}
    rows = [
        (*pair, run, round(steps * batch / spent, 2)) for pair, run, spent in in_turn(works, runs)
    ]
    return pd.DataFrame(rows, columns=["format", "layout", "run", "photos_per_second"])


def _random_step(
    network: nn.Module, size: int, batch: int, form: torch.dtype, layout: torch.memory_format
) -> None:
    """One forward and backward pass on random photos."""
    image = torch.rand(batch, 3, size, size).contiguous(memory_format=layout)
    mask = torch.randint(len(CLASSES), (batch, size, size), dtype=torch.uint8)
    whole = {"image": image, "mask": mask, "breed": torch.zeros(batch, dtype=torch.long)}
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=form is torch.bfloat16):
        loss = network.loss({key: whole[key] for key in network.inputs})
    loss.backward()
    network.zero_grad(set_to_none=True)


def format_speed_or_load(file: Path, name: str, *, measure: bool, **how: int) -> pd.DataFrame:
    """The table of `format_speed`, measured where what is asked changed, else as stored."""
    key = {"model": name, "kwargs": default_kwargs(name), **how} if measure else None
    return artifact(file, partial(format_speed, name, **how), key=key)
