"""A new model costs two new files and one line: done here in a copy of the project."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from common.config import ROOT

MODULE = '''"""A colour at a time: the smallest model that keeps the contract."""

from torch import Tensor, nn

from .losses import segmentation_loss


class Colour(nn.Module):
    """What a pixel and its neighbours look like, and nothing more."""

    inputs = ("image", "mask")

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Sequential(nn.Conv2d(3, 64, 5, padding=2), nn.BatchNorm2d(64), nn.ReLU())
        self.head = nn.Sequential(nn.Conv2d(64, 3, 1))

    def forward(self, image: Tensor) -> Tensor:
        """Class scores (B, 3, H, W)."""
        return self.head(self.look(image))

    def loss(self, batch: dict[str, Tensor]) -> Tensor:
        """Cross-entropy and Dice."""
        return segmentation_loss(self(batch["image"]), batch["mask"])
'''
PARAMETERS = """data_root = ""
results_dir = "results"
figures_dir = "figures"
stamp = ""
train = False
image_size = 64
epochs = 1
max_steps = 0
batch_size = 4"""
WORK = """from pathlib import Path
from common.data import prepare
from common.evaluate import evaluate_or_load
from common.runs import train_or_load
from common.train import TrainConfig

results, scored_on = Path(results_dir), data_root if train else None
cache = prepare(data_root, size=image_size) if scored_on else None
config = TrainConfig(epochs=epochs, batch_size=batch_size, max_steps=max_steps, workers=0)
run = train_or_load("colour", model="colour", config=config, cache=cache, results=results)
counts = evaluate_or_load("colour", scored_on, "test", results=results)"""
ASK = """from pathlib import Path
from common.readme import results_block
assert "`colour`" in results_block(Path("results/_smoke/results")), "not in the tables"
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with a new module, a new notebook, and a line in the registry."""
    away = shutil.ignore_patterns("__pycache__", "local", "_smoke", "counts", "clicks")
    for folder in ("common", "tests", "notebooks", "results"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=away)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "common" / "models" / "colour.py").write_text(MODULE, encoding="utf-8")
    cells = [new_markdown_cell("# 10 · Colour"), new_code_cell(PARAMETERS), new_code_cell(WORK)]
    cells[1].metadata["tags"] = ["parameters"]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, tmp_path / "notebooks" / "10_colour.ipynb")
    registry = tmp_path / "common" / "models" / "__init__.py"
    text = registry.read_text(encoding="utf-8")
    text = text.replace(
        "from .encoder_recipes", "from .colour import Colour\nfrom .encoder_recipes"
    )
    text = text.replace(
        '    "imagenet_baseline":', '    "colour": Colour,\n    "imagenet_baseline":'
    )
    registry.write_text(text, encoding="utf-8")
    return tmp_path


@pytest.mark.long
def test_a_new_model_is_in_the_suite_and_in_the_tables(project: Path):
    """The suite of all models tests it, the pipeline trains it, the tables list it."""
    inside = {**os.environ, "PYTHONPATH": str(project)}
    for command in (
        ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/test_models.py", "-k", "colour"],
        ["-m", "common.run_all", "--profile", "smoke", "--only", "10_colour"],
        ["-c", ASK],
    ):
        done = subprocess.run(
            [sys.executable, *command], cwd=project, env=inside, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-2000:]
        if "pytest" in command:
            assert done.stdout.count(".") >= 10, "the suite did not find it"
