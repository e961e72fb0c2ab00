"""Exercises have solutions that hold, and cores by hand are the package's."""

import re
from pathlib import Path

import pandas as pd
import pytest

from common.config import RESULTS, ROOT
from tests.notebook_cells import notebooks, read, run, tags

README = (ROOT / "README.md").read_text(encoding="utf-8")
MODELS = {"02_unet", "03_mae_seg", "04_clip_seg", "05_point_unet", "06_imagenet_baseline"}
BY_HAND = MODELS | {"10_elsewhere"}
RUN = ("exercise", "by-hand")  # tags of cells that check something
SOLVED = [path for path in notebooks() if any("exercise" in tags(c) for c in read(path).cells)]


@pytest.mark.parametrize("path", SOLVED, ids=lambda path: path.stem)
def test_solutions_and_cores_by_hand_hold(path: Path):
    """They run offline, from what is committed, with the cells that they need and no others."""
    cells = read(path).cells
    kinds = {kind: [i for i, c in enumerate(cells) if kind in tags(c)] for kind in RUN}
    assert len(SOLVED) == len(notebooks())
    (solution,) = kinds["exercise"]
    source = cells[solution].source
    assert cells[solution].metadata["jupyter"] == {"source_hidden": True}
    assert [source.count(f"# ({k})") for k in (1, 2, 3)] == [1, 1, 1]
    assert source.count("assert") >= 3
    assert bool(kinds["by-hand"]) == (path.stem in BY_HAND)
    assert all("assert" in cells[core].source for core in kinds["by-hand"])
    run(path, [solution, *kinds["by-hand"]])


def test_the_readme_counts_photos_as_the_table_does():
    """On disk, used, left out and lost to a copy that is held out: once, and rightly."""
    photos = pd.read_parquet(RESULTS / "dataset" / "photos.parquet")
    used, lost = photos["split"].value_counts(), photos[photos["split"] == "leak"]["drawn"]
    (said,) = re.findall(r"Photos: on disk .*?is held out", README, re.S)
    text = " ".join(said.split())
    assert "used {train:,} to train, {val:,} to choose".format(**used) in text
    assert f"and {used['test']:,} to score" in text
    lost = lost.value_counts()
    assert f"{lost['train']} of training and {lost['val']} of validation" in text
    assert len(pd.read_csv(RESULTS / "dataset" / "problems.csv")) == 10 and "Ten are left" in text
