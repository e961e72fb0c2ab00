"""Write the README's results from the committed tables: ``python -m common.publish.readme``."""

import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.checkpoint import read_card
from common.config import CHECKPOINTS, RESULTS, ROOT, UserError, atomic_path, cli
from common.costs.speed import latency_quantiles
from common.files import read_table
from common.models import model_spec
from common.scoring.click_scores import click_scores
from common.scoring.photos import headline
from common.studies.comparison import clicked_models, scored_names
from common.training.finished import minutes_on
from common.wording import MAIN, wording

BLOCK = re.compile(r"(<!-- results:.*?-->\n).*?(<!-- /results -->)", re.DOTALL)
CLICKED = {  # columns, and how they are written
    "iou_at_0": "{:.3f}",
    "iou_at_1": "{:.3f}",
    "iou_at_3": "{:.3f}",
    "iou_at_5": "{:.3f}",
    "noc90": "{:.2f}",
    "nof90": "{:.1%}",
}


def results_block(results: Path = RESULTS) -> str:
    """Markdown tables of the committed checkpoints on the test photos: unprompted, and clicked."""
    rows = []
    for name in scored_names(results):
        counts = read_table(results / "counts" / f"{name}_test.parquet")
        table = headline(counts)
        cells = [f"{table.at[score, 'value']:.3f}" for score in MAIN]
        low, high = table.loc["miou", ["low", "high"]]
        cells[0] = f"**{cells[0]}** [{low:.3f}, {high:.3f}]"
        labels = model_spec(read_card(results / CHECKPOINTS.name / name)["model"]).labels
        rows.append([f"`{name}`", *cells, labels, f"{len(counts):,}", _trained(name, results)])
    heads = ["model", *map(wording, MAIN), "ImageNet labels", "photos", "trained in"]
    return _table(heads, rows) + _clicks(results)


def _clicks(results: Path) -> str:
    """The table of models that were trained on clicks; nothing where none was counted."""
    rows, file = [], results / "click_latency.parquet"
    ms = latency_quantiles(read_table(file))["p50"] if file.is_file() else {}
    for name, counts in clicked_models(results).items():
        values = click_scores(counts)["value"]
        cells = [form.format(values[score]) for score, form in CLICKED.items()]
        click = f"{ms[name, 'click']:.0f}" if (name, "click") in ms else ""
        photos = f"{counts['image'].nunique():,}"
        rows.append([f"`{name}`", *cells, click, photos, _trained(name, results)])
    heads = ["clicked on", *map(wording, CLICKED), "ms a click", "photos", "trained in"]
    return "\n" + _table(heads, rows) if rows else ""


def _trained(name: str, results: Path) -> str:
    """Minutes of training on each processor, those of the project's own frozen encoder beside."""
    card = read_card(results / CHECKPOINTS.name / name)
    encoder = (card.get("encoder") or {}).get("name", "")
    before = results / "history" / f"{encoder}.csv"
    more = f" + {pd.read_csv(before)['seconds'].sum() / 60:.0f}" if before.is_file() else ""
    told = {on: minutes for on, minutes in minutes_on(name, results).items() if on}
    return " + ".join(f"{minutes:.0f}{more} min, {on}" for on, minutes in told.items())


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [heads, ["---"] * len(heads), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines).replace(" --- ", "---")


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
