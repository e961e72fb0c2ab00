"""What people type after a command: done, or refused in one line, whatever it is."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import pytest
import torch

from common import inference as predict
from common import run_all
from common.checkpoint import Card, save_checkpoint
from common.data import dataset as data
from common.models import create_model
from common.scoring import clicking as evaluate_clicks
from common.scoring import photos as evaluate
from common.training import runs
from tests.fuzzing import survive
from tests.test_run_all import write_notebook

pytestmark = pytest.mark.long
TEXTS = ("", "0", "-1", "1", "2", "7.5", "nan", "inf", "1e400", "none", "é", "a b", "*")
FEW = ("", "0", "-1", "1", "2", "1.5", "nan", "x")  # where more would only take long
OUT = ("new/table.parquet", "", "toy.json/table.parquet", ".", "x" * 300)

TRAINING = {
    **dict.fromkeys(("--epochs", "--max-steps", "--samples", "--size"), FEW),
    **dict.fromkeys(
        (
            "--batch-size",
            "--lr",
            "--weight-decay",
            "--warmup",
            "--clip",
            "--ema",
            "--seed",
            "--fraction",
            "--patience",
            "--recipe",
            "--coarse",
            "--precision",
            "--data-root",
        ),
        TEXTS,
    ),
    "--workers": ("", "-1", "x"),
    "--name": ("new", "", "..", "x" * 300),
    "--results": ("r", "toy.json", "toy.json/r"),
}
SCORING = {
    "--limit": FEW,
    "--split": TEXTS,
    "--model": TEXTS,
    "--data-root": TEXTS,
    "--out": OUT,
    "--results": ("r", "toy.json", "toy.json/r"),
}
CLICKING = {
    **{name: SCORING[name] for name in SCORING if name != "--limit"},
    "--photos": FEW,
    "--clicks": FEW,
    "--first": TEXTS,
}
FILES = {
    "--click": (*TEXTS, "1,1", "1,1,0", "nan,1", "1,1,1,1", "1e9,1", ",", "1,1e400"),
    "--out": OUT,
    "--model": TEXTS,
}
CACHE = {
    "--size": ("8", "0", "-1", "5000", "x"),
    "--fit": TEXTS,
    "--data-root": TEXTS,
    "--folder": OUT,
}
PIPELINE = {
    "--only": TEXTS,
    "--from": TEXTS,
    "-p": (*TEXTS, "*.epochs=1", "01.epochs=[", "*.epochs=x"),
    "--profile": ("replay", "cpu", "x"),
}


@pytest.fixture
def work(toy, cache, pets: Path, tmp_path: Path, monkeypatch) -> Path:
    """A folder to work in, with two checkpoints, a photo and a project of one notebook."""
    folder = tmp_path / "inner" / "work"
    (folder / "notebooks").mkdir(parents=True)
    write_notebook(folder, "01_prep", parameters="epochs = 3\nstamp = ''")
    torch.manual_seed(0)
    save_checkpoint(folder / "toy", toy(width=8), Card("toy", {"width": 8}, 24))
    small = {"encoder": "residual", "widths": (16, 16, 16, 16)}
    network = create_model("point_unet_s", **small)
    save_checkpoint(folder / "clicks", network, Card("point_unet_s", small, 32))
    (folder / "pet.jpg").write_bytes(next((pets / "images").iterdir()).read_bytes())
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PETS_ROOT", str(pets))
    return folder


def commands(work: Path) -> dict[str, tuple[Callable, list[str], dict]]:
    """Each command, arguments that make it quick, and options that may be given besides."""
    out = ["--results", "r"]
    quick = [
        "--model",
        "toy",
        "--epochs",
        "1",
        "--batch-size",
        "4",
        "--workers",
        "0",
        "--precision",
        "no",
        "--size",
        "32",
        "--recipe",
        "none",
        *out,
    ]
    scored = ["--limit", "2", "--model", "./toy.json", "--split", "val", *out]
    clicked = ["--photos", "2", "--clicks", "1", "--model", "./clicks.json", *out]
    photo = ["pet.jpg", "--model", "./clicks.json", "--out", "masks"]
    return {
        "runs": (runs.main, quick, TRAINING),
        "evaluate": (evaluate.main, scored, SCORING),
        "evaluate_clicks": (evaluate_clicks.main, clicked, CLICKING),
        "predict": (predict.main, photo, FILES),
        "data": (data.main, ["prepare", "--size", "8", "--folder", "c"], CACHE),
        "data import": (data.main, ["import", "toy.json"], {"--folder": OUT}),
        "run_all": (lambda argv: run_all.main(argv, root=work), ["--status"], PIPELINE),
    }


@pytest.mark.parametrize(
    ("name", "examples"),
    [
        ("runs", 200),
        ("evaluate", 100),
        ("evaluate_clicks", 100),
        ("predict", 100),
        ("data", 100),
        ("data import", 40),
        ("run_all", 100),
    ],
)
def test_options(work: Path, record_property, name: str, examples: int) -> None:
    main, sound, options = commands(work)[name]
    one = st.sampled_from(sorted(options)).flatmap(
        lambda option: st.tuples(st.just(option), st.sampled_from(options[option]))
    )
    loose = st.tuples(st.sampled_from(["--nothing", "x", "--", "-", "", "\udcff"]))

    def attempt(more: list[tuple[str, ...]]) -> None:
        argv = [*sound, *(part for pair in more for part in pair)]
        with (
            contextlib.suppress(SystemExit),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            assert main(argv) in (0, 2)
        assert {path.name for path in work.parent.iterdir()} == {"work"}

    inputs = st.lists(one, max_size=3) | st.lists(one | loose, max_size=3)
    survive(record_property, inputs, attempt, examples, megabytes=400)
