"""Work shared by the processes that ``accelerate launch`` started; in one alone nothing changes.

`accelerate` is imported where there are several: loading it takes a second.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import nn

Item = TypeVar("Item")


def join() -> None:
    """Meet the other processes; a program that may have some calls this first.

    Without a GPU accelerate takes each process for alone, unless it is told to use the CPU.
    """
    if several():
        from accelerate import Accelerator

        if not torch.cuda.is_available():
            os.environ.setdefault("ACCELERATE_USE_CPU", "true")
        Accelerator()
    elif "MASTER_PORT" in os.environ and "ACCELERATE_MIXED_PRECISION" in os.environ:
        note = "accelerate started one process only; to have several without GPUs, "
        print(f"{note}use accelerate launch --multi_gpu --num_processes N", file=sys.stderr)


def several() -> bool:
    """Whether this process was started as one of several."""
    return int(os.environ.get("WORLD_SIZE", "1")) > 1


def is_main() -> bool:
    """Whether this is the process that prints and writes."""
    return not several() or _state().is_main_process


def wait() -> None:
    """Go on when all processes have come here."""
    if several():
        _state().wait_for_everyone()


def share(items: Sequence[Item]) -> Sequence[Item]:
    """What falls to this process: of n, every n-th item."""
    return items[_state().process_index :: _state().num_processes] if several() else items


def merged(items: Sequence[Item]) -> list[Item]:
    """The results of all processes, each with one for each item of its `share`, in order."""
    if not several():
        return list(items)
    from accelerate.utils import gather_object

    return interleaved(gather_object([list(items)]))


def interleaved(parts: Sequence[Sequence[Item]]) -> list[Item]:
    """Undo ``parts[p] = items[p::len(parts)]``."""
    total = sum(map(len, parts))
    return [parts[i % len(parts)][i // len(parts)] for i in range(total)]


def on_own_device(model: nn.Module) -> nn.Module:
    """The model on this process's device; where there is one process, the model as it is."""
    return model.to(_state().device) if several() else model


def _state():
    from accelerate import PartialState

    return PartialState()
