"""What must run and why: the state of the last runs compared with the sources as they stand."""

import fnmatch
import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from common.config import UserError
from common.data.pets import fingerprint
from common.pipeline.notebook import Notebook
from common.pipeline.state import DONE, FAILED, RUNNING, State
from common.provenance import assets, code_hash, file_sha256, json_sha256, module_closure

Action = Literal["run", "text", "keep"]


@dataclass(frozen=True)
class Step:
    """One notebook in a plan.

    Attributes:
        notebook: what is to run.
        given: parameters to pass to it.
        parameters: all its parameters, defaults included.
        parts: what else its result depends on → hash.
        action: ``run`` it, put new ``text`` around the old outputs, or ``keep`` what there is.
        reasons: why, in words; empty for ``keep``.
    """

    notebook: Notebook
    given: dict[str, object]
    parameters: dict[str, object]
    parts: dict[str, str]
    action: Action
    reasons: tuple[str, ...]

    @property
    def key(self) -> str:
        """One hash of everything the result depends on."""
        return json_sha256([self.parts, self.parameters])


@dataclass(frozen=True)
class Plan:
    """The notebooks of a project under one profile.

    Attributes:
        root: project folder; notebooks run there.
        runs: folder of the executed notebooks, their logs and the state.
        notebooks: all of them, in running order.
        given: notebook name → parameters of the profile and the command line.
    """

    root: Path
    runs: Path
    notebooks: tuple[Notebook, ...]
    given: dict[str, dict[str, object]]

    @property
    def state(self) -> State:
        """Memory of the last runs under this profile."""
        return State(self.runs / "state.json")

    def output(self, notebook: Notebook) -> Path:
        """Where the executed copy of a notebook is kept."""
        return self.runs / notebook.path.name

    def steps(self, chosen: Collection[str], force: bool = False) -> Iterator[Step]:
        """Steps for the chosen notebooks, each worked out when it is asked for.

        So the caller may carry out a step before it asks for the next one, whose inputs the
        first may have written. A notebook that is not chosen counts as it last ran.

        Raises:
            UserError: an upstream pattern matches nothing, or a module does not parse.
        """
        keys: dict[str, str] = {}
        running: set[str] = set()
        for notebook in self.notebooks:
            name = notebook.name
            step = self._step(notebook, keys, running, force and name in chosen)
            keys[name] = step.key
            if name not in chosen and step.action == "run":
                entry = self.state.get(name)
                keys[name] = entry["key"] if entry.get("status") == DONE else ""
            elif name in chosen:
                if step.action == "run":
                    running.add(name)
                yield step

    def _step(self, notebook: Notebook, keys: dict, running: set[str], force: bool) -> Step:
        given = self.given[notebook.name]
        parameters = {**notebook.declared, **given}
        parts = self._parts(notebook, parameters, keys)
        entry = self.state.get(notebook.name)
        action: Action = "keep"
        if force:
            action, reasons = "run", ["forced"]
        elif reasons := _reasons(entry, parts, parameters, running, self.output(notebook)):
            action = "run"
        elif entry["prose"] != notebook.prose_key():
            action, reasons = "text", ["only the text changed"]
        return Step(notebook, given, parameters, parts, action, tuple(reasons))

    def _parts(self, notebook: Notebook, parameters: dict, keys: dict) -> dict[str, str]:
        parts = {"code cells": notebook.code_key()}
        parts |= {f"upstream {name}": keys[name] for name in self._upstream(notebook, list(keys))}
        for module in module_closure(notebook.code, self.root).values():
            parts |= {self._relative(f): code_hash(f) for f in (module, *assets(module))}
        reads = self._files(notebook.globs("reads"), parameters)
        if parameters.get("train"):
            reads -= self._files(notebook.globs("writes"), parameters)
        parts |= {self._relative(file): file_sha256(file) for file in reads}
        if parameters.get("data_root") not in (None, "", "download"):
            parts["data"] = fingerprint(self.root / str(parameters["data_root"]))
        return parts

    def _upstream(self, notebook: Notebook, earlier: list[str]) -> list[str]:
        found: list[str] = []
        for pattern in notebook.globs("needs"):
            matches = fnmatch.filter(earlier, pattern)
            if not matches:
                raise UserError(
                    f"{notebook.path.name} needs {pattern!r} (metadata: pipeline.needs), but no "
                    f"earlier notebook is called that; there are {', '.join(earlier) or 'none'}"
                )
            found += matches
        return found

    def _files(self, patterns: list[str], parameters: dict) -> set[Path]:
        """Files of glob patterns; a leading ``results/`` stands for the run's ``results_dir``."""
        results = self.root / str(parameters.get("results_dir") or "results")
        found: set[Path] = set()
        for pattern in patterns:
            inner = pattern.removeprefix("results/")
            base = self.root if inner == pattern else results
            found |= {path for path in base.glob(inner) if path.is_file()}
        return found

    def _relative(self, path: Path) -> str:
        inside = path.is_relative_to(self.root)
        return (path.relative_to(self.root) if inside else path).as_posix()


def _reasons(
    entry: dict, parts: dict, parameters: dict, running: Collection[str], output: Path
) -> list[str]:
    """Why a notebook must run, in words; empty if its stored output still stands."""
    if not entry:
        return ["never ran"]
    if entry["status"] == RUNNING:
        return ["last run was stopped before its end"]
    if entry["status"] == FAILED:
        return [f"last run failed: {entry['error']}"]
    old, reasons = entry["parts"], []
    for name in [*parts, *(name for name in old if name not in parts)]:
        if parts.get(name) != old.get(name):
            reasons.append(_change(name, old.get(name), parts.get(name), running))
    for name in [*parameters, *(name for name in entry["parameters"] if name not in parameters)]:
        pair = (entry["parameters"], parameters)
        before, now = (json.dumps(each.get(name), sort_keys=True) for each in pair)
        if before != now:
            reasons.append(f"parameter {name} changed: {before} -> {now}")
    if not reasons and not output.is_file():
        return ["output notebook missing"]
    if not reasons and file_sha256(output) != entry["output"]:
        return ["output notebook changed"]
    return reasons


def _change(name: str, old: str | None, new: str | None, running: Collection[str]) -> str:
    if name.startswith("upstream ") and new is not None:
        return f"{name} {'will run' if name.removeprefix('upstream ') in running else 'ran since'}"
    if old is None:
        return f"{name} is new"
    return f"{name} is gone" if new is None else f"{name} changed"
