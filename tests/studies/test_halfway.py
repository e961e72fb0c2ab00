"""The stages of a pretraining are shown from what is stored; their weights are not needed."""

import numpy as np
import pytest

from common.config import CHECKPOINTS, RESULTS, UserError
from common.files import read_table
from common.studies import halfway


def test_pictures_come_back_as_they_were():
    random = np.random.default_rng(0)
    pictures = {t: list(random.integers(0, 255, (2, 5, 7, 3), np.uint8)) for t in "ab"}
    back = halfway.columns(halfway.table(pictures))
    assert list(back) == ["a", "b"]
    assert all(np.array_equal(back[t][n], pictures[t][n]) for t in "ab" for n in range(2))


@pytest.mark.parametrize("file", ["probes/mae", "features/mae_painted", "features/mae_colours"])
def test_what_is_stored_is_of_the_weights_that_the_cards_name(file: str):
    stored = read_table(RESULTS / f"{file}.parquet")
    assert stored.attrs["key"]["weights"] == halfway.weights(CHECKPOINTS)
    titles = stored["encoder" if "probes" in file else "title"].unique()
    assert set(halfway.KEPT) <= set(titles)


def test_a_network_of_halfway_says_how_it_is_made_again():
    with pytest.raises(UserError, match=r"mae_pets-25.*delete results/checkpoints/mae_pets"):
        halfway.encoders(CHECKPOINTS)
