"""Running one notebook: in its own kernel, into a temporary file, with a log and a clear end."""

import logging
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import nbformat
import papermill
from jupyter_client.kernelspec import NoSuchKernel
from nbclient.exceptions import DeadKernelError
from papermill.exceptions import PapermillExecutionError

from common.config import atomic_path
from common.pipeline.plan import Step

PATIENCE = 180  # seconds for a kernel to start or to hand over an output on a busy machine
# Training asks for the same large blocks at each step. glibc by default returns them to the system
# and gets them back page by page, a fifth of the step; other systems ignore these two.
KEEP_MEMORY = {"MALLOC_MMAP_MAX_": "0", "MALLOC_TRIM_THRESHOLD_": str(2**34)}


class NotebookFailed(RuntimeError):
    """A notebook stopped; the message names notebook, cell, cause, log and remedy."""


def execute(step: Step, output: Path, root: Path, threads: int = 0) -> float:
    """Run a notebook; its output is on disk whole or not at all.

    Args:
        step: the notebook and its parameters.
        output: where the executed copy goes, and its log beside it.
        root: the project's folder, in which it runs.
        threads: how many its computing takes where others run beside it; 0 for all cores.

    Returns:
        Seconds it took.

    Raises:
        NotebookFailed: a cell failed or the kernel died.
        UserError: the output could not be written.
    """
    started = time.monotonic()
    _run(step, output, root, threads)
    return time.monotonic() - started


def _run(step: Step, output: Path, root: Path, threads: int) -> None:
    name, log = step.notebook.name, output.with_suffix(".log")
    bar = sys.stderr.isatty() and not threads  # several at a time would write over each other
    with atomic_path(output) as temporary, _log_to(log) as logger, _environment(root, threads):
        try:
            papermill.execute_notebook(
                step.notebook.node,
                str(temporary).replace("{", "{{").replace("}", "}}"),  # papermill formats it
                step.given,
                cwd=str(root),
                kernel_name="python3",
                language="python",
                progress_bar={"desc": name, "leave": False} if bar else False,
                log_output=True,
                start_timeout=PATIENCE,
                iopub_timeout=PATIENCE,
                extra_arguments=["--log-level=CRITICAL"],  # no start-up notes on the terminal
            )
        except (PapermillExecutionError, RuntimeError, NoSuchKernel) as error:
            logger.error(str(error))
            raise NotebookFailed(
                f"{name}, {_what_happened(step, error, temporary)}; log: {log}; "
                "fix it and run the same command: finished notebooks are kept"
            ) from error


def _what_happened(step: Step, error: Exception, executed: Path) -> str:
    cause = f"{type(error).__name__}: {error}"
    if isinstance(error, PapermillExecutionError):
        index, cause = error.cell_index, f"{error.ename}: {error.evalue}"
    else:
        index = _last_started(executed)
        if isinstance(error, DeadKernelError):
            cause = "the kernel died (killed, crashed or out of memory)"
    where = "before its first cell" if index is None else f"cell {_number(step, index)}"
    return f"{where}: {cause}".partition("\n")[0]


def _last_started(output: Path) -> int | None:
    cells = nbformat.read(output, as_version=4).cells
    started = [i for i, c in enumerate(cells) if c.metadata.get("papermill", {}).get("start_time")]
    return started[-1] if started else None


def _number(step: Step, index: int) -> int:
    """Number of a cell in the source notebook, counted from 1, given its index as executed."""
    tags = [cell.metadata.get("tags", []) for cell in step.notebook.node.cells]
    injected_at = next((i + 1 for i, t in enumerate(tags) if "parameters" in t), index)
    return index + (0 if step.given and injected_at < index else 1)


@contextmanager
def _log_to(path: Path) -> Iterator[logging.Logger]:
    """Send papermill's messages and the cells' printed output to ``path``."""
    logger = logging.getLogger("papermill")
    handler = logging.FileHandler(path, mode="w", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    try:
        yield logger
    finally:
        logger.removeHandler(handler)
        handler.close()


@contextmanager
def _environment(root: Path, threads: int = 0) -> Iterator[None]:
    """Let kernels started inside import the project's packages, keep freed memory and share cores.

    What the user has set of the latter two stays.
    """
    before = dict(os.environ)
    path = os.pathsep.join([str(root), *filter(None, [before.get("PYTHONPATH")])])
    share = {"OMP_NUM_THREADS": str(threads)} if threads else {}
    inside = KEEP_MEMORY | share | before | {"PYTHONPATH": path}
    os.environ.update(inside)
    try:
        yield
    finally:
        for name in inside.keys() - before.keys():
            del os.environ[name]
        os.environ.update(before)
