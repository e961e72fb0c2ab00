"""Let a robot click on every photo of a sample, and count what each click gives.

    python -m common.evaluate_clicks --model point_unet --data-root DIR --split test

prints a table with 95 % bootstrap intervals and, as its last line, one JSON object.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from common.clicks import CLICKS, FIRST, PHOTOS
from common.config import RESULTS, SPLITS, atomic_path, cli

if TYPE_CHECKING:
    import pandas as pd


def json_line(counts: pd.DataFrame, table: pd.DataFrame) -> str:
    """The machine-readable result: one JSON object on one line."""
    values = {score: round(float(value), 6) for score, value in table["value"].items()}
    return json.dumps({**counts.attrs, "n": counts["image"].nunique(), **values})


@cli
def main(argv: list[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m common.evaluate_clicks", description=__doc__)
    parser.add_argument("--model", required=True, help="a committed checkpoint's name, or a path")
    parser.add_argument("--data-root", help="dataset folder (default: $PETS_ROOT)")
    parser.add_argument("--split", default="test", choices=SPLITS)
    parser.add_argument("--photos", type=int, default=PHOTOS, help=f"of the sample ({PHOTOS})")
    parser.add_argument("--clicks", type=int, default=CLICKS, help=f"on each photo ({CLICKS})")
    parser.add_argument("--first", default="robot", choices=FIRST, help="how a photo is opened")
    parser.add_argument("--out", type=Path, help="write the counts to this .parquet file")
    parser.add_argument(
        "--results", type=Path, default=RESULTS, help="folder whose test_reads.csv gets a line"
    )
    args = parser.parse_args(argv)

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
    if args.out:
        with atomic_path(args.out) as path:
            counts.to_parquet(path, index=False)
    table = click_scores(counts)
    print(table.to_string(float_format="{:.4f}".format))
    print(json_line(counts, table))


if __name__ == "__main__":
    raise SystemExit(main())
