"""What people type after a command: done, or refused in one line, whatever it is."""

import contextlib
import io
import shutil
from collections.abc import Callable
from pathlib import Path

import hypothesis.strategies as st
import pytest

from common import evaluate, evaluate_clicks, predict, run_all
from common.checkpoint import Card, save_checkpoint
from common.data import __main__ as data
from common.training import __main__ as training
from tests.fuzzing import survive
from tests.pipeline.projects import write_notebook

pytestmark = pytest.mark.long
TEXTS = ("", "0", "-1", "1", "2", "7.5", "nan", "inf", "1e400", "none", "é", "a b", "*")
FEW = ("", "0", "-1", "1", "2", "1.5", "nan", "x")  # where more would only take long
OUT = ("new/table.parquet", "", "toy.json/table.parquet", ".", "x" * 300)

TRAINING = {
    **dict.fromkeys(("--epochs", "--max-steps", "--samples", "--size"), FEW),
    **dict.fromkeys(
        "--batch-size --lr --weight-decay --warmup --clip --ema --seed --fraction --patience "
        "--recipe --coarse --precision --data-root".split(),
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
def work(toy, small_models, pets: Path, tmp_path: Path, monkeypatch) -> Path:
    """A folder to work in, with checkpoints, a photo and a project of one notebook."""
    folder = tmp_path / "inner" / "work"
    (folder / "notebooks").mkdir(parents=True)
    write_notebook(folder, "01_prep", parameters="epochs = 3\nstamp = ''")
    save_checkpoint(folder / "toy", toy(width=8), Card("toy", {"width": 8}, 24))
    shutil.copytree(small_models, folder, dirs_exist_ok=True)
    (folder / "pet.jpg").write_bytes(next((pets / "images").iterdir()).read_bytes())
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PETS_ROOT", str(pets))
    return folder


def commands(work: Path) -> dict[str, tuple[Callable, str, dict]]:
    """Each command, arguments that make it quick, and options that may be given besides."""
    quick = "--model toy --epochs 1 --batch-size 4 --workers 0 --precision no --size 32"
    return {
        "training": (training.main, f"{quick} --recipe none --results r", TRAINING),
        "evaluate": (
            evaluate.main,
            "--limit 2 --model ./toy.json --split val --results r",
            SCORING,
        ),
        "evaluate_clicks": (
            evaluate_clicks.main,
            "--photos 2 --clicks 1 --model ./clicked.json --results r",
            CLICKING,
        ),
        "predict": (predict.main, "pet.jpg --model ./clicked.json --out masks", FILES),
        "data": (data.main, "prepare --size 8 --folder c", CACHE),
        "data import": (data.main, "import toy.json", {"--folder": OUT}),
        "run_all": (lambda argv: run_all.main(argv, root=work), "--status", PIPELINE),
    }


COMMANDS = ("training", "evaluate", "evaluate_clicks", "predict", "data", "data import", "run_all")
EXAMPLES = {"training": 200, "data import": 40}  # 100 of the others


@pytest.mark.parametrize("name", COMMANDS)
def test_options(work: Path, record_property, name: str) -> None:
    main, sound, options = commands(work)[name]
    one = st.sampled_from(sorted(options)).flatmap(
        lambda option: st.tuples(st.just(option), st.sampled_from(options[option]))
    )
    loose = st.tuples(st.sampled_from(["--nothing", "x", "--", "-", "", "\udcff"]))

    def attempt(more: list[tuple[str, ...]]) -> None:
        argv = [*sound.split(), *(part for pair in more for part in pair)]
        with (
            contextlib.suppress(SystemExit),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
        ):
            assert main(argv) in (0, 1, 2)
        assert {path.name for path in work.parent.iterdir()} == {"work"}

    inputs = st.lists(one, max_size=3) | st.lists(one | loose, max_size=3)
    survive(record_property, inputs, attempt, EXAMPLES.get(name, 100), megabytes=400)
