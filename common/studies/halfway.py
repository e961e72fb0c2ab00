"""What MAE's features had become after a quarter, half and all of its pretraining, in pictures.

The networks of halfway are not kept with the project: their pictures of the sample photos, their
probes and the studies on them are stored, and their cards say which weights those were.
"""

from collections.abc import Mapping
from functools import partial
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from torch import Tensor

from common.checkpoint import load_checkpoint, read_card
from common.data.cache import PetCache
from common.models.encoders.encoder import FrozenEncoder
from common.studies.explain import Columns, painted_by
from common.studies.probes import main_colours, probe_all

VERSION = 1
KEPT = {"after 25 %": "mae_pets-25", "after 50 %": "mae_pets-50", "at the end": "mae_pets"}
UNTRAINED = "untrained"


def weights(checkpoints: Path) -> dict[str, str]:
    """Which weights those are, by stage: the hashes in their cards."""
    return {title: read_card(checkpoints / name)["tensors_sha256"] for title, name in KEPT.items()}


def encoders(checkpoints: Path) -> dict[str, FrozenEncoder]:
    """The encoder of each stage, untrained first.

    Raises:
        UserError: one is not here; the message names what makes it.
    """
    untrained = {UNTRAINED: FrozenEncoder("mae_pets", random=True)}
    return untrained | {
        title: FrozenEncoder(name.replace("-", "_"), folder=checkpoints)
        for title, name in KEPT.items()
    }


def painted(checkpoints: Path, photos: Tensor) -> pd.DataFrame:
    """`painted_by` of all stages as a table, to be read by `columns`."""
    models = {title: load_checkpoint(checkpoints / name)[0] for title, name in KEPT.items()}
    return table(painted_by(models, photos))


def features(checkpoints: Path, photos: Tensor) -> pd.DataFrame:
    """The main colours of the last layer's features, as a table to be read by `columns`."""
    return table(
        {
            title: main_colours([x.numpy() for x in encoder(photos)[-1]])
            for title, encoder in encoders(checkpoints).items()
        }
    )


def probed(checkpoints: Path, cache: PetCache) -> pd.DataFrame:
    """`probe_all` of the stages."""
    return probe_all(encoders(checkpoints), cache)


def probed_named(checkpoints: Path, names: Mapping[str, str], cache: PetCache) -> pd.DataFrame:
    """`probe_all` of the project's own encoders, by the names that readers know."""
    chosen = {title: FrozenEncoder(name, folder=checkpoints) for title, name in names.items()}
    return probe_all(chosen, cache)


def table(pictures: Columns) -> pd.DataFrame:
    """Columns of pictures as rows: title, photo (its number), png (bytes)."""
    return pd.DataFrame(
        [
            {"title": title, "photo": number, "png": _png(picture)}
            for title, column in pictures.items()
            for number, picture in enumerate(column)
        ]
    )


def columns(stored: pd.DataFrame) -> Columns:
    """The pictures of a `table`."""
    read = partial(map, lambda png: np.asarray(Image.open(BytesIO(png))))
    rows: Mapping[str, pd.Series] = dict(list(stored.groupby("title", sort=False)["png"]))
    return {title: list(read(pngs)) for title, pngs in rows.items()}


def _png(picture: np.ndarray) -> bytes:
    stream = BytesIO()
    Image.fromarray(picture).save(stream, "PNG")
    return stream.getvalue()
