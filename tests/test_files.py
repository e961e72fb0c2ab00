"""Tables as artifacts: made once for what they follow from, read elsewhere."""

from pathlib import Path

import pandas as pd
import pytest

from common.config import UserError
from common.files import artifact, artifacts


def test_a_table_is_made_once_for_its_key(tmp_path: Path):
    made = []

    def make() -> pd.DataFrame:
        made.append(1)
        return pd.DataFrame({"value": [len(made)]})

    file = tmp_path / "deep" / "table.parquet"
    for key, expected in (("a", 1), ("a", 1), ("b", 2), (None, 2), ("b", 2)):
        table = artifact(file, make, key=key and {"of": (key, 1)})
        assert table["value"].tolist() == [expected]
    assert table.attrs["key"] == {"of": ["b", 1], "versions": []}


def test_tables_that_belong_together_are_made_together(tmp_path: Path):
    files = [tmp_path / "one.parquet", tmp_path / "two.parquet"]
    tables = [
        pd.DataFrame({"a": [1]}, index=pd.Index(["x"], name="row")),
        pd.DataFrame({"b": [2]}),
    ]
    for lost in files:
        found = artifacts(files, lambda: tables, key={})
        for one, other in zip(found, tables, strict=True):
            pd.testing.assert_frame_equal(one, other)
        lost.unlink()


def test_what_nobody_measured_is_told(tmp_path: Path):
    with pytest.raises(UserError, match="no such table"):
        artifact(tmp_path / "none.parquet", pd.DataFrame, key=None)
    (tmp_path / "broken.parquet").write_text("no table")
    with pytest.raises(UserError, match="not a readable table"):
        artifact(tmp_path / "broken.parquet", pd.DataFrame, key={})
