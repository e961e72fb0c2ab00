"""What a click cell offers: the sample photos, and every model that has a checkpoint."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from common.canvas.answers import Photo
from common.clicks.predictor import load_predictor
from common.clicks.prompts import pet_truth
from common.clicks.protocol import Predictor
from common.clicks.sam import available_sam
from common.config import CHECKPOINTS, OWN, RESULTS, UserError
from common.models import MODELS
from common.samples import Sample, load_samples
from common.wording import label


def available_models(
    first: str = "", *, results: str | Path = RESULTS
) -> dict[str, Callable[[], Predictor]]:
    """Models whose checkpoint is there, but for controls, by the names that readers know.

    Those that the user taught (`training.own`) come after the committed ones, by their own names.
    SAM is offered too where its package and weights are (`clicks.sam`).

    Args:
        first: the model to begin with, by its checkpoint's name or the one that is shown.
        results: its ``checkpoints`` are looked at.

    Returns:
        By name, what loads the model's predictor, for a `ClickSession`.

    Raises:
        UserError: there is no checkpoint, or none of ``first``.
    """
    folder = Path(results) / CHECKPOINTS.name
    files = {label(name): folder / f"{name}.json" for name in offered()}
    there: dict[str, str | Path] = {n: file for n, file in files.items() if _complete(file)}
    own = sorted((Path(results) / OWN).glob("*.json"))
    there |= {file.stem: file for file in own if _complete(file) and file.stem not in there}
    if sam := available_sam():
        there[label(sam)] = sam
    if not there:
        raise UserError(f"{folder}: no checkpoint of any model; train one, or fetch it")
    wanted = first if first in there else label(first) if first else next(iter(there))
    if wanted not in there:
        raise UserError(f"no checkpoint of {first}; there are those of {', '.join(there)}")
    return {name: partial(load_predictor, there[name]) for name in {wanted: None, **there}}


def offered() -> list[str]:
    """Names of the models that a user may choose from, the best one to click with first."""
    return [name for name, spec in MODELS.items() if not spec.control]


def _complete(file: Path) -> bool:
    return file.is_file() and file.with_suffix(".safetensors").is_file()


def sample_photos(samples: Sequence[Sample] | None = None) -> list[Photo]:
    """The project's own photos with their masks, so that the robot can click and IoU be told.

    Args:
        samples: which, and in which order; None: all, as `load_samples` has them.
    """
    return [
        Photo(_sentence(sample.title), sample.image, pet_truth(sample.mask), sample.credit)
        for sample in samples or load_samples()
    ]


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]
