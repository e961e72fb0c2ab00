"""One animal among several: what clicks give on any COCO file of annotated photos (PROTOCOL §3b).

Shapes: H W pixels of a photo. A truth (H, W) uint8 is 1 the animal, 0 not (the others neither),
255 border. A table has one row an instance, draw and click, with the columns of `click_scores`
and those that `click_on_instances` adds.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.ndimage import distance_transform_edt
from tqdm.auto import tqdm

from common.clicks.prompts import Click
from common.clicks.protocol import Predictor
from common.clicks.robot import Reply, first_click, replies
from common.config import CLASSES, IGNORE, UserError, mask_iou
from common.data.coco import Annotated, Instance, bounding_box, read_instances
from common.data.photos import read_photo
from common.scoring.click_scores import AT, mean_of_draws
from common.scoring.outlines import edge_error

BAND = 2  # pixels either side of a polygon's outline are border
SMALL = 0.05  # of the photo: an instance below it
DISC = 0.01  # of the photo's longer edge: the disc that the network alone has to get right


class Case(NamedTuple):
    """An instance to click on: its photo's name, what it is and how many there are.

    Attributes:
        counting, annotated: instances of the photo that are large enough, and all of them.
    """

    photo: str
    instance: Instance
    mask: np.ndarray
    counting: int
    annotated: int


def truth_of(mask: np.ndarray, band: int = BAND) -> np.ndarray:
    """The truth of a polygon's mask (H, W) bool: a band on both sides of its outline is border."""
    if not mask.any() or mask.all():
        return mask.astype(np.uint8)
    near = np.where(mask, distance_transform_edt(mask), distance_transform_edt(~mask)) <= band
    return np.where(near, IGNORE, mask).astype(np.uint8)


def cases(photo: Annotated, min_area: float, per_photo: int) -> list[Case]:
    """The first ``per_photo`` instances of a photo that cover ``min_area`` of it."""
    masks = [(one, one.mask()) for one in photo.instances]
    large = [(one, mask) for one, mask in masks if mask.mean() >= min_area]
    return [Case(photo.name, one, mask, len(large), len(masks)) for one, mask in large[:per_photo]]


def click_on_instances(
    predictor: Predictor,
    file: str | Path,
    images: str | Path,
    *,
    min_area: float = 0.005,
    per_photo: int = 3,
    clicks: int = 20,
    first: str = "robot",
    draws: int = 1,
    seed: int = 0,
    box: bool = False,
) -> pd.DataFrame:
    """Counts after each click on each instance of a COCO file.

    Args:
        predictor: of `load_predictor`.
        file, images: the annotations, and the folder of their photos.
        min_area, per_photo: of `cases`.
        clicks: on each instance.
        first, draws, seed: how it is opened (`first_click`), how often, each time from nothing,
            and of what random numbers.
        box: whether the animal's box comes before its clicks, which then mend what it gives.

    Returns:
        Beside the columns of `click_scores`: draw; single, alone (the photo has one instance that
        counts; one at all), small; obeyed, by_network (whether the newest click's pixel, and most
        of its disc before the last step, are on its side; NaN where there is none) and
        edge_wrong (wrong pixels near the outline over those of the animal); after one click on
        a photo of one animal, fine_iou and fine_wrong, the same of the refined mask.
    """
    rows: list[dict] = []
    for photo in tqdm(read_instances(file), desc="clicking", unit="photo"):
        if not (chosen := cases(photo, min_area, per_photo)):
            continue
        predictor.set_image(image := read_photo(Path(images) / photo.name))
        if chosen[0].mask.shape != image.shape[:2]:
            sizes = f"{image.shape[:2]}, {file} says {chosen[0].mask.shape}"
            raise UserError(f"{photo.name} is {sizes}; annotate the photos as they are")
        for case, draw in ((case, draw) for case in chosen for draw in range(draws)):
            rng = np.random.default_rng([seed, case.instance.id % 2**64, draw])
            rows += _rows(predictor, case, first, clicks, rng, draw, box)
    if not rows:
        raise UserError(
            f"{file}: no annotation covers {min_area:g} of its photo beyond its border"
        )
    return pd.DataFrame(rows)


