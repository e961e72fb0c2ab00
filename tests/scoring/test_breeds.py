"""Groups of breeds: every breed in one of them, scored on its own photos alone."""

import pytest

from common.config import UserError
from common.data.breeds import GROUPS
from common.models.pretraining.captions import BREEDS, CATS
from common.scoring.groups import group_scores
from common.scoring.scores import scores
from tests.scoring.test_scores import row, table

PERFECT, BLIND = [[9, 0, 0], [0, 3, 0], [0, 0, 0]], [[9, 0, 0], [3, 0, 0], [0, 0, 0]]


def test_every_breed_is_in_one_group_of_its_species():
    members = [breed for breeds in GROUPS.values() for breed in breeds]
    assert sorted(members) == sorted(BREEDS)
    for group, breeds in GROUPS.items():
        assert all((breed in CATS) == group.startswith("cats") for breed in breeds)


def test_a_group_is_scored_on_its_own_photos():
    """However its breeds are written."""
    counts = table(
        row(PERFECT, breed="Sphynx"), row(PERFECT, breed="maine_coon"), row(BLIND, breed="Persian")
    )
    found = group_scores(counts).set_index("label")["value"]
    assert found.index.tolist() == ["cats, long hair (n 2)", "cats, no hair (n 1)"]
    assert found.tolist() == [0.5, 1.0]
    assert found.iloc[0] == scores(counts[1:])["foreground_iou"]


def test_a_strange_breed_is_named():
    with pytest.raises(UserError, match="'wolf' is in no group"):
        group_scores(table(row(PERFECT, breed="Wolf")))
