"""A scene of several animals: a canvas on which photos and cut-outs are laid, one over another.

A layer is a whole photo in a box (its animal in its own surroundings) or an animal cut out by its
trimap. What the layers above leave to be seen of an animal is its truth. Shapes: S the frame's
edge, h w a layer's.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from common.config import IGNORE
from common.data.cache import PetCache

ANIMALS = 6  # of a scene, at most
FEW = 50  # pixels that say nothing of an animal's colours
NEAR = (0.35, 0.75)  # edge of a view from near, as a share of the photo's
BOX = Image.Resampling.BILINEAR
Part = tuple[int, int, int, int]  # left, top, right, bottom, in pixels


@dataclass(frozen=True, kw_only=True)
class Mix:
    """How often a scene is of which kind (shares that sum to 1), and what it is made of.

    Attributes:
        single: a whole photo as it is.
        near: a part of a photo, round some spot of its animal's outline.
        alone: one animal on the ground of another photo.
        several: two to five animals.
        ground: no animal.
        whole: share of the scenes of several that begin with a photo as it is, not with ground.
        tile, first_tile: share of the layers that are whole photos, not cut-outs; and of the
            first layers on bare ground.
        same_breed: share of the neighbours that are of the first one's breed.
        twin: … that are the first one's own picture again.
        beside: share of the layers laid against the one before, about as large.
        harmony: share of the cut-outs in the light and colours of the animals laid before.
        coarse: share of the scenes that show as little as a small animal enlarged.
        smallest, largest: longer edge of a cut-out, in shares of the frame, even in its logarithm.
        size: edge of a scene in pixels; 0 takes the cache's, whose photos may be larger.
    """

    single: float = 0.16
    near: float = 0.0
    alone: float = 0.12
    several: float = 0.65
    ground: float = 0.07
    whole: float = 0.35
    tile: float = 0.2
    first_tile: float = 0.4
    same_breed: float = 0.35
    twin: float = 0.2
    beside: float = 0.6
    harmony: float = 0.6
    coarse: float = 0.15
    smallest: float = 0.12
    largest: float = 0.9
    size: int = 0


class Place(NamedTuple):
    """A layer's centre and size, in pixels, and its longer edge as a share of the frame."""

    x: float
    y: float
    width: int
    height: int
    scale: float


