"""Known answers: behaviour that changes without a raised version is seen here.

Stored results are keyed by integer versions, which only people can raise. Where one of these
numbers moves, either what made it is to be restored, or the version of what moved it is to be
raised (then stored results are made anew) and the number here replaced.
"""

from pathlib import Path

import numpy as np
import pytest
import torch

from common.checkpoint import Card
from common.clicks.predictor import PromptedPredictor
from common.clicks.prompts import pet_truth
from common.data.cache import PetCache
from common.data.pets import read_index, read_pair
from common.models import create_model
from common.scoring.clicking import click_through
from common.scoring.photos import evaluate
from common.training.click_validation import quick_click_scores
from common.training.contracts import Score, watched
from common.training.pretrain import Crops, quick_reconstruction, quick_zero_shot
from common.training.trainer import TrainConfig, Trainer
from common.training.validation import quick_scores
from tests.models.pretraining import test_clip, test_mae

CONFIG = TrainConfig(epochs=1, batch_size=4, max_steps=2, workers=0, precision="no")
NETWORKS: dict[str, dict] = {  # one of each class, small
    "unet": {"widths": (8, 16), "stem": 1},
    "imagenet_baseline": {"random": True},
    "lite0_query": {"random": True, "queries": 4, "width": 32},
    "lite0_linear": {"random": True},
    "point_unet": {"encoder": "residual", "widths": (8, 8, 8, 8)},
    "mae_pets": test_mae.SMALL,
    "clip_pets": test_clip.SMALL,
}
SCORES: dict[str, Score] = {
    "point_unet": quick_click_scores,
    "mae_pets": quick_reconstruction,
    "clip_pets": quick_zero_shot,
}
LOSSES_AND_SCORES = {
    "unet": (2.8445, 0.0321),
    "imagenet_baseline": (2.9527, 0.0316),
    "lite0_query": (3.4366, 0.0370),
    "lite0_linear": (2.0578, 0.0925),
    "point_unet": (1.5844, 0.0984),
    "mae_pets": (1.3371, -0.3247),
    "clip_pets": (1.7484, 0.25),
}
COUNTS = {
    "c02": 20185,
    "c12": 3187,
    "c22": 2235,
    "b2": 1581,
    "bi_fg": 1964,
    "bu_fg": 6983,
    "bi_dog": 777,
    "n_bin5": 15405,
    "conf_bin6": 4236.79,
}
CLICKS = [0, 1062, 37, 1920, 81, 2892, 78, 3016, 115, 3033]


def hold(found: object, known: object, what: str) -> None:
    """Fail with what is to be done."""
    message = f"raise VERSION of {what}, or restore the behaviour: {found} was {known}"
    assert found == pytest.approx(known, rel=1e-3, abs=1e-3), message


@pytest.mark.parametrize("name", NETWORKS)
def test_two_steps_of_training(name: str, cache: PetCache, tmp_path: Path) -> None:
    """The mean loss of two steps on varied photos, and the score that would choose the epoch."""
    torch.manual_seed(0)
    network = create_model(name, **NETWORKS[name])
    given = {"items": Crops(32)} if name in ("mae_pets", "clip_pets") else {}
    score = SCORES.get(name, quick_scores)
    trainer = Trainer(network, cache, CONFIG, tmp_path / "state.pt", score=score, **given)
    (row,) = trainer.run().to_dict("records")
    told = f"the model {name}, the loop, the augmentation, the items or the score"
    chooses = row[watched(row)]
    hold((row["loss"], chooses), LOSSES_AND_SCORES[name], told)


def test_counts_of_photos(pets: Path) -> None:
    """Those of an untrained network on the validation photos, at native size."""
    torch.manual_seed(0)
    model = create_model("unet", **NETWORKS["unet"]).eval()
    table, _ = evaluate(model, Card("unet", size=32), pets, "val")
    found = {name: float(table[name].sum()) for name in COUNTS}
    hold(found, COUNTS, "scoring.counts, inference, geometry or pets")


def test_clicks_of_the_robot(pets: Path) -> None:
    """Pixels that an untrained network has right, click by click."""
    torch.manual_seed(0)
    card = Card("point_unet", size=32)
    predictor = PromptedPredictor(
        create_model("point_unet", **NETWORKS["point_unet"]).eval(), card
    )
    record = read_index(pets).query("split == 'val'").iloc[0]
    image, mask = read_pair(pets, record["name"], record["species"])
    rows = click_through(predictor, image, pet_truth(mask), clicks=4)
    found = [[row["inter"], row["union"]] for row in rows]
    hold(np.ravel(found).tolist(), CLICKS, "clicks.robot, clicks.prompts or clicks.predictor")
