"""How much memory a process needs that uses or trains one model, interpreter and torch included.

    python -m common.costs.memory unet

prints megabytes as JSON: after one photo of 1024×768, and after two steps of training. Memory
that was touched once counts for good, so each model is measured in a process of its own.
"""

import json
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from torch import nn

from common.checkpoint import Card, load_checkpoint
from common.config import ROOT, UserError, cli
from common.costs.networks import training_step
from common.costs.smp import SmpUnet
from common.costs.table import RIVAL
from common.inference import predict_mask
from common.samples import load_sample

STATUS = Path("/proc/self/status")


def peak_mb() -> float:
    """Most megabytes that this process ever held at once.

    On Linux from its own status: `resource` counts there what its parent held before it started.
    """
    if STATUS.is_file():
        lines = dict(line.split(":", 1) for line in STATUS.read_text().splitlines())
        return int(lines["VmHWM"].split()[0]) / 1024
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024


def measured(name: str, size: int) -> dict[str, float]:
    """Megabytes of this process after inference with a checkpoint (or the rival), and training."""
    model: nn.Module
    if name == RIVAL:
        model, card = SmpUnet().eval(), Card(name, size=size)
    else:
        model, card = load_checkpoint(name)
    photo = Image.fromarray(load_sample("chelsea").image).resize((1024, 768))
    predict_mask(model, card, np.asarray(photo))
    found = {"infer": round(peak_mb(), 1)}
    step = training_step(model, card.size)
    step()
    step()
    return found | {"train": round(peak_mb(), 1)}


def peak_memory(name: str, size: int) -> dict[str, float]:
    """`measured`, in a fresh process."""
    command = [sys.executable, "-m", "common.costs.memory", name, str(size)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise UserError(f"memory of {name} could not be measured: {done.stderr[-300:]}")
    return json.loads(done.stdout.splitlines()[-1])


@cli
def main() -> None:
    """Command line: a model, and the size at which the rival is measured."""
    name, size = (*sys.argv[1:], "128")[:2]
    print(json.dumps(measured(name, int(size))))


if __name__ == "__main__":
    raise SystemExit(main())
