"""The dataset on disk: which photos there are, whose they are, and how one is read.

Reads any folder in the layout of Oxford-IIIT Pet (Parkhi et al. 2012), which is torchvision's:
``images/NAME.jpg``, ``annotations/trimaps/NAME.png``, ``annotations/{trainval,test}.txt``.
"""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from common.config import CLASSES, IGNORE, UserError, user_path
from common.data.contents import contents_sha256
from common.data.photos import opened, read_photo

VERSION = 1  # raise it when a photo or a pixel counts as something else: all scoring follows
LISTS = {"trainval": "trainval.txt", "test": "test.txt"}
COMMITTED = (  # lists and sizes, and contents, of the copy that `results/` follow from
    "e2b22a6da385472936296c780e230ad963cac505d8c83f57aa01305d737c1571",
    "eaee0abe66bc30f722004808a70ceca03ad64932db07ff1b828f771dbdec2291",
)
TRIMAP = {"pet": 1, "background": 2, "border": 3}


def find_root(root: str | Path) -> Path:
    """The folder that holds ``annotations/``: ``root`` itself or its ``oxford-iiit-pet``."""
    root = user_path(root)
    for folder in (root, root / "oxford-iiit-pet"):
        if (folder / "annotations").is_dir():
            return folder
    if is_preprocessed(root):
        raise UserError(f"{root}: preprocessed, but this needs the photos; set PETS_ROOT to them")
    raise UserError(
        f"{root}: no folder 'annotations' here or in 'oxford-iiit-pet'; set PETS_ROOT to a copy "
        "of Oxford-IIIT Pet in torchvision's layout (images/, annotations/)"
    )


def is_preprocessed(root: str | Path) -> bool:
    """Whether a folder is a preprocessed dataset (`common.data.cache`) and not one of photos."""
    return (user_path(root) / "info.json").is_file()


def read_index(root: str | Path, *, seed: int = 0, validation: float = 0.1) -> pd.DataFrame:
    """One row a listed photo: name, breed, breed_id, species (1 cat, 2 dog), split.

    ``split`` is train, val or test; val is ``validation`` of each breed of trainval, by ``seed``.
    Photos that no list names are left alone, as in the official release.

    Raises:
        UserError: there is no list, or a line of one cannot be understood.
    """
    folder = find_root(root) / "annotations"
    rows, seen = [], dict[str, str]()
    for split, file in LISTS.items():
        for place, name, breed_id, species in _read_list(folder / file):
            if name in seen:
                raise UserError(
                    f"{place}: {name} is listed already in {seen[name]}; remove one of the lines"
                )
            seen[name] = place
            rows.append((name, breed_id, species, split))
    if not rows:
        raise UserError(f"{folder}: trainval.txt and test.txt list no photo; copy them again")
    index = pd.DataFrame(rows, columns=["name", "breed_id", "species", "split"])
    index["breed"] = index["name"].str.rsplit("_", n=1).str[0].str.replace("_", " ").str.title()
    index["split"] = index["split"].replace("trainval", "train")
    index.loc[_validation_rows(index, seed, validation), "split"] = "val"
    return index[["name", "breed", "breed_id", "species", "split"]]


def _read_list(path: Path) -> Iterator[tuple[str, str, int, int]]:
    """Place ("FILE, line 3"), name, breed_id and species of each line; a missing file has none."""
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines() if path.is_file() else []
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: not a readable list ({error}); save it as UTF-8") from None
    for number, line in enumerate(lines, 1):
        if not (words := line.split("#")[0].split()):
            continue
        place = f"{path}, line {number}"
        try:
            name, breed_id, species = words[0], int(words[1]), int(words[2])
        except (IndexError, ValueError):
            raise UserError(
                f"{place}: {line[:60]!r} is not 'NAME BREED SPECIES BREED' (a name, three numbers)"
            ) from None
        if species not in (1, 2):
            raise UserError(f"{place}: species {species} of {name} is neither 1 (cat) nor 2 (dog)")
        if name != Path(name).name:
            raise UserError(f"{place}: {name[:60]!r} is a path; a name has no folder")
        yield place, name, breed_id, species


def _validation_rows(index: pd.DataFrame, seed: int, share: float) -> np.ndarray:
    """Row labels of the validation photos: ``share`` of each breed, at least one of several."""
    random = np.random.default_rng(seed)
    chosen = []
    for _, rows in index[index["split"] == "train"].groupby("breed_id"):
        count = max(1, round(share * len(rows))) if len(rows) > 1 else 0
        chosen.append(random.permutation(np.sort(rows.index))[:count])
    return np.concatenate(chosen) if chosen else np.empty(0, int)