def _rows(
    predictor: Predictor,
    case: Case,
    first: str,
    clicks: int,
    rng: np.random.Generator,
    draw: int,
    box: bool,
) -> Iterator[dict]:
    truth = truth_of(case.mask)
    if not (truth == 1).any():  # thinner than its border
        return
    kind = case.instance.category
    about = {
        "image": f"{case.photo}#{case.instance.id}",
        "draw": draw,
        "species": CLASSES.index(kind) if kind in CLASSES else 0,
        "single": case.counting == 1,
        "alone": case.annotated == 1,
        "small": bool(case.mask.mean() < SMALL),
    }
    wrong, pet, scored, made = edge_error(case.mask), truth == 1, truth != IGNORE, 0
    x, y, width, height = bounding_box(case.mask)
    drawn = (x, y, x + width, y + height) if box else None
    opening = None if box else first_click(first, truth, rng)
    for click, reply in enumerate(replies(predictor, truth, opening, clicks, drawn)):
        is_new, made = len(reply.clicks) > made, len(reply.clicks)
        yield {
            **about,
            "click": click,
            "inter": int((reply.mask & pet).sum()),
            "union": int(((reply.mask | pet) & scored).sum()),
            "score": round(reply.score, 4),
            "said": CLASSES.index(reply.species[0]) if reply.species else 0,
            "ms": round(reply.ms, 2),
            "edge_wrong": wrong(reply.mask),
            **_obeyed(predictor, reply, is_new),
            **(_refined(predictor, truth, wrong) if click == 1 and case.annotated == 1 else {}),
        }


def _refined(
    predictor: Predictor, truth: np.ndarray, wrong: Callable[[np.ndarray], float]
) -> dict[str, float]:
    """What the user has who rests after a click."""
    mask = predictor.refine() > 0
    return {"fine_iou": float(mask_iou(mask, truth)), "fine_wrong": wrong(mask)}


def _obeyed(predictor: Predictor, reply: Reply, is_new: bool) -> dict[str, float]:
    """Whether the newest click, if there is one, is obeyed: by the answer, and by the network."""
    if not is_new:
        return {"obeyed": np.nan, "by_network": np.nan}
    click = reply.clicks[-1]
    obeyed = reply.mask[int(click.y), int(click.x)] == click.positive
    raw = getattr(predictor, "by_network", None)  # (H, W) bool before the last step
    share = np.nan if raw is None else float(_share(raw, click) > 0.5)
    return {"obeyed": float(obeyed), "by_network": share}


def _share(mask: np.ndarray, click: Click) -> float:
    """Share of a click's disc that is on its side of a mask (H, W) bool."""
    height, width = mask.shape
    reach = DISC * max(height, width)
    rows, columns = np.arange(height)[:, None], np.arange(width)
    disc = (rows - int(click.y)) ** 2 + (columns - int(click.x)) ** 2 <= reach**2
    return float((mask[disc] == click.positive).mean())


def instance_scores(table: pd.DataFrame) -> dict[str, float]:
    """The numbers of PROTOCOL §3b: means over instances, of all and by group.

    An instance that was opened several times counts with the mean of its draws.
    """
    values = mean_of_draws(table)
    about = table.groupby("image")[["single", "alone", "small", "species"]].first()
    groups = {"single": about["single"], "several": ~about["single"], "small": about["small"]}
    scores: dict[str, float] = {"n": len(values)}
    scores |= {f"n_{group}": int(members.sum()) for group, members in groups.items()}
    for k in (k for k in AT if f"iou_at_{k}" in values):
        iou = values[f"iou_at_{k}"]
        scores[f"iou_at_{k}"] = iou.mean()
        scores |= {f"iou_at_{k}_{group}": iou[members].mean() for group, members in groups.items()}
    scores |= values.filter(regex="^no[cf]").mean().to_dict()
    clicked = table[table["click"] > 0]
    scores["obeyed"] = clicked["obeyed"].mean()
    scores["obeyed_by_network"] = clicked["by_network"].mean()
    first = clicked[(clicked["click"] == 1) & (clicked["species"] > 0)]
    scores["species"] = (first["said"] == first["species"]).mean()
    once = clicked[(clicked["click"] == 1) & clicked["alone"]]
    scores["edge_median_iou"] = once["fine_iou"].median()
    scores["edge_wrong"] = once["fine_wrong"].mean()
    scores["edge_median_iou_at_once"] = (once["inter"] / once["union"].clip(lower=1)).median()
    scores["edge_wrong_at_once"] = once["edge_wrong"].mean()
    if table["draw"].any():
        scores |= _spread(clicked[clicked["click"] == 1])
    for share in (50, 95):
        scores[f"ms_click_p{share}"] = clicked["ms"].quantile(share / 100)
    return scores


def _spread(first: pd.DataFrame) -> dict[str, float]:
    """Best minus worst IoU of an instance's first clicks, and their worst tenth, by group."""
    iou = (first["inter"] / first["union"].clip(lower=1)).groupby(first["image"])
    spread, worst = iou.max() - iou.min(), iou.quantile(0.1)
    single = first.groupby("image")["single"].first()
    groups = {"single": single, "several": ~single}
    return {
        f"{name}_{group}": values[members].mean()
        for group, members in groups.items()
        for name, values in (("spread", spread), ("worst_tenth", worst))
    }
