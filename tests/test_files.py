"""Tables as artifacts: made once for what they follow from, read elsewhere."""

from pathlib import Path

import pandas as pd
import pytest
from filelock import FileLock

from common.config import UserError
from common.files import artifact, artifacts, locked, read_table, write_table


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


def test_a_table_comes_back_as_it_was(tmp_path: Path):
    rows = {"n": [2**60, -1], "x": [0.1, float("nan")], "is": [True, False], "who": ["a", None]}
    for index in (None, ["one", "two"], [5, 7]):
        table = pd.DataFrame(rows, index=index).astype({"x": "float32"} if index else {})
        table.attrs = {"photos": 2}
        write_table(tmp_path / "t.parquet", table, {"of": [1]})
        again = read_table(tmp_path / "t.parquet")
        pd.testing.assert_frame_equal(again, table, check_exact=True)
        assert again.attrs == {"photos": 2, "key": {"of": [1]}}


def test_what_nobody_measured_is_told(tmp_path: Path):
    with pytest.raises(UserError, match="no such table"):
        artifact(tmp_path / "none.parquet", pd.DataFrame, key=None)
    (tmp_path / "broken.parquet").write_text("no table")
    with pytest.raises(UserError, match="not a readable table"):
        artifact(tmp_path / "broken.parquet", pd.DataFrame, key={})


def refused_at_first(monkeypatch) -> None:
    """As where the lock's file is another user's."""
    acquire, calls = FileLock.acquire, []

    def refusing(self, *args, **kwargs):
        calls.append(1)
        if len(calls) == 1:
            raise PermissionError(13, "Permission denied")
        return acquire(self, *args, **kwargs)

    monkeypatch.setattr(FileLock, "acquire", refusing)


def test_another_users_dead_lock_is_taken_over(tmp_path: Path, monkeypatch):
    (tmp_path / ".cache.lock").touch()
    refused_at_first(monkeypatch)
    with locked(tmp_path / "cache"):
        assert (tmp_path / ".cache.lock").stat().st_mode & 0o666 == 0o666, "for anybody"


def test_ones_own_lock_in_a_read_only_folder_is_no_other_users(tmp_path: Path, monkeypatch):
    (tmp_path / ".cache.lock").touch()
    refused_at_first(monkeypatch)

    def refuse(path: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "unlink", refuse)
    told = pytest.raises(UserError, match=r"cache: could not be written \(Permission denied\)")
    with told, locked(tmp_path / "cache"):
        pass


def test_another_users_living_lock_is_told(tmp_path: Path, monkeypatch):
    fcntl = pytest.importorskip("fcntl")
    with (tmp_path / ".cache.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        refused_at_first(monkeypatch)
        told = pytest.raises(UserError, match=r"lock of user \d+ since 20.*PETS_CACHE")
        with told, locked(tmp_path / "cache"):
            pass
