"""A model card for each committed checkpoint, from its files and tables.

    python -m common.publish.model_cards

writes ``results/MODELS.md``: what each is, its data, its scores with intervals, limits, licence.
"""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from common.checkpoint import checkpoint_files, read_card
from common.config import CHECKPOINTS, RESULTS, atomic_path, cli
from common.files import read_table
from common.models import model_spec
from common.models.encoders.recipes import ENCODERS
from common.scoring.click_scores import click_scores
from common.scoring.instances import instance_scores
from common.scoring.photos import headline
from common.wording import MAIN, wording

HEAD = """\
# Model cards

Written by `python -m common.publish.model_cards` from the checkpoints and tables in this folder.

**Use.** `model, card = load_checkpoint("unet")`, then `predict_mask(model, card, photo)`: a photo
in, classes out (0 background, 1 cat, 2 dog). The README shows it whole.

**Data.** The training photos of Oxford-IIIT Pet (Parkhi et al., CVPR 2012), a tenth of each breed
kept for validation, by which epochs were chosen. Scores are of its test photos, longest side at
most 384 px, border pixels left out, with 95 % bootstrap intervals over photos.

**Limits of all.** One dataset: 37 breeds, mostly one animal in the middle of the photo, twice as
many dogs as cats. Whatever else there is in the world is background, a cat or a dog to these
models. Intervals say how far other photos would move a score; another training seed may move it
further.

**Licence.** CC BY-SA 4.0, for research, as the dataset they were computed from
([LICENSE](LICENSE)).

**Not kept.** MAE's networks after 25 and 50 % of its pretraining (8 MB each): notebook 03 reads
what they painted and knew. To have them again, delete `checkpoints/mae_pets.*` and run
`python -m common.run_all --profile cpu --only 03` with the photos.
"""
CLICKED = ("iou_at_0", "iou_at_1", "iou_at_3", "iou_at_5")
WATCHED = {
    "val_miou": "mIoU",
    "val_iou_clicks": "mean IoU over clicks",
    "val_breed": "breeds named rightly",
    "val_explained": "variance of hidden patches explained",
}


def model_cards(results: Path = RESULTS) -> str:
    """Markdown of all cards of a results folder."""
    names = sorted(file.stem for file in (results / CHECKPOINTS.name).glob("*.safetensors"))
    return HEAD + "".join(model_card(name, results) for name in names)


def model_card(name: str, results: Path = RESULTS) -> str:
    """Markdown of one card: a heading, a sentence, a table of two columns."""
    stem = results / CHECKPOINTS.name / name
    card, (tensors, _) = read_card(stem), checkpoint_files(stem)
    spec = model_spec(card["model"])
    what = (spec.build.__doc__ or "").partition("\n")[0]
    seen = f"photos at {card['size']} × {card['size']} pixels"
    rows = {
        "files": f"{tensors.stat().st_size:,} bytes, model `{card['model']}`; {seen}",
        "sha256": f"`{card['tensors_sha256']}`",
        "training": _training(card["training"]),
        "encoder": _encoder(card),
        **_scores(results, name),
        **_elsewhere(results, name),
        "licence": _licence(card),
    }
    table = "".join(f"| {key} | {value} |\n" for key, value in rows.items() if value)
    return f"\n## {name}\n\n{what}\n\n| | |\n|---|---|\n{table}"


def _training(said: dict) -> str:
    if "mean_with" in said:
        last = f"{said['share']:.0%} of `{said['start']}`'s weights"
        return f"the mean of {last} and, for the rest, `{said['mean_with']}`'s"
    if "best_epoch" not in said:  # kept on the way of another training
        return f"stopped after epoch {said['epoch']} of {said['epochs']}"
    watch = next(key for key in said if key.startswith("val_"))
    each = f", {said['samples']:,} photos drawn for each" if said["samples"] else ""
    share = f", {said['fraction']:.0%} of the photos" if said["fraction"] < 1 else ""
    return (
        f"{said['epochs']} epochs{each}{share}, seed {said['seed']}, {said['minutes']:.0f} min on "
        f"{said['processor']}; weights of epoch {said['best_epoch']}, "
        f"validation {said[watch]:.3f} ({WATCHED[watch]}); split `{said['split'][:12]}`"
    )


def _encoder(card: dict) -> str:
    encoder = card.get("encoder")
    if encoder:
        return f"`{encoder['name']}`, frozen, not in the file; sha256 `{encoder['sha256'][:12]}`"
    return "EfficientNet-Lite0, tuned along" if model_spec(card["model"]).tunes else ""


def _elsewhere(results: Path, name: str) -> dict[str, str]:
    """A row on other people's photos, where the model was clicked on there."""
    file = results / "clicks" / f"{name}_elsewhere.parquet"
    if not file.is_file():
        return {}
    scores = instance_scores(read_table(file))
    after = {
        group: " / ".join(f"{scores[f'iou_at_{k}_{group}']:.3f}" for k in (1, 3, 5))
        for group in ("single", "several")
    }
    return {
        "elsewhere": f"IoU with the clicked one of {scores['n']:.0f} outdoor cats after 1 / 3 / 5"
        f" clicks: alone {after['single']}, in company {after['several']} (validation)"
    }


def _scores(results: Path, name: str) -> dict[str, str]:
    """Rows of the scores, and of the limits that they show."""
    files = {kind: results / kind / f"{name}_test.parquet" for kind in ("counts", "clicks")}
    if not files["counts"].is_file():
        return {"limits": "not scored by itself"}
    counts = read_table(files["counts"])
    table = headline(counts)
    rows = {f"scores, {len(counts):,} photos": _told(table, MAIN)}
    weakest = table.loc[["iou_background", "iou_cat", "iou_dog"], "value"].idxmin()
    limits = (
        f"weakest on {wording(weakest)}; along the outline less exact (boundary IoU "
        f"{table.at['boundary_iou', 'value']:.3f}); confidence off by "
        f"{100 * table.at['ece', 'value']:.1f} % (ECE)"
    )
    if files["clicks"].is_file() and name.startswith("point_"):
        clicks = read_table(files["clicks"])
        found = click_scores(clicks)
        rows[f"clicked, {clicks['image'].nunique():,} photos"] = _told(found, CLICKED)
        limits += f"; {found.at['noc90', 'value']:.2f} clicks to an IoU of 0.9, by a robot"
    return {**rows, "limits": limits}


def _told(table: pd.DataFrame, scores: Sequence[str]) -> str:
    return "; ".join(
        f"{wording(row.Index)} {row.value:.3f} [{row.low:.3f}, {row.high:.3f}]"
        for row in table.loc[list(scores)].itertuples()
    )


def _licence(card: dict) -> str:
    """What is said beside the licence of all."""
    if tunes := model_spec(card["model"]).tunes:
        return f"as all; {ENCODERS[tunes].licence}, changed"
    name = (card.get("encoder") or {}).get("name")
    return f"as all; the encoder: {ENCODERS[name].licence}" if name in ENCODERS else "as all"


@cli
def main() -> None:
    """Write the cards."""
    with atomic_path(RESULTS / "MODELS.md") as path:
        path.write_text(model_cards(), encoding="utf-8")


if __name__ == "__main__":
    raise SystemExit(main())
