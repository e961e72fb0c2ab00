"""Work shared by the processes that ``accelerate launch`` started; in one alone nothing changes.

`accelerate` is imported where there are several: loading it takes a second.
"""

import os
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn
from tqdm.auto import tqdm

Item = TypeVar("Item")
Result = TypeVar("Result")

MOST = 8  # threads of a process that read and count photos side by side
APART = 2_654_435_761  # of processes' seeds: 2³² over the golden ratio, as 32 bits count


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


def own_seed(seed: int) -> int:
    """What this process draws by; the first, or one alone, by the seed itself."""
    return seed + APART * int(os.environ.get("RANK", "0")) if several() else seed


def seed_worker(_: int) -> None:
    """For a loader's worker, which draws otherwise than those of other processes."""
    torch.manual_seed(own_seed(torch.initial_seed()))


def wait() -> None:
    """Go on when all processes have come here."""
    if several():
        _state().wait_for_everyone()


def spread(work: Callable[[Item], Result], items: Sequence[Item], says: str) -> list[Result]:
    """``[work(item) for item in items]``, done by all processes and known to each.

    A process does several items side by side: reading, networks and counting in threads with a
    core each leave less of them idle than a network that is spread over all and waited for.

    Args:
        work: an item's result may depend on that item alone.
        items: the same in every process.
        says: what the bar of progress says.
    """
    items, bar = list(items), {"desc": says, "unit": "batch", "mininterval": 1}
    with _threads() as pool:
        if not several():
            return list(tqdm(pool.map(work, items), total=len(items), **bar))
        from accelerate.utils import gather_object

        with _state().split_between_processes(items) as mine:
            done = pool.map(work, mine)
            rows = list(tqdm(done, total=len(mine), disable=not is_main(), **bar))
    return gather_object(rows)


@contextmanager
def _threads() -> Iterator[ThreadPoolExecutor]:
    """A pool that shares torch's threads out among its own."""
    count = torch.get_num_threads()
    workers = min(count, MOST)
    pool = ThreadPoolExecutor(
        workers, initializer=torch.set_num_threads, initargs=(count // workers,)
    )
    try:  # what threads do to the filters of warnings as they read photos ends here as well
        with warnings.catch_warnings(), pool:
            yield pool
    finally:
        torch.set_num_threads(count)  # which is one number for all threads that come later


def on_own_device(model: nn.Module) -> nn.Module:
    """The model on this process's device; where there is one process, the model as it is."""
    return model.to(_state().device) if several() else model


def _state():
    from accelerate import PartialState

    return PartialState()
