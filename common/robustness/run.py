"""Score models on perturbed test photos: eight perturbations, ten levels, counts per photo.

    python -m common.robustness.run --models unet lite0_query --data-root DIR

prints a table of Dice and, as its last line, one JSON object. A run that was stopped goes on with
the perturbation it had come to; a finished one is done again only when checkpoint, data or the
code that counts have changed.
"""

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from common.checkpoint import committed, read_card
from common.config import CHECKPOINTS, RESULTS, UserError, cli, user_path
from common.data.dataset import resolve_root
from common.data.pets import balanced_sample, find_root, fingerprint, read_index, read_pairs
from common.files import full_key, read_table, stored, write_table
from common.provenance import processor
from common.robustness.entrants import SEED, Entrant, Photo, count_sample, enter, forecast
from common.robustness.perturb import LEVELS, PERTURBATIONS
from common.robustness.scores import CLEAN, clean_and_worst, clean_miou
from common.scoring.photos import log_test_read, print_problems
from common.scoring.scores import CONFUSION

PHOTOS = 200
STEPS = tuple(range(1, LEVELS))  # level 0 is the clean photo, which all perturbations share


def table_file(name: str, results: Path) -> Path:
    """Where the counts of a model are stored."""
    return results / "robustness" / f"{name}_test.parquet"


def score_perturbed(
    names: Sequence[str],
    root: Path,
    *,
    results: Path = RESULTS,
    photos: int = PHOTOS,
    levels: Sequence[int] = STEPS,
) -> None:
    """Fill the tables of some models, one perturbation after the other, as far as they lack any.

    Each perturbed photo is made once for all of them. Finishing a table adds a line to
    ``test_reads.csv``.

    Args:
        names: checkpoints of the results folder.
        root: a dataset folder in torchvision's layout.
        photos: of the test photos, half of them cats: `balanced_sample` with the seed 0.
        levels: besides the clean photo.
    """
    tables = {name: _begun(name, root, results, photos, levels) for name in names}
    lacking = {name: _lacking(table) for name, table in tables.items()}
    names = [name for name in names if lacking[name]]
    if not names:
        return
    entrants = {e.name: e for e in enter(names, results / CHECKPOINTS.name)}
    sample = read_sample(root, photos)
    forecast(list(entrants.values()), sample[0], len(sample) * len(levels) * len(PERTURBATIONS))
    for damage in (CLEAN, *PERTURBATIONS):
        group = [entrants[name] for name in names if damage in lacking[name]]
        rows = count_sample(group, sample, damage, levels) if group else pd.DataFrame()
        for entrant in group:
            more = rows[rows["model"] == entrant.name].drop(columns="model")
            tables[entrant.name] = _grown(tables[entrant.name], more, entrant)
            table = tables[entrant.name]
            write_table(table_file(entrant.name, results), table, table.attrs["key"])
    for name in names:
        told = {"n": len(sample), "miou": round(clean_miou(tables[name]), 5)}
        digest = tables[name].attrs["key"]["checkpoint"]
        log_test_read(
            f"{name}, perturbed photos",
            digest,
            results,
            [about["name"] for about, *_ in sample],
            **told,
        )


def read_sample(root: Path, photos: int) -> list[Photo]:
    """The photos of the sample that can be read, with their truth: half of them cats.

    Raises:
        UserError: there is none.
    """
    root = find_root(root)
    index = read_index(root)
    chosen = balanced_sample(index[index["split"] == "test"], photos, SEED)
    problems: list[dict] = []
    sample = list(read_pairs(root, chosen.to_dict("records"), problems))
    print_problems(pd.DataFrame(problems, columns=["name", "reason"]))
    if not sample:
        raise UserError(f"{root}: there is no test photo that can be read; copy it again")
    return sample


