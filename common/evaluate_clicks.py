"""Let a robot click on every photo of a sample, and count what each click gives.

    python -m common.evaluate_clicks --model point_unet --data-root DIR --split test
    python -m common.evaluate_clicks --model point_unet --coco instances.json --images DIR

The first clicks on the pets of the dataset and prints a table with 95 % bootstrap intervals; the
second on every animal annotated in a COCO file, with --box after its box was drawn. With --all
nobody clicks: what `common.predict --all` finds there is scored as COCO does. Each prints one JSON
object as its last line.
SAM answers as sam_vit_b where SAM_CHECKPOINT is the path of its weights.
"""

from __future__ import annotations

import argparse
import json
from typing import TYPE_CHECKING

from common.clicks import CLICKS, FIRST, PHOTOS
from common.config import RESULTS, SPLITS, UserError, atomic_path, cli, user_path

if TYPE_CHECKING:
    import pandas as pd


def json_line(counts: pd.DataFrame, table: pd.DataFrame) -> str:
    """The machine-readable result: one JSON object on one line."""
    values = {score: round(float(value), 6) for score, value in table["value"].items()}
    return json.dumps({**counts.attrs, "n": counts["image"].nunique(), **values})


@cli
def main(argv: list[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    args = _parser().parse_args(argv)
    if (args.coco is None) != (args.images is None):
        raise UserError("--coco and --images belong together: the annotations and their photos")
    if args.clicks < 1 or args.draws < 1:
        raise UserError("--clicks and --draws count from 1")
    if args.all:
        counts, line = _everything(args)
    else:
        counts, line = _on_instances(args) if args.coco else _on_dataset(args)
    if args.out:
        with atomic_path(args.out) as path:
            counts.to_parquet(path, index=False)
    print(line)


def _on_dataset(args: argparse.Namespace) -> tuple[pd.DataFrame, str]:
    from common.data.dataset import resolve_root
    from common.scoring.click_scores import click_scores
    from common.scoring.clicking import score_clicks

    counts = score_clicks(
        args.model,
        resolve_root(args.data_root),
        args.split,
        args.results,
        first=args.first,
        clicks=args.clicks,
        photos=args.photos,
    )
    table = click_scores(counts)
    return counts, f"{table.to_string(float_format='{:.4f}'.format)}\n{json_line(counts, table)}"


def _everything(args: argparse.Namespace) -> tuple[pd.DataFrame, str]:
    from common.checkpoint import stem_of
    from common.clicks.predictor import load_predictor
    from common.data.dataset import resolve_root
    from common.provenance import processor
    from common.scoring import everything
    from common.scoring.precision import everything_scores

    if not args.coco and args.split == "test":
        raise UserError("--all is scored on --split val, or on --coco: test is kept for the end")
    predictor = load_predictor(args.model)
    if args.coco:
        how = (args.coco, args.images, args.min_area)
        found = everything.found_on_instances(predictor, *how)
    else:
        root = resolve_root(args.data_root)
        found = everything.found_on_pets(predictor, root, args.split, args.photos)
    scores = everything_scores(found)
    about = {"model": stem_of(args.model).name, "processor": processor()}
    seconds = {"seconds": found.groupby("image")["seconds"].first().median()}
    about |= {"n": found["image"].nunique(), **scores["value"].round(6).to_dict(), **seconds}
    return found, f"{scores.to_string(float_format='{:.4f}'.format)}\n{json.dumps(about)}"


def _on_instances(args: argparse.Namespace) -> tuple[pd.DataFrame, str]:
    import pandas as pd

    from common.checkpoint import stem_of
    from common.clicks.predictor import load_predictor
    from common.provenance import processor
    from common.scoring.instances import click_on_instances, instance_scores

    counts = click_on_instances(
        load_predictor(args.model),
        args.coco,
        args.images,
        min_area=args.min_area,
        per_photo=args.per_photo,
        clicks=args.clicks,
        first=args.first,
        draws=args.draws,
        box=args.box,
    )
    scores = {name: round(float(value), 6) for name, value in instance_scores(counts).items()}
    for name in (name for name in scores if name == "n" or name.startswith("n_")):
        scores[name] = int(scores[name])
    finite = {name: value if value == value else None for name, value in scores.items()}
    about = {"model": stem_of(args.model).name, "processor": processor()}
    table = pd.Series(scores).to_string(float_format="{:.4f}".format)
    return counts, f"{table}\n{json.dumps({**about, **finite})}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m common.evaluate_clicks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--model", required=True, help="a checkpoint's name or path, or sam_vit_b")
    parser.add_argument("--clicks", type=int, default=CLICKS, help=f"on each animal ({CLICKS})")
    parser.add_argument("--first", default="robot", choices=FIRST, help="how a photo is opened")
    parser.add_argument("--all", action="store_true", help="every animal, without a click")
    parser.add_argument("--out", type=user_path, help="write the counts to this .parquet file")
    pets = parser.add_argument_group("the dataset")
    pets.add_argument("--data-root", help="dataset folder (default: $PETS_ROOT)")
    pets.add_argument("--split", default="test", choices=SPLITS)
    pets.add_argument("--photos", type=int, default=PHOTOS, help=f"of the sample ({PHOTOS})")
    pets.add_argument(
        "--results",
        type=user_path,
        default=RESULTS,
        help="folder whose test_reads.csv gets a line",
    )
    coco = parser.add_argument_group("annotated photos of your own")
    coco.add_argument("--coco", type=user_path, metavar="instances.json", help="COCO annotations")
    coco.add_argument("--images", type=user_path, metavar="DIR", help="their photos")
    coco.add_argument("--min-area", type=float, default=0.005, help="of the photo (0.005)")
    coco.add_argument("--per-photo", type=int, default=3, help="animals of a photo, at most (3)")
    coco.add_argument("--box", action="store_true", help="draw it first: then clicks mend")
    coco.add_argument("--draws", type=int, default=1, help="first clicks on each animal (1)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
