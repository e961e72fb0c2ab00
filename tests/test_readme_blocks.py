"""Every code block of the README does what it says, on a tiny generated set."""

import json
import os
import re
import shlex
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from common.config import NOTEBOOKS, ROOT
from common.data.synthetic import make_pets
from common.publish.setup_cell import badge
from tests.documents import BLOCK, blocks, commands, fresh_copy

pytestmark = pytest.mark.timeout(1200)  # a dozen commands are among them
README = (ROOT / "README.md").read_text(encoding="utf-8")
TRAIN = "python -m common.training --model unet --data-root /data/pets --seed 1 --fraction 0.25"
MACHINES = "accelerate launch --multi_gpu --num_machines 2"
LEFT_OUT = {"make test", "make lab"}  # this is the one; the other is `test_widget_browser`'s
WHOLE = {  # see `long.test_pipelines`
    "make report": "results",
    "make report PROFILE=smoke": "results/_smoke",
}
STARTED = {"make demo"}
PLANNED = {f"PETS_ROOT=/data/pets make report PROFILE={name}" for name in ("cpu", "study")}
MEASURED = {"PETS_ROOT=/data/pets python -m common.benchmark --replay"}  # see `test_benchmark`
QUICK = [
    command
    for command in commands("README.md")
    if command not in LEFT_OUT | WHOLE.keys() | STARTED | PLANNED | MEASURED
    and not command.startswith(MACHINES)
]


@pytest.fixture(scope="module")
def pets(tmp_path_factory) -> Path:
    """Photos enough for a quarter of those that train."""
    return make_pets(tmp_path_factory.mktemp("pets"), n=48)


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    """A copy of the project, with the environment that the tests run in as its own."""
    return fresh_copy(tmp_path_factory.mktemp("fresh") / "clone of it")


def started(command: str, project: Path, pets: Path, **more: str) -> subprocess.Popen:
    """A command of the README in the copy, on the generated set, with this Python."""
    words = shlex.split(command.replace("/data/pets", shlex.quote(str(pets))))
    own = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": "",
        "OMP_NUM_THREADS": "1",
        "ACCELERATE_USE_CPU": "true",
        **more,
    }
    while re.match(r"[A-Z_]+=", words[0]):
        name, _, own[name] = words.pop(0).partition("=")
    if words[0] == "make":
        words.append(f"PYTHON={sys.executable}")
    return subprocess.Popen(
        words,
        cwd=project,
        env=os.environ | own,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def said(process: subprocess.Popen) -> str:
    """What a process printed until it ended well."""
    out, err = process.communicate(timeout=2000)
    assert process.returncode == 0, f"{process.args}\n{out[-2000:]}{err[-3000:]}"
    return out


@pytest.mark.parametrize("code", blocks("README.md", "python"), ids=lambda code: code[:40])
def test_python(code: str, tmp_path: Path):
    """As somebody would who has the project on the path."""
    shown = "\nif 'mask' in globals(): print(mask.shape, {*mask.ravel().tolist()})"
    done = subprocess.run(
        [sys.executable, "-c", code + shown],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    if "mask" in code:
        assert done.stdout.strip() == "(300, 451) {0, 1}", "Chelsea is a cat"


def test_no_command_is_forgotten():
    """Each is in one of the groups that the tests below run."""
    groups = LEFT_OUT | WHOLE.keys() | STARTED | PLANNED | MEASURED | {TRAIN}
    assert groups <= set(commands("README.md"))
    assert sum(command.startswith(MACHINES) for command in commands("README.md")) == 1
    assert all(re.match(r"python -m common\.|accelerate launch ", command) for command in QUICK)


@pytest.mark.long
def test_the_commands_in_their_order(project: Path, pets: Path):
    """Of the scores the last line is JSON; the archive verifies and comes in again."""
    told = {}
    for command in QUICK:
        options = " --epochs 1" if command == TRAIN else ""  # sixty, of a moment each
        told[command] = said(started(command + options, project, pets))
        if "evaluate" in command:
            assert json.loads(told[command].splitlines()[-1])["split"] == "test"
    assert "unet.safetensors" in told[TRAIN]
    assert len(list((project / "masks").iterdir())) == 3, "mask, overlay, JSON"
    one, two = (out.splitlines()[-1] for c, out in told.items() if "common.evaluate " in c)
    assert one == two, "two processes count what one counts"


@pytest.mark.long
def test_two_machines_train_one_model(project: Path, pets: Path):
    """Both on this one: the second as the README says, with the rank 1."""
    (command,) = (c for c in commands("README.md") if c.startswith(MACHINES))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = command.replace("10.0.0.1", "127.0.0.1").replace("29500", str(port))
    command = command.replace("--num_processes 4", "--num_processes 2")
    both = [
        started(
            f"{command.replace('--machine_rank 0', f'--machine_rank {rank}')} --epochs 1"
            " --fraction 0.9 --name shared --results both",
            project,
            pets,
        )
        for rank in (0, 1)
    ]
    first, second = (said(process) for process in both)
    assert "shared.safetensors" in first and "shared.safetensors" not in second


@pytest.mark.long
@pytest.mark.parametrize("command", sorted(PLANNED))
def test_hours_of_training_are_planned(command: str, project: Path, pets: Path):
    """The command itself, asked what it would do."""
    plan = said(started(f"{command} ARGS=--status", project, pets))
    assert plan.count(": never ran") == len(list(NOTEBOOKS.glob("[0-9]*.ipynb")))


@pytest.mark.long
def test_the_demo_answers_and_stops(project: Path, pets: Path):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = started(f"make demo ARGS=--Voila.port={port}", project, pets)
    try:
        for _ in range(240):
            time.sleep(1)
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=200) as page:
                    assert page.status == 200
                break
            except OSError:
                assert server.poll() is None, server.stderr.read()
        else:
            pytest.fail("the demo never answered")
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)


def test_each_notebook_has_its_row_with_a_badge():
    for path in NOTEBOOKS.glob("[0-9]*.ipynb"):
        (row,) = (line for line in README.splitlines() if f"](notebooks/{path.name})" in line)
        assert badge(path.stem) in row


def test_links_lead_somewhere():
    prose = BLOCK.sub("", README)
    targets = re.findall(r"(?:\]\(|src=\")((?!http|notebooks/)[^)\"#]+)", prose)
    assert len(targets) > 8
    assert not [target for target in targets if not (ROOT / target).exists()]
