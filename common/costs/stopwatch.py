"""The stopwatch: a call's seconds, and calls that take turns so that noise falls on all alike.

(`torch.utils.benchmark.Timer` warms each call up anew, and so cannot let several take turns.)
"""

from collections.abc import Callable, Iterator, Mapping
from itertools import product
from time import perf_counter
from typing import TypeVar

import torch
from tqdm.auto import tqdm

Key = TypeVar("Key")


def seconds(work: Callable[[], object]) -> float:
    """How long a call takes, to the end of what it gave an accelerator to do."""
    start = perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return perf_counter() - start


def in_turn(
    works: Mapping[Key, Callable[[], object]], runs: int
) -> Iterator[tuple[Key, int, float]]:
    """Time all calls once in each run (A B C A B C …).

    Args:
        works: by name; each draws the same random numbers in a run, whoever came before.
        runs: kept; one more, the first, warms up.

    Yields:
        name, run (1 …), seconds.
    """
    for run, name in tqdm([*product(range(runs + 1), works)], "timing", mininterval=1):
        torch.manual_seed(run)  # how many rounds of clicks a training step takes is drawn
        spent = seconds(works[name])
        if run:
            yield name, run, spent
