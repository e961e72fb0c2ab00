"""Do models fail alike, and does their average fail less? All of them look at the same photos.

What every pixel was called by every model is counted as a *pattern*, such as "221" (dog, dog,
cat): from the patterns of a photo follow the agreement of any two models, their shared mistakes,
and what the best choice among them could reach.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from common.checkpoint import Card, load_checkpoint, read_card
from common.config import CHECKPOINTS, CLASSES, IGNORE, RESULTS, UserError
from common.data.pets import balanced_sample, find_root, fingerprint, read_index, read_pair
from common.files import artifacts
from common.inference import predict_probabilities
from common.provenance import json_sha256
from common.scoring.counts import image_counts
from common.scoring.photos import log_test_read, print_problems
from common.scoring.scores import scores

VERSION = 1  # raise it when models would be asked in another way
PHOTOS = 300
Loaded = Mapping[str, tuple[nn.Module, Card]]
Averages = Mapping[str, Sequence[str]]  # name of an average -> its members


def agreement_or_load(
    averages: Averages, root: str | Path | None, *, results: Path = RESULTS, photos: int = PHOTOS
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`look_together` at a sample of the test photos, or what is stored of it.

    A stored pair of tables is reused while models, averages, data and sample are the same;
    ``root`` None reads it as it is. Looking adds a line to ``test_reads.csv``.
    """
    names, folder, key = members(averages), results / "agreement", None
    if root is not None:
        cards = {name: read_card(results / CHECKPOINTS.name / name) for name in names}
        key = {
            "checkpoints": {name: card["tensors_sha256"] for name, card in cards.items()},
            "averages": {name: list(group) for name, group in averages.items()},
            "data": fingerprint(find_root(root)),
            "photos": photos,
        }
    look = partial(_look_and_log, averages, root, results, photos, json_sha256(key))
    files = [folder / "patterns.parquet", folder / "counts.parquet"]
    patterns, counts = artifacts(files, look, key=key)
    return patterns, counts


