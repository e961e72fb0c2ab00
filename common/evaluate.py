"""Score a model on a split: counts per photo first, every score from them.

    python -m common.evaluate --model unet --data-root DIR --split test

prints a table with 95 % bootstrap intervals and, as its last line, one JSON object. Several
processes (``accelerate launch``) share the photos by whole batches, so that a photo's
neighbours, and with them its last digits, are the same with any number of processes.
"""

from __future__ import annotations

import argparse
import json
import math
from typing import TYPE_CHECKING

from common.config import RESULTS, SPLITS, atomic_path, cli, user_path

if TYPE_CHECKING:
    import pandas as pd


def json_line(name: str, split: str, counts: pd.DataFrame, table: pd.DataFrame) -> str:
    """The machine-readable result: one JSON object on one line."""
    scores = {score: row["value"] for score, row in table.iterrows()}
    scores |= {"miou_low": table.at["miou", "low"], "miou_high": table.at["miou", "high"]}
    scores = {k: None if math.isnan(v) else round(float(v), 6) for k, v in scores.items()}
    return json.dumps({"model": name, "split": split, "n": len(counts), **scores})


@cli
def main(argv: list[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m common.evaluate", description=__doc__)
    parser.add_argument("--model", required=True, help="a committed checkpoint's name, or a path")
    parser.add_argument("--data-root", help="dataset folder (default: $PETS_ROOT)")
    parser.add_argument("--split", default="test", choices=SPLITS)
    parser.add_argument("--limit", type=int, default=0, help="score only the first photos")
    parser.add_argument("--out", type=user_path, help="write the counts to this .parquet file")
    parser.add_argument(
        "--results",
        type=user_path,
        default=RESULTS,
        help="folder whose test_reads.csv gets a line",
    )
    args = parser.parse_args(argv)

    from common.checkpoint import load_checkpoint, read_card, stem_of
    from common.data.dataset import resolve_root
    from common.scoring.photos import evaluate, headline, log_test_read, logged, print_problems
    from common.training.processes import is_main, join, on_own_device

    join()
    model, card = load_checkpoint(args.model)
    counts, problems = evaluate(
        on_own_device(model), card, resolve_root(args.data_root), args.split, limit=args.limit
    )
    if not is_main():
        return
    print_problems(problems)
    if args.out:
        with atomic_path(args.out) as path:
            counts.to_parquet(path, index=False)
    table = headline(counts)
    print(table.to_string(float_format="{:.4f}".format))
    print(json_line(args.model, args.split, counts, table))
    if args.split == "test":
        digest = read_card(args.model)["tensors_sha256"]
        name = stem_of(args.model).name
        log_test_read(name, digest, args.results, counts["image"], **logged(counts))


if __name__ == "__main__":
    raise SystemExit(main())
