"""Where the border between cats and dogs lies in the evidence of ImageNet's classifier.

    python -m common.training.species --data-root DIR

prints the two numbers that `models.point.species` keeps, fitted on training photos alone: a
logistic regression in which both species weigh the same. Takes a minute or two.

Shapes: N photos, S pixels of a window's edge.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from common.config import IGNORE, cli
from common.data.cache import PetCache
from common.data.dataset import prepare, to_float
from common.data.scene import BOX, box_of, resized
from common.models.encoders.encoder import FrozenEncoder
from common.models.point.species import CLASSIFIER, evidence

SIZE, PHOTOS = 256, 384  # pixels: of what the classifier sees, and of the cache's photos
MARGIN = (1.1, 2.0)  # edge of what names an animal over that of its box, as a predictor has it
SURE = 8.0  # logit of a true mask


def fit_border(odds: Tensor, is_cat: Tensor) -> tuple[float, float]:
    """Scale and border of ``sigmoid(scale · (odds − border))``, the probability of a cat.

    Args:
        odds: (N,) evidence.
        is_cat: (N,) bool; both species weigh the same, however many there are.
    """
    share, target = is_cat.float().mean(), is_cat.double()
    weight = torch.where(is_cat, 0.5 / share, 0.5 / (1 - share)).double()
    line = torch.tensor([1.0, 0.0], dtype=torch.double, requires_grad=True)
    optimizer = torch.optim.LBFGS([line], max_iter=200, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        logits = line[0] * odds.double() + line[1]
        value = F.binary_cross_entropy_with_logits(logits, target, weight)
        value.backward()
        return value

    optimizer.step(loss)
    scale, shift = line.detach().tolist()
    return scale, -shift / scale


@torch.inference_mode()
def evidence_of(cache: PetCache, rows: np.ndarray, seed: int = 0, batch: int = 16) -> Tensor:
    """Evidence (N,) for a cat in windows round the animals of some photos, by their true masks."""
    rng, classifier, found = np.random.default_rng(seed), FrozenEncoder(CLASSIFIER), []
    for at in range(0, len(rows), batch):
        seen = [_window(cache, row, rng) for row in rows[at : at + batch]]
        image, mask = (torch.from_numpy(np.stack(part)) for part in zip(*seen, strict=True))
        classes = classifier(to_float(image.permute(0, 3, 1, 2)))[0]
        found.append(evidence(classes, SURE * (2 * mask[:, None].float() - 1)))
    return torch.cat(found)


def _window(cache: PetCache, row: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A window (S, S, 3) of a photo round its animal, and the animal (S, S) bool."""
    mask = cache.masks[row]
    left, top, right, bottom = box_of((mask > 0) & (mask != IGNORE))
    edge = min(len(mask), int(rng.uniform(*MARGIN) * max(right - left, bottom - top)))
    x, y = (
        int(np.clip((low + high - edge) / 2, 0, len(mask) - edge))
        for low, high in ((left, right), (top, bottom))
    )
    how = ((x, y, x + edge, y + edge), SIZE, SIZE, False)
    animal = resized(mask, *how, Image.Resampling.NEAREST)
    return resized(cache.images[row], *how, BOX), (animal > 0) & (animal != IGNORE)


@cli
def main(argv: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m common.training.species")
    parser.add_argument("--data-root", help="dataset folder (default: $PETS_ROOT)")
    parser.add_argument("--photos", type=int, default=1000, help="training photos (1000)")
    args = parser.parse_args(argv)
    cache = prepare(args.data_root, size=PHOTOS)
    is_cat = torch.tensor(cache.manifest["species"].to_numpy() == 1)
    rows = np.random.default_rng(0).permutation(cache.rows("train"))[: args.photos]
    scale, border = fit_border(evidence_of(cache, rows), is_cat[rows])
    print(f"SCALE, BORDER = {scale:.2f}, {border:.2f}  # {len(rows)} training photos")
    rows = cache.rows("val")
    right = (evidence_of(cache, rows) > border) == is_cat[rows]
    for name, species in (("cats", is_cat[rows]), ("dogs", ~is_cat[rows])):
        print(f"validation: {right[species].float().mean():.3f} of the {name}")


if __name__ == "__main__":
    raise SystemExit(main())
