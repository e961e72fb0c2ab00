"""A notebook's desk: what it may measure, where things lie, and that it waits for no torch."""

import subprocess
import sys
from functools import partial
from pathlib import Path

import pandas as pd
import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from matplotlib.figure import Figure

from common.lab import Lab


@pytest.mark.parametrize(
    ("data_root", "train", "root"),
    [("", True, None), ("pets", False, None), ("pets", True, "pets")],
)
def test_it_measures_where_there_are_photos_and_it_is_asked_to(data_root, train, root):
    lab = Lab(data_root, train=train)
    assert lab.root == root
    if root is None:
        assert lab.cache(32) is None


def test_everything_lies_below_the_two_folders(tmp_path: Path):
    lab = Lab("", tmp_path / "results", tmp_path / "figures", "SMOKE RUN")
    assert lab.checkpoints == tmp_path / "results" / "checkpoints"
    InteractiveShell.instance()
    with capture_output() as captured:
        lab.show(Figure(), "02_x", "Nothing")
        lab.table(pd.DataFrame({"a": [1]}), "One", name="02_t")
        lab.say("**Said.**")
    figure, table, said = captured.outputs
    assert [file.name for file in (tmp_path / "figures").iterdir()] == ["02_x.svg"]
    assert "SMOKE" not in figure.data["text/plain"] and figure.metadata["name"] == "02_x"
    assert table.metadata == {"caption": "One", "name": "02_t"}
    assert said.data["text/markdown"] == "**Said.**"


def test_a_table_is_made_only_with_photos(tmp_path: Path):
    made = partial(pd.DataFrame, {"a": [1, 2]})
    lab = Lab("pets", tmp_path, train=True)
    assert lab.artifact("x/a.parquet", made, {"k": 1, "versions": {}})["a"].tolist() == [1, 2]
    read = Lab("", tmp_path).artifact("x/a.parquet", None, None)
    assert read["a"].tolist() == [1, 2]


def test_rivals_are_those_that_are_there(tmp_path: Path):
    assert Lab("", tmp_path).rivals("unet", "mae_seg") == {}
    assert set(Lab().rivals("unet", "no_such_model")) == {"unet"}


def test_it_waits_for_no_torch():
    code = "import sys, common.lab; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
