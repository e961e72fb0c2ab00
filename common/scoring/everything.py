"""Every animal without a click, judged as COCO does (Lin et al. 2014; PROTOCOL §3b).

`judged` by pycocotools, photo by photo, into a table that `scoring.precision` reads.
Letters: D answers, T thresholds of IoU.
"""

import time
from collections.abc import Iterable, Sequence
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from common.checkpoint import read_card
from common.clicks.everything import LEAST, find_all
from common.clicks.objects import Segmented
from common.clicks.predictor import load_predictor
from common.clicks.protocol import Predictor
from common.config import RESULTS
from common.data.coco import read_instances
from common.data.pets import balanced_sample, find_root, fingerprint, read_index, read_pairs
from common.data.photos import read_photo
from common.files import artifact, read_table
from common.provenance import file_sha256, processor
from common.scoring.elsewhere import elsewhere_root
from common.scoring.precision import HITS

VERSION = 2  # raise it when other photos or rows are counted; see `common.files`
PHOTOS = 240  # of the dataset
Truths = Sequence[tuple[np.ndarray, bool]]  # masks (H, W) bool, and whether they count


def found_on_instances(
    predictor: Predictor, file: str | Path, images: str | Path, min_area: float = 0.005
) -> pd.DataFrame:
    """Answers on the photos of a COCO file; an animal below ``min_area`` of it does not count."""
    photos = tqdm(read_instances(file), desc="looking for animals", unit="photo")
    return _found(
        predictor,
        (
            (
                photo.name,
                read_photo(Path(images) / photo.name),
                [(mask, mask.mean() >= min_area) for mask in (i.mask() for i in photo.instances)],
            )
            for photo in photos
        ),
    )


def found_on_pets(
    predictor: Predictor, root: str | Path, split: str, photos: int, seed: int = 0
) -> pd.DataFrame:
    """Answers on a sample of the dataset, balanced by species: one animal a photo, with border."""
    root = find_root(root)
    index = read_index(root)
    sample = balanced_sample(index[index["split"] == split], photos, seed)
    records = tqdm(sample.to_dict("records"), desc="looking for animals", unit="photo")
    pairs = read_pairs(root, records, [])
    return _found(predictor, ((r["name"], image, [(mask > 0, True)]) for r, image, mask in pairs))


def _found(predictor: Predictor, photos: Iterable[tuple[str, np.ndarray, Truths]]) -> pd.DataFrame:
    rows = list[dict]()
    for name, image, truths in photos:
        start = time.perf_counter()
        predictor.set_image(image)
        answers = find_all(predictor, LEAST)
        seconds = round(time.perf_counter() - start, 3)
        about = {"image": name, "truths": sum(counts for _, counts in truths), "seconds": seconds}
        rows += [{**about, **row} for row in judged(answers, truths)] or [about]
    return pd.DataFrame(
        rows, columns=["image", "truths", "seconds", "score", "said", "shows"] + HITS
    )


def judged(answers: Sequence[Segmented], truths: Truths) -> list[dict]:
    """Rows of the answers on one photo: who is right is pycocotools' decision."""
    if not answers:
        return []
    hits = _hits(answers, truths)
    return [
        {
            "score": answer.score,
            "said": answer.category,
            "shows": _shown(answer.mask, [mask for mask, _ in truths]),
            **dict(zip(HITS, row, strict=True)),
        }
        for answer, row in zip(answers, hits.tolist(), strict=True)
    ]


def _hits(answers: Sequence[Segmented], truths: Truths) -> np.ndarray:
    """(D, T) int: 1 right, 0 not, -1 on what does not count; what counts less is ``iscrowd``."""
    from pycocotools import mask as coding
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    about = {"image_id": 1, "category_id": 1, "bbox": [0, 0, 1, 1]}
    masks = [*(mask for mask, _ in truths), *(answer.mask for answer in answers)]
    coded = [coding.encode(np.asfortranarray(mask, dtype=np.uint8)) for mask in masks]
    known = [
        {
            **about,
            "id": i,
            "segmentation": rle,
            "area": int(mask.sum()),
            "iscrowd": int(not counts),
        }
        for i, (rle, (mask, counts)) in enumerate(zip(coded, truths, strict=False), 1)
    ]
    said = [
        {**about, "segmentation": rle, "score": answer.score}
        for rle, answer in zip(coded[len(truths) :], answers, strict=True)
    ]
    with redirect_stdout(StringIO()):  # it tells of each step
        coco = COCO()
        image = {"id": 1, "height": masks[0].shape[0], "width": masks[0].shape[1]}
        coco.dataset = {"images": [image], "annotations": known, "categories": [{"id": 1}]}
        coco.createIndex()
        run = COCOeval(coco, coco.loadRes(said), "segm")
        run.params.areaRng, run.params.areaRngLbl = [[0, 1e10]], ["all"]
        run.evaluate()
    (of_photo,) = run.evalImgs
    order = np.argsort(of_photo["dtIds"])
    hits = np.where(of_photo["dtIgnore"], -1, of_photo["dtMatches"] > 0)
    return hits[:, order].T.astype(int)


def _shown(mask: np.ndarray, truths: Sequence[np.ndarray]) -> int:
    """The truth that more than half of a mask lies on, from 0; -1 none."""
    shares = [(mask & truth).sum() / mask.sum() for truth in truths]
    return int(np.argmax(shares)) if shares and max(shares) > 0.5 else -1


def everything_or_load(
    name: str, place: str, *, pets: str | Path | None = None, results: Path = RESULTS
) -> pd.DataFrame:
    """The table of a checkpoint, made where there are photos and it is another one's.

    Args:
        name: of a checkpoint.
        place: "elsewhere", the photos of ELSEWHERE_ROOT, or "val", those of the dataset.
        pets: the dataset, if it may be looked at; without it nothing is.
        results: the results folder.
    """
    file, stem = results / "everything" / f"{name}_{place}.parquet", results / "checkpoints" / name
    root = None if pets is None else elsewhere_root() if place == "elsewhere" else find_root(pets)
    if root is None:
        return read_table(file if file.is_file() else RESULTS / file.relative_to(results))
    away = place == "elsewhere"
    data = file_sha256(root / "instances.json") if away else [fingerprint(root), PHOTOS]
    key = {"checkpoint": read_card(stem)["tensors_sha256"], "data": data}
    return artifact(file, partial(_measured, stem, root, away), key=key)


def _measured(stem: Path, root: Path, away: bool) -> pd.DataFrame:
    predictor = load_predictor(stem)
    if away:
        table = found_on_instances(predictor, root / "instances.json", root / "images")
    else:
        table = found_on_pets(predictor, root, "val", PHOTOS)
    table.attrs = {"processor": processor()}
    return table