class Scene:
    """A canvas: ``image`` (S, S, 3), ``mask`` (S, S) and ``species`` of the animals on it."""

    def __init__(self, cache: PetCache, mix: Mix, rng: np.random.Generator) -> None:
        self.cache, self.mix, self.rng, self.full = cache, mix, rng, cache.info["size"]
        self.size = mix.size or self.full
        self.image = np.full((self.size, self.size, 3), 128, np.uint8)
        self.mask = np.zeros((self.size, self.size), np.uint8)
        self.species: list[int] = []
        self.last: Place | None = None

    def lay_photo(self, row: int) -> None:
        """Fill the frame with a photo and its animal."""
        self._lay_part(row, (0, 0, self.full, self.full))

    def lay_near(self, row: int) -> None:
        """Fill the frame with a part of a photo (`NEAR`), round a spot of the outline."""
        rng, edge = self.rng, int(self.full * self.rng.uniform(*NEAR))
        spots = np.argwhere(self.cache.masks[row] == IGNORE)
        y, x = rng.choice(spots) if len(spots) else (self.full // 2, self.full // 2)
        left, top = (int(np.clip(c - edge * rng.random(), 0, self.full - edge)) for c in (x, y))
        self._lay_part(row, (left, top, left + edge, top + edge))

    def _lay_part(self, row: int, part: Part) -> None:
        how = (part, self.size, self.size, False)
        self.image[:] = resized(self.cache.images[row], *how, BOX)
        mask = resized(self.cache.masks[row], *how, Image.Resampling.NEAREST)
        self.mask[:] = self._numbered(mask, row)

    def lay_ground(self, rows: np.ndarray, tries: int = 60) -> None:
        """Fill the frame with a part of some photo that shows no animal, or with grey."""
        cache, rng, size = self.cache, self.rng, self.full
        for attempt in range(tries):
            if attempt % 6 == 0:
                row = rng.choice(rows)
                bare = np.asarray(cache.masks[row]) == 0
            width = int(size * (rng.uniform(0.25, 0.7) if attempt < tries // 2 else 0.2))
            height = int(np.clip(width * rng.uniform(0.6, 1.6), size // 6, size))
            x, y = rng.integers(size - width + 1), rng.integers(size - height + 1)
            if bare[y : y + height : 3, x : x + width : 3].all():
                part = (x, y, x + width, y + height)
                flip = rng.random() < 0.5
                self.image[:] = resized(cache.images[row], part, self.size, self.size, flip, BOX)
                return

    def lay_animal(self, row: int, *, tile: bool) -> None:
        """Lay an animal, or the whole photo that shows it, somewhere on the frame."""
        if len(self.species) == ANIMALS:
            return
        cache, rng = self.cache, self.rng
        image, mask = cache.images[row], cache.masks[row]
        part = (0, 0, self.full, self.full) if tile else box_of(mask > 0)
        place, flip = self._place(row, part, tile), rng.random() < 0.5
        how = (part, place.width, place.height, flip)
        photo, labels = resized(image, *how, BOX), resized(mask, *how, Image.Resampling.NEAREST)
        if tile:
            alpha = feathered(place.height, place.width, int(rng.integers(1, 7)))
        else:  # the outline lies somewhere in the trimap's border
            soft = np.select([mask == IGNORE, mask > 0], [rng.uniform(0.2, 0.8), 1.0], 0.0)
            alpha = resized((255 * soft).astype(np.uint8), *how, BOX) / 255
            photo = self._toned(photo.astype(np.float32), labels > 0)
        self._blend(place, photo, self._numbered(labels, row), alpha, tile)
        self.last = place

    def blur(self) -> None:
        """Show no more detail than a window round a small animal does."""
        few = int(self.size * self.rng.uniform(0.2, 0.6))
        small = Image.fromarray(self.image).resize((few, few), BOX)
        self.image = np.array(small.resize((self.size, self.size), BOX))

    def _toned(self, photo: np.ndarray, pet: np.ndarray) -> np.ndarray:
        """A cut-out (h, w, 3) in other light or, in harmony, like the animals laid before it."""
        rng, here = self.rng, (self.mask > 0) & (self.mask != IGNORE)
        if rng.random() < self.mix.harmony and min(here.sum(), pet.sum()) > FEW:
            own, theirs = photo[pet], self.image[here].astype(np.float32)
            gain = (theirs.std(0) / (own.std(0) + 1)).clip(0.5, 2)
            like = (photo - own.mean(0)) * gain + theirs.mean(0)
            photo = photo + rng.uniform(0.3, 1) * (like - photo)
        else:
            photo = photo * rng.uniform(0.7, 1.25) + rng.uniform(-12, 12)
        return photo.clip(0, 255)

    def _place(self, row: int, part: Part, tile: bool) -> Place:
        """Where a layer goes: anywhere, up to a third beyond the frame, or beside the last."""
        rng, mix, size, last = self.rng, self.mix, self.size, self.last
        beside = last is not None and rng.random() < mix.beside
        if beside:
            scale = float(np.clip(last.scale * rng.uniform(0.7, 1.4), mix.smallest, mix.largest))
        elif tile:
            scale = rng.uniform(0.3, 0.8)
        else:
            scale = float(np.exp(rng.uniform(np.log(mix.smallest), np.log(mix.largest))))
        about = self.cache.manifest.iloc[row]
        aspect = about["width"] / about["height"] * rng.uniform(0.8, 1.25)
        aspect *= (part[2] - part[0]) / (part[3] - part[1])
        width, height = (max(8, int(scale * size * min(1, a))) for a in (aspect, 1 / aspect))
        within = 1 / 3 if tile else 1 / 6  # of the layer, its centre's least distance to the rim
        x, y = (rng.uniform(*sorted((within * e, size - within * e))) for e in (width, height))
        if beside:
            angle, reach = rng.uniform(0, 2 * np.pi), rng.uniform(0.35, 0.6)
            x = last.x + reach * (last.width + width) * np.cos(angle)
            y = last.y + 0.5 * reach * (last.height + height) * np.sin(angle)
            x, y = (np.clip(c, e / 6, size - e / 6) for c, e in ((x, width), (y, height)))
        return Place(x, y, width, height, scale)

    def _numbered(self, mask: np.ndarray, row: int) -> np.ndarray:
        """Classes (h, w) of a photo as the scene's next animal, which it becomes."""
        self.species.append(int(self.cache.manifest.at[row, "species"]) - 1)
        number = len(self.species)
        return np.where(mask == IGNORE, IGNORE, (mask > 0) * number).astype(np.uint8)

    def _blend(
        self, place: Place, photo: np.ndarray, labels: np.ndarray, alpha: np.ndarray, tile: bool
    ) -> None:
        left, top = int(place.x - place.width / 2), int(place.y - place.height / 2)
        x, y, size = max(0, left), max(0, top), self.size
        right, bottom = min(size, left + place.width), min(size, top + place.height)
        here = np.s_[y:bottom, x:right]
        cut = np.s_[y - top : bottom - top, x - left : right - left]
        share = alpha[cut][..., None]
        self.image[here] = self.image[here] * (1 - share) + photo[cut] * share
        covered = alpha[cut] > 0.5 if tile else labels[cut] > 0
        self.mask[here] = np.where(covered, labels[cut], self.mask[here])


def box_of(region: np.ndarray) -> Part:
    """The smallest box that holds a region (h, w) bool."""
    rows, columns = (np.flatnonzero(region.any(axis)) for axis in (1, 0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def resized(
    array: np.ndarray, part: Part, width: int, height: int, flip: bool, how: Image.Resampling
) -> np.ndarray:
    """A part of an array (S, S, …) uint8 at another size, mirrored where asked."""
    image = Image.fromarray(np.ascontiguousarray(array)).resize((width, height), how, box=part)
    return np.asarray(image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else image)


def feathered(height: int, width: int, seam: int) -> np.ndarray:
    """1 inside a box (height, width), falling towards its rim over ``seam`` pixels."""
    down, across = (np.minimum(i + 1, len(i) - i) / seam for i in map(np.arange, (height, width)))
    return np.minimum(1, np.minimum(down[:, None], across))
