"""A pipeline from its notebooks: the plan, the choice of notebooks, and their run in order."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from common.config import UserError
from common.pipeline.account import duration
from common.pipeline.execute import carry_out
from common.pipeline.notebook import read_notebook, select
from common.pipeline.parameters import assign
from common.pipeline.plan import Plan


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


def run_steps(plan: Plan, chosen: Sequence[str], force: bool) -> None:
    """Run what is not up to date, saying so a line each."""
    for number, step in enumerate(plan.steps(chosen, force), 1):
        label = f"[{number}/{len(chosen)}] {step.notebook.name} …"
        if step.action == "keep":
            print(f"{label} up to date", flush=True)
            continue
        last = plan.state.get(step.notebook.name).get("seconds")
        if step.action == "run":
            took = f" (took {duration(last)} last time)" if last else ""
            print(f"{label} running{took}", flush=True)
        seconds = carry_out(plan, step)
        done = f"done in {duration(seconds)}" if step.action == "run" else "new text, no cell ran"
        print(f"{label} {done}", flush=True)
