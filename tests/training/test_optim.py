"""What no run can have is refused before it begins."""

import math

import pytest

from common.config import UserError
from common.training.optim import RANGES, TrainConfig, check_settings


def test_every_number_has_its_range():
    numbers = {name for name, value in vars(TrainConfig()).items() if not isinstance(value, str)}
    assert numbers == set(RANGES)


def test_the_projects_own_settings_do():
    check_settings(TrainConfig())
    check_settings(TrainConfig(epochs=1, precision="no", coarse=0.5, workers=0))


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"epochs": 0}, "epochs 0 does not do; choose 1 to 1e"),
        ({"lr": math.nan}, "lr nan does not do"),
        ({"fraction": 1.5}, "fraction 1.5 does not do; choose 1e-06 to 1"),
        ({"seed": -1}, "seed -1 does not do"),
        ({"precision": "fp64"}, "precision 'fp64' is unknown; choose one of bf16, no"),
    ],
)
def test_what_does_not_do(wrong: dict, message: str):
    with pytest.raises(UserError, match=message):
        check_settings(TrainConfig(**wrong))