def _begun(
    name: str, root: Path, results: Path, photos: int, levels: Sequence[int]
) -> pd.DataFrame:
    """The stored table if it is of this checkpoint, data and code, otherwise an empty one."""
    key = {
        "checkpoint": read_card(results / CHECKPOINTS.name / f"{name}.json")["tensors_sha256"],
        "data": fingerprint(root),
        "photos": photos,
        "seed": SEED,
        "levels": list(levels),
    }
    key = full_key(score_perturbed, key)
    if (begun := stored(table_file(name, results), key)) is not None:
        return begun
    empty = pd.DataFrame({"perturbation": []})
    empty.attrs = {
        "model": name,
        "split": "test",
        "key": key,
        "minutes": 0.0,
        "processor": processor(),
    }
    return empty


def _lacking(table: pd.DataFrame) -> list[str]:
    return [name for name in (CLEAN, *PERTURBATIONS) if name not in set(table["perturbation"])]


def _grown(before: pd.DataFrame, rows: pd.DataFrame, entrant: Entrant) -> pd.DataFrame:
    """A table with more rows, in small types; its minutes count on."""
    table = pd.concat([before, rows], ignore_index=True) if len(before) else rows
    small = {"species": "int8", "level": "int8", "clicks": "int8"}
    small |= {name: "int32" for name in CONFUSION}
    table = table.astype(small)
    minutes = before.attrs["minutes"] + entrant.seconds / 60
    table.attrs = {**before.attrs, "minutes": round(minutes, 2)}
    entrant.seconds = 0.0
    return table


def robustness_or_load(
    root: str | Path | None,
    *,
    results: Path = RESULTS,
    photos: int = PHOTOS,
    levels: Sequence[int] = STEPS,
    names: Sequence[str] = (),
) -> dict[str, pd.DataFrame]:
    """Finished tables by model: scored where photos are at hand, else as stored.

    Args:
        root: a dataset folder; None reads what is stored.
        results, photos, levels: of `score_perturbed`.
        names: checkpoints; () takes all of the registry.

    Returns:
        For each model its rows: image, species, perturbation (or "clean"), level, clicks (1 after
        one click of the robot, for models that take them) and the confusion ``c{t}{p}``.

    Raises:
        UserError: there is no finished table.
    """
    names = list(names) or committed(results / CHECKPOINTS.name)
    if root is not None:
        score_perturbed(names, resolve_root(root), results=results, photos=photos, levels=levels)
    tables = {n: read_table(f) for n in names if (f := table_file(n, results)).is_file()}
    finished = {name: table for name, table in tables.items() if not _lacking(table)}
    if not finished:
        raise UserError(f"{results / 'robustness'}: no model is scored; run the cpu profile first")
    return finished


def json_line(tables: Mapping[str, pd.DataFrame]) -> str:
    """The machine-readable result: one JSON object on one line."""
    found = {name: clean_and_worst(table) for name, table in tables.items()}
    photos = {name: table["image"].nunique() for name, table in tables.items()}
    minutes = sum(table.attrs["minutes"] for table in tables.values())
    return json.dumps({"n": max(photos.values()), "minutes": round(minutes, 2), "models": found})


@cli
def main(argv: list[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m common.robustness.run", description=__doc__)
    parser.add_argument("--models", nargs="+", default=[], help="checkpoints (default: all)")
    parser.add_argument("--data-root", help="dataset folder (default: $PETS_ROOT)")
    parser.add_argument("--photos", type=int, default=PHOTOS, help=f"of the sample ({PHOTOS})")
    parser.add_argument("--results", type=user_path, default=RESULTS, help="folder of the tables")
    args = parser.parse_args(argv)
    tables = robustness_or_load(
        resolve_root(args.data_root), results=args.results, photos=args.photos, names=args.models
    )
    found = pd.DataFrame({name: clean_and_worst(table) for name, table in tables.items()}).T
    print(found.to_string(float_format="{:.3f}".format))
    print(json_line(tables))


if __name__ == "__main__":
    raise SystemExit(main())
