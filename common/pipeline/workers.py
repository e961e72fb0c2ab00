"""Who does the jobs: this process, or several beside it that end when it does."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager
from typing import Any

from common.config import cores

ROOM = 3e9  # bytes of memory for a job beside others: a kernel takes a third, the rest is not ours


def side_by_side() -> int:
    """How many jobs the cores and the memory of this machine allow at a time."""
    memory = float("inf")
    if hasattr(os, "sysconf"):  # not on Windows
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return max(1, int(min(cores(), memory // ROOM)))


@contextmanager
def workers(count: int) -> Iterator[Executor]:
    """Yield who takes up to ``count`` jobs at a time.

    One job is done at once, in this process. More are done by processes that are started for it,
    not forked or threads: papermill changes the environment and a logger of its process. If the
    block fails, the jobs that run are stopped as by Ctrl-C.
    """
    if count == 1:
        yield _Here()
        return
    with _Beside(count, multiprocessing.get_context("spawn"), _settle) as pool:
        try:
            yield pool
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


class _Here(Executor):
    """Does a job when it is submitted."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        future: Future = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _Beside(ProcessPoolExecutor):
    """Does jobs in processes that can be stopped."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future:
        return super().submit(_stoppable, fn, *args, **kwargs)


def _settle() -> None:
    """Leave Ctrl-C to the parent, and end with it, even where it is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    threading.Thread(target=_end_with_the_parent, daemon=True).start()


def _end_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _stoppable(job: Callable[..., Any], *arguments: Any) -> Any:
    """Do a job that SIGTERM ends as Ctrl-C would: it tidies up; the process waits for others."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return job(*arguments)
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