def balanced_sample(index: pd.DataFrame, photos: int, seed: int = 0) -> pd.DataFrame:
    """So many photos, half of them cats; every photo where a species has too few."""
    halves = [
        rows.sample(min(len(rows), photos // 2), random_state=seed)
        for _, rows in index.groupby("species")
    ]
    return pd.concat(halves).sort_index()


def photo_path(root: str | Path, name: str) -> Path:
    """Where the photo ``name`` is stored."""
    return find_root(root) / "images" / f"{name}.jpg"


def trimap_path(root: str | Path, name: str) -> Path:
    """Where the trimap of ``name`` is stored."""
    return find_root(root) / "annotations" / "trimaps" / f"{name}.png"


def read_pairs(
    root: Path, records: Iterable[dict], problems: list[dict]
) -> Iterator[tuple[dict, np.ndarray, np.ndarray]]:
    """Row of the index, photo (H, W, 3) and classes (H, W) of each photo that can be read.

    Args:
        root: the dataset folder.
        records: rows of `read_index`.
        problems: gets the name and the reason of each photo that cannot.
    """
    for record in records:
        try:
            yield (record, *read_pair(root, record["name"], record["species"]))
        except UserError as error:
            problems.append({"name": record["name"], "reason": str(error)})


def read_mask(path: str | Path, species: int) -> np.ndarray:
    """Decode a trimap into classes: (H, W) uint8 of 0 background, 1 cat, 2 dog, 255 border.

    Raises:
        UserError: the file is missing, truncated or no trimap.
    """
    with opened(path, "trimap") as image:
        trimap = np.asarray(image)
    codes = trimap.astype(np.uint8)
    known = (codes == trimap).all() and codes.min() >= 1 and codes.max() <= len(TRIMAP)
    if trimap.ndim != 2 or not known:
        values = ", ".join(f"{value:g}" for value in np.unique(trimap)[:4].astype(float))
        found = values if trimap.ndim == 2 else "colours"
        raise UserError(
            f"{path}: a trimap holds only 1 (pet), 2 (background) and 3 (border), here are "
            f"{found}; save it as a PNG of 8 bits of grey"
        )
    return np.array([0, species, 0, IGNORE], np.uint8).take(codes)


def read_pair(root: str | Path, name: str, species: int) -> tuple[np.ndarray, np.ndarray]:
    """A photo (H, W, 3) and its class mask (H, W), checked to belong together.

    The photo's stored pixels are taken, on which the trimaps were drawn; they are turned upright
    only where just that fits the trimap.

    Raises:
        UserError: one cannot be read, their sizes differ, or no pixel shows the pet.
    """
    path = photo_path(root, name)
    image = read_photo(path, upright=False)
    mask = read_mask(trimap_path(root, name), species)
    if image.shape[:2] != mask.shape:
        image = read_photo(path)
    (h, w), (mh, mw) = image.shape[:2], mask.shape
    if (h, w) != (mh, mw):
        raise UserError(f"{path}: the photo is {w}×{h} but its trimap {mw}×{mh}")
    if not (mask == species).any():
        raise UserError(f"{trimap_path(root, name)}: there is no {CLASSES[species]} pixel in it")
    return image, mask


def fingerprint(root: str | Path) -> str:
    """Identity of a folder's content: what its lists and its photos and trimaps hold.

    For the copy that the committed results follow from, it is the sha256 of lists and sizes, as
    it was when they were made. That of a preprocessed dataset is the sha256 of its info.json,
    which holds its checksums.
    """
    if is_preprocessed(root):
        return hashlib.sha256((user_path(root) / "info.json").read_bytes()).hexdigest()
    folder = find_root(root)
    digest = hashlib.sha256()
    for file in LISTS.values():
        if (folder / "annotations" / file).is_file():
            digest.update((folder / "annotations" / file).read_bytes())
    files = sorted([*folder.glob("images/*.jpg"), *folder.glob("annotations/trimaps/*.png")])
    for path in files:
        digest.update(f"{path.name} {path.stat().st_size}\n".encode())
    contents = contents_sha256(folder, files)
    if (digest.hexdigest(), contents) == COMMITTED:
        return digest.hexdigest()
    digest.update(contents.encode())
    return digest.hexdigest()
