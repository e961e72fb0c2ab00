"""Run the notebooks under one profile, redo only what changed, and build the report.

``python -m common.run_all`` replays the committed results; ``--help`` lists the rest.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from common.config import CHECKPOINTS, ROOT, UserError, cli, data_root

if TYPE_CHECKING:
    from common.pipeline.plan import Plan
    from common.pipeline.run import Job

SMOKE = "results/_smoke"


def profiles() -> dict[str, dict[str, dict[str, object]]]:
    """Profile → notebook (``*``: all that declare the parameter) → papermill parameters."""
    photos = str(data_root() or "")
    trained_on = photos or "download"
    return {
        "replay": {"*": {"train": False, "data_root": photos}},
        "smoke": {
            "*": {
                "train": True,
                "data_root": f"{SMOKE}/pets",
                "results_dir": f"{SMOKE}/results",
                "figures_dir": f"{SMOKE}/figures",
                "stamp": "smoke run: not a result",
                "image_size": 32,
                "epochs": 1,
                "last_epochs": 1,
                "max_steps": 2,
                "batch_size": 4,
                "timing_runs": 2,
                "pretrain_batch": 4,
                "pretrain_epochs": 4,
                "tower_epochs": [1, 1],
                "robust_photos": 2,
                "robust_levels": [9],
                "scene_photos": 48,
                "scene_changes": {"epochs": 1, "max_steps": 2, "batch_size": 4},
            }
        },
        "cpu": {"*": {"train": True, "data_root": trained_on}},
        "study": {"*": {"train": True, "data_root": trained_on, "study": True}},
        "full": {
            "*": {"train": True, "data_root": trained_on, "image_size": 224},
            "02_unet": {"model": "unet_l"},
            "03_mae_seg": {"backbone": "vit_b"},
            "04_clip_seg": {"backbone": "vit_b"},
            "05_point_unet": {"image_size": 384},
        },
    }


@cli
def main(argv: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Command line of the pipeline.

    Args:
        argv: arguments, those of the process by default.
        root: project folder that holds ``notebooks/`` and ``results/``.

    Returns:
        Exit code: 0 done, 1 a notebook failed, 2 wrong use.
    """
    options = _parser().parse_args(argv)
    if options.minutes is not None:
        return _minutes(options, root)
    if options.publish and (options.profile != "replay" or options.parameter or data_root()):
        raise UserError(
            "--publish takes a plain replay without the dataset, so that no dataset photo is "
            "committed; unset PETS_ROOT and leave out --profile and -p"
        )

    from common.files import locked
    from common.pipeline.account import status_line
    from common.pipeline.execute import NotebookFailed
    from common.pipeline.run import choose, make_plan, run_steps
    from common.publish.outputs import publish

    smoke = options.profile == "smoke"
    runs = f"{SMOKE}/runs" if smoke else f"results/local/runs/{options.profile}"
    plan = make_plan(root, root / runs, profiles()[options.profile], options.parameter)
    if smoke:
        _make_smoke_set(root / SMOKE / "pets")
    chosen = choose(plan, options.only, options.start)
    if options.status:
        for step in plan.steps(chosen, options.force):
            print(f"{step.notebook.name}: {status_line(plan, step)}")
        return 0
    try:
        with locked(plan.runs, wait=False):
            more = _meanwhile(plan, options.profile)
            pages = run_steps(plan, chosen, options.force, more)
            if options.publish:
                publish(plan, [n for n in plan.notebooks if n.name in chosen])
            _report(plan, options.profile, pages)
    except NotebookFailed as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m common.run_all", description=__doc__)
    parser.add_argument("--profile", choices=profiles(), default="replay")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="these notebooks alone")
    parser.add_argument(
        "--from", dest="start", metavar="NAME", help="this notebook and later ones"
    )
    parser.add_argument("--force", action="store_true", help="run them even if up to date")
    parser.add_argument("--status", action="store_true", help="say what would run and why")
    parser.add_argument(
        "--minutes",
        type=float,
        help="of profile full: what that time buys on this device, a table",
    )
    parser.add_argument("--publish", action="store_true", help="copy outputs into notebooks/")
    parser.add_argument(
        *("-p", "--parameter"),
        action="append",
        default=[],
        metavar="NAME.key=value",
        help="set a parameter of one notebook (*.key: of all that declare it)",
    )
    return parser


def _minutes(options: argparse.Namespace, root: Path) -> int:
    if options.profile != "full":
        raise UserError("--minutes belongs to --profile full")
    from common.costs.minutes import within

    within(options.minutes, str(data_root() or "download"), root / "results")
    return 0


def _make_smoke_set(folder: Path) -> None:
    if not folder.exists():
        from common.data.synthetic import make_pets
        from common.files import fresh_folder, locked

        with locked(folder), fresh_folder(folder, needs=0) as scratch:
            make_pets(scratch)


def _report(plan: Plan, profile: str, pages: Sequence[Path]) -> None:
    from common.pipeline.account import finished, provenance
    from common.report import build_report

    results, out = _places(plan, profile)
    outputs = [plan.output(notebook) for notebook in finished(plan)]
    build_report(outputs, out, provenance={"profile": profile, **provenance(plan, results)})
    missing = len(plan.notebooks) - len(outputs)
    print(f"report: {out}" + (f" ({missing} notebooks have not run)" if missing else ""))
    for page in pages or [make(*of) for make, *of in _meanwhile(plan, profile)]:
        print(f"click page: {page}")


def _meanwhile(plan: Plan, profile: str) -> list[Job]:
    """The page beside the report in which the network runs, if there is one to run."""
    results, out = _places(plan, profile)
    checkpoint = results / CHECKPOINTS.name / "point_unet.json"
    return [(_click_page, out.with_name("click.html"), checkpoint)] if checkpoint.is_file() else []


def _click_page(out: Path, checkpoint: Path) -> Path:
    from common.web.page.page import build_page

    return build_page(out, checkpoint)


def _places(plan: Plan, profile: str) -> tuple[Path, Path]:
    """Folder of the results, and file of the report."""
    results = plan.root / (f"{SMOKE}/results" if profile == "smoke" else "results")
    return results, (results.parent if profile == "smoke" else results) / "report.html"


if __name__ == "__main__":
    sys.exit(main())