def _look_and_log(
    averages: Averages, root: Path, results: Path, photos: int, digest: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    names = members(averages)
    loaded = {name: load_checkpoint(results / CHECKPOINTS.name / name) for name in names}
    index = read_index(root)
    sample = balanced_sample(index[index["split"] == "test"], photos)
    patterns, counts = look_together(loaded, averages, root, sample)
    first, group = next(iter(averages.items()))
    average = counts[counts["model"] == first]
    miou = round(scores(average)["miou"], 5)
    who, found = f"{first}: mean of {' '.join(group)}", {"n": len(average), "miou": miou}
    log_test_read(who, digest, results, sample["name"], **found)
    return patterns, counts


def members(averages: Averages) -> list[str]:
    """Every model of the averages once, in order of appearance: the places of a pattern."""
    return list(dict.fromkeys(name for group in averages.values() for name in group))


@torch.inference_mode()
def look_together(
    loaded: Loaded, averages: Averages, root: str | Path, sample: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Let models look at the same photos, each by itself and as means of probabilities.

    Args:
        loaded: network and card by name.
        averages: members of each average.
        root: a dataset folder in torchvision's layout.
        sample: rows of `read_index`.

    Returns:
        patterns: image, truth (class), pattern (a digit a model, in the order of ``loaded``,
            which ``attrs["models"]`` keeps), pixels; border pixels are left out.
        counts: model (a model or an average), image, species, breed, height, width and the
            columns of `image_counts`.
    """
    patterns, rows, problems = [], [], []
    for record in tqdm(sample.to_dict("records"), desc="looking together", unit="photo"):
        try:
            image, mask = read_pair(root, record["name"], record["species"])
        except UserError as error:
            problems.append({"name": record["name"], "reason": str(error)})
            continue
        seen = {name: predict_probabilities(*it, [image])[0] for name, it in loaded.items()}
        patterns.append(pattern_counts(list(seen.values()), mask).assign(image=record["name"]))
        means = {n: torch.stack([seen[m] for m in group]).mean(0) for n, group in averages.items()}
        rows += [_row(name, record, mask, p) for name, p in {**seen, **means}.items()]
    if not rows:
        raise UserError(f"{root}: none of {len(sample)} test photos could be read")
    print_problems(pd.DataFrame(problems, columns=["name", "reason"]))
    table = pd.concat(patterns, ignore_index=True)
    table.attrs["models"] = list(loaded)
    return table, pd.DataFrame(rows)


def _row(name: str, record: Mapping, mask: np.ndarray, probabilities: Tensor) -> dict:
    about = {"model": name, "image": record["name"]}
    about |= {key: record[key] for key in ("species", "breed")}
    size = {"height": mask.shape[0], "width": mask.shape[1]}
    return {**about, **size, **image_counts(probabilities, torch.from_numpy(mask))}


def pattern_counts(probabilities: Sequence[Tensor], truth: np.ndarray) -> pd.DataFrame:
    """How many pixels of a photo got which classes from the models: truth, pattern, pixels.

    Args:
        probabilities: (3, H, W) of each model.
        truth: (H, W) uint8, classes or 255.
    """
    judged = torch.from_numpy(truth != IGNORE)
    said = torch.stack([p.argmax(0)[judged] for p in probabilities]).numpy()  # (models, pixels)
    base = len(CLASSES) ** np.arange(len(said))[::-1]
    code = truth[truth != IGNORE].astype(np.int64) * len(CLASSES) ** len(said) + base @ said
    found, pixels = np.unique(code, return_counts=True)
    digits = [np.base_repr(value, len(CLASSES)).zfill(len(said) + 1) for value in found]
    return pd.DataFrame(
        {
            "truth": [int(text[0]) for text in digits],
            "pattern": [text[1:] for text in digits],
            "pixels": pixels,
        }
    )


def pair_table(patterns: pd.DataFrame) -> pd.DataFrame:
    """Agreement of every two models over all photos.

    Returns:
        a, b; agree (share of the pixels that both call the same); wrong_alike (share of the
        pixels which at least one gets wrong that both get wrong in the same way).
    """
    names = patterns.attrs["models"]
    said = np.array([list(text) for text in patterns["pattern"]]).astype(int)  # (rows, models)
    truth, pixels = patterns["truth"].to_numpy(), patterns["pixels"].to_numpy(float)
    rows = []
    for a, b in combinations(range(len(names)), 2):
        same, wrong = said[:, a] == said[:, b], said != truth[:, None]
        either, alike = wrong[:, a] | wrong[:, b], same & wrong[:, a]
        shares = {
            "agree": pixels[same].sum() / pixels.sum(),
            "wrong_alike": pixels[alike].sum() / max(1.0, pixels[either].sum()),
        }
        rows.append({"a": names[a], "b": names[b], **shares})
    return pd.DataFrame(rows, columns=["a", "b", "agree", "wrong_alike"])


def square(pairs: pd.DataFrame, column: str) -> pd.DataFrame:
    """A column of `pair_table` as a symmetric matrix of models; its diagonal is empty."""
    both = pd.concat([pairs, pairs.rename(columns={"a": "b", "b": "a"})])
    order = list(dict.fromkeys([*pairs["a"], *pairs["b"]]))
    return both.pivot(index="a", columns="b", values=column).reindex(index=order, columns=order)


def shared_errors(patterns: pd.DataFrame) -> pd.Series:
    """Share of all pixels by how many models get them wrong: index 0 to the number of models."""
    said = np.array([list(text) for text in patterns["pattern"]]).astype(int)
    wrong = (said != patterns["truth"].to_numpy()[:, None]).sum(axis=1)
    pixels = np.bincount(wrong, patterns["pixels"], minlength=said.shape[1] + 1)
    return pd.Series(pixels / pixels.sum(), name="share").rename_axis("models wrong")
