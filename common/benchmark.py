"""What each committed model costs on this processor, beside a well-known network.

    python -m common.benchmark

times all models in turn, again and again (A B C A B C …), so that whatever else the machine does
falls on all of them alike, and writes ``results/benchmark.csv``. A row is a model and a quantity:

- ``params_trained``, ``params_frozen``; ``madds``: of one photo at the model's own size
- ``train_…``, ``infer_photos_per_second``: batches of 16 at the model's own size; with ``_128`` at
  128 px, where all can be compared. Training reads photos, a frozen encoder included;
  ``train_kept_…`` reads that encoder's kept features, as the project's own trainings do
- ``train_ratio``, ``infer_ratio``: the same as multiples of `SmpUnet`'s speed at that size
- ``ms_photo``: from a photo of 1024×768 to its mask; ``ms_click_p50``, ``ms_click_p95``: a click
- ``peak_memory_mb``, ``peak_memory_infer_mb``: of a process that trains, or reads one photo
- of the model ``data_pipeline``: photos a second that reach a network, and ``feeds_…``: as a
  multiple of the fastest training on photos
- of the model ``report``: minutes of all notebooks from the committed results (``--replay``)

Values are medians of the runs; low and high are the least and the largest.
"""

from __future__ import annotations

import argparse

from common.config import RESULTS, atomic_path, cli, data_root, user_path


@cli
def main(argv: list[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m common.benchmark", description=__doc__)
    parser.add_argument("--models", nargs="+", help="default: all committed")
    parser.add_argument("--runs", type=int, default=5, help="kept runs of each (5)")
    parser.add_argument("--alone", action="store_true", help="without the network of SMP")
    parser.add_argument("--replay", action="store_true", help="time all notebooks as well")
    parser.add_argument("--data-root", help="dataset folder (default: $PETS_ROOT)")
    parser.add_argument("--out", type=user_path, default=RESULTS / "benchmark.csv")
    args = parser.parse_args(argv)

    import pandas as pd

    from common.checkpoint import committed
    from common.costs.measure import benchmark, replay
    from common.costs.table import cost_table, summary
    from common.provenance import processor

    root = data_root(args.data_root)
    if root is None:
        print("no dataset (PETS_ROOT): the data pipeline is not timed")
    table = benchmark(args.models or committed(), runs=args.runs, alone=args.alone, root=root)
    if args.replay:
        table = pd.concat([table, summary(replay(), {}, processor())])
    with atomic_path(args.out) as path:
        table.to_csv(path, index=False, float_format="%.6g")
    print(cost_table(table).to_string())
    feeds = table[table["model"] == "data_pipeline"].set_index("quantity")["value"].round(2)
    print(feeds.to_string() if len(feeds) else "")


if __name__ == "__main__":
    raise SystemExit(main())
