"""A pipeline from its notebooks: the plan, the choice of notebooks, and their run.

Where a notebook trains, later ones read what it writes: one runs after the other. A replay writes
nothing that another reads: its notebooks run side by side, the longest first.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from datetime import datetime
from math import inf
from pathlib import Path
from typing import Any

import nbformat

from common.config import UserError, atomic_path, cores
from common.pipeline.account import duration
from common.pipeline.execute import NotebookFailed, execute
from common.pipeline.notebook import read_notebook, select, with_outputs
from common.pipeline.parameters import assign
from common.pipeline.plan import Plan, Step
from common.pipeline.state import DONE, FAILED, RUNNING
from common.pipeline.workers import side_by_side, workers
from common.provenance import file_sha256

CELLS = 3  # a second, of a notebook that has not run here
Running = dict[Future, tuple[str, Step]]  # with what its lines begin
Job = tuple[Callable[..., Any], Any, Any]  # what is done, with what


def make_plan(
    root: Path, runs: Path, profile: Mapping[str, Mapping[str, object]], overrides: Sequence[str]
) -> Plan:
    """All numbered notebooks of a project with their parameters.

    Args:
        root: the project's folder.
        runs: where executed notebooks and the state of their runs are kept.
        profile: notebook (``*``: all) -> parameters.
        overrides: ``NAME.key=value`` each.
    """
    paths = sorted((root / "notebooks").glob("[0-9]*.ipynb"))
    if not paths:
        raise UserError(f"{root / 'notebooks'} holds no numbered notebook; restore it with git")
    notebooks = tuple(read_notebook(path) for path in paths)
    return Plan(root, runs, notebooks, assign(notebooks, profile, overrides))


def choose(plan: Plan, only: Sequence[str] | None, start: str | None) -> list[str]:
    """Names of the notebooks to run: these alone, or this one and later ones."""
    names = [notebook.name for notebook in plan.notebooks]
    if only:
        wanted = {name for text in only for name in select(plan.notebooks, text)}
        names = [name for name in names if name in wanted]
    if start:
        first = select(plan.notebooks, start)[0]
        names = [name for name in names if name >= first]
    return names


def run_steps(
    plan: Plan, chosen: Sequence[str], force: bool, meanwhile: Iterable[Job] = ()
) -> list[Any]:
    """Run what is not up to date, saying so a line each.

    Args:
        plan, chosen, force: as of `Plan.steps`.
        meanwhile: what needs no notebook; left out where notebooks run one after the other.

    Returns:
        What ``meanwhile`` gave; nothing for what was left out or failed.

    Raises:
        NotebookFailed: the first that failed; those that ran beside it are done, none is begun.
        UserError: an output could not be written.
    """
    steps: Iterable[tuple[int, Step]] = enumerate(plan.steps(chosen, force), 1)
    count = 1
    if not any(_trains(plan, name) for name in chosen):
        steps = list(steps)
        count = max(1, min(side_by_side(), sum(step.action == "run" for _, step in steps)))
    if count > 1:
        steps = sorted(steps, key=lambda numbered: _expected(plan, numbered[1]), reverse=True)
    threads = max(1, cores() // count) if count > 1 else 0
    running: Running = {}
    with workers(count) as pool:
        try:  # first what is no notebook: the last ones are short, and end together
            more = [pool.submit(make, *of) for make, *of in meanwhile] if count > 1 else []
            for number, step in steps:
                label = f"[{number}/{len(chosen)}] {step.notebook.name} …"
                if step.action != "run":
                    _leave(plan, step, label)
                    continue
                _announce(plan, step, label)
                job = pool.submit(execute, step, plan.output(step.notebook), plan.root, threads)
                running[job] = label, step
                while len(running) >= count:
                    _take_in(plan, running)
            while running:
                _take_in(plan, running)
            return [job.result() for job in more if not job.exception()]
        except NotebookFailed:
            while running:
                with suppress(NotebookFailed):
                    _take_in(plan, running)
            raise


def _trains(plan: Plan, name: str) -> bool:
    declared = next(each.declared for each in plan.notebooks if each.name == name)
    return bool((declared | plan.given[name]).get("train"))


def _expected(plan: Plan, step: Step) -> float:
    """Seconds that a step will take; first comes what needs no kernel."""
    if step.action != "run":
        return inf
    last = plan.state.get(step.notebook.name).get("seconds")
    return last or len(step.notebook.node.cells) / CELLS


def _leave(plan: Plan, step: Step, label: str) -> None:
    """Keep a notebook's outputs, with its new text around them where only that changed."""
    if step.action == "keep":
        print(f"{label} up to date", flush=True)
        return
    output = plan.output(step.notebook)
    merged = with_outputs(step.notebook.node, nbformat.read(output, as_version=4))
    with atomic_path(output) as temporary:
        nbformat.write(merged, temporary)
    prose = step.notebook.prose_key()
    plan.state.put(step.notebook.name, prose=prose, output=file_sha256(output))
    print(f"{label} new text, no cell ran", flush=True)


def _announce(plan: Plan, step: Step, label: str) -> None:
    last = plan.state.get(step.notebook.name).get("seconds")
    took = f" (took {duration(last)} last time)" if last else ""
    print(f"{label} running{took}", flush=True)
    plan.state.put(step.notebook.name, status=RUNNING)


def _take_in(plan: Plan, running: Running) -> None:
    """Wait for one of the notebooks that run, and remember how it ended."""
    job = next(iter(wait(running, return_when=FIRST_COMPLETED).done))
    label, step = running.pop(job)
    name = step.notebook.name
    try:
        seconds = _seconds(job, name)
    except NotebookFailed as error:
        plan.state.put(name, status=FAILED, error=str(error).partition(";")[0])
        print(f"{label} failed", flush=True)
        raise
    plan.state.put(
        name,
        status=DONE,
        key=step.key,
        parts=step.parts,
        parameters=step.parameters,
        prose=step.notebook.prose_key(),
        output=file_sha256(plan.output(step.notebook)),
        seconds=round(seconds, 1),
        finished=datetime.now().astimezone().isoformat(timespec="seconds"),
    )
    print(f"{label} done in {duration(seconds)}", flush=True)


def _seconds(job: Future, name: str) -> float:
    try:
        return job.result()
    except BrokenProcessPool:
        raise NotebookFailed(
            f"{name}: its process or one beside it died (killed, crashed or out of memory); "
            "run the same command again: finished notebooks are kept"
        ) from None
