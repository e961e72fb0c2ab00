"""Measured tables: made once for what they follow from, read elsewhere; differences in words."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from common.artifacts import made_or_stored
from common.config import UserError
from common.scoring.scores import paired_difference
from common.studies.claims import by_how_much
from tests.scoring.test_scores import random_table


def test_a_table_is_made_once_for_its_key(tmp_path: Path):
    made = []

    def make() -> pd.DataFrame:
        made.append(1)
        return pd.DataFrame({"value": [len(made)]})

    file = tmp_path / "deep" / "table.parquet"
    for key, measure, expected in (
        ("a", True, 1),
        ("a", True, 1),
        ("b", True, 2),
        ("c", False, 2),
        ("b", True, 2),
    ):
        table = made_or_stored(file, make, measure=measure, key=[key])
        assert table["value"].tolist() == [expected]


def test_what_nobody_measured_is_told(tmp_path: Path):
    with pytest.raises(UserError, match="no such table"):
        made_or_stored(tmp_path / "none.parquet", pd.DataFrame, measure=False, key=0)


def test_a_difference_in_words():
    """Clear of zero, and not; both against `paired_difference`."""
    good, poor = random_table(0, 40, right=90), random_table(1, 40)
    pair = paired_difference(good, poor)
    text = by_how_much(good, poor)
    assert text == f"{pair['difference']:+.3f} [{pair['low']:+.3f}, {pair['high']:+.3f}]"
    assert by_how_much(poor, poor).endswith(", which may be chance")
