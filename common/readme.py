"""Write the README's results from the committed tables: ``python -m common.readme``."""

from __future__ import annotations

import re
from pathlib import Path

from .config import CHECKPOINTS, RESULTS, ROOT, UserError, atomic_path, cli
from .evaluate import headline, read_counts
from .runs import load_run

BLOCK = re.compile(r"(<!-- results:.*?-->\n).*?(<!-- /results -->)", re.DOTALL)
COLUMNS = {
    "miou": "mIoU", "iou_background": "background", "iou_cat": "cat", "iou_dog": "dog",
    "foreground_iou": "pet vs ground", "species_accuracy": "species",
}  # fmt: skip


def results_block(results: Path = RESULTS) -> str:
    """A Markdown table of every committed checkpoint on the test photos."""
    lines = [
        f"| model | {' | '.join(COLUMNS.values())} | photos | trained in |",
        f"|---|{'---|' * (len(COLUMNS) + 2)}",
    ]
    for card in sorted((results / CHECKPOINTS.name).glob("*.json")):
        counts = read_counts(results / "counts" / f"{card.stem}_test.parquet")
        run, table = load_run(card.stem, results), headline(counts)
        cells = [f"{table.at[score, 'value']:.3f}" for score in COLUMNS]
        low, high = table.loc["miou", ["low", "high"]]
        cells[0] = f"**{cells[0]}** [{low:.3f}, {high:.3f}]"
        minutes = f"{run.minutes:.0f} min, {run.card.training['processor']}"
        lines.append(f"| `{card.stem}` | {' | '.join(cells)} | {len(counts):,} | {minutes} |")
    return "\n".join(lines) + "\n"


@cli
def main() -> None:
    """Replace the block between the README's markers."""
    file = ROOT / "README.md"
    text = file.read_text(encoding="utf-8")
    if not BLOCK.search(text):
        raise UserError(f"{file}: the markers of the results block are missing")
    with atomic_path(file) as path:
        path.write_text(BLOCK.sub(rf"\g<1>{results_block()}\g<2>", text), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
