"""Lessons on scenes: what follows what, how an epoch is chosen, and that a small one runs."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator

from common.checkpoint import save_checkpoint
from common.data.cache import PetCache
from common.data.composites import KINDS
from common.models.point.point_unet import PointUNet
from common.training.instances import last_animal, lessons, quick_instance_scores
from common.training.runs import Training, run_or_load_last

SMALL = {"encoder": "residual", "widths": [8, 8, 8, 8]}


def test_each_lesson_goes_on_from_the_one_before():
    all_three = lessons(folder=Path("there"), epochs=1)
    names = ["point_unet_single", *(lesson.name for lesson in all_three)]
    assert names == [
        "point_unet_single",
        "point_unet_apart",
        "point_unet_alike",
        "point_unet_near",
        "point_unet_both",
    ]
    assert [lesson.start for lesson in all_three] == [Path("there") / n for n in names[:-1]]
    for lesson in all_three:
        mix = lesson.items.mix
        assert abs(sum(getattr(mix, kind) for kind in KINDS) - 1) < 1e-9
        assert lesson.config.epochs == 1 and lesson.items.input_size == 256


def test_the_animal_laid_last_is_the_truth():
    mask = np.zeros((40, 40), np.uint8)
    mask[:10], mask[20:30], mask[39, :2], mask[10] = 1, 2, 3, 255
    truth = last_animal(mask)
    assert (truth[20:30] == 1).all() and (truth[10] == 255).all() and (truth == 1).sum() == 400


def test_scenes_of_validation_are_always_the_same(cache: PetCache):
    torch.manual_seed(0)
    model = PointUNet(**SMALL, instances=True)
    state = torch.get_rng_state()
    first = quick_instance_scores(model, cache, "val", Accelerator())
    assert torch.equal(state, torch.get_rng_state())
    assert first == quick_instance_scores(model, cache, "val", Accelerator())
    assert next(iter(first)) == "val_iou_clicks" and set(first) >= {
        "val_several_5",
        "val_single_0",
    }


def test_a_lesson_grows_from_a_network_of_single_photos(cache: PetCache, tmp_path: Path):
    """… and once it is done, the weights that it began with may go."""
    folder = tmp_path / "checkpoints"
    old = Training("old", model="point_unet", kwargs=SMALL)
    save_checkpoint(folder / "old", old.network(), old.card(cache))
    (tmp_path / "history").mkdir()
    (tmp_path / "history" / "old.csv").write_text("epoch,seconds\n1,60\n")
    lesson = lessons(epochs=1, samples=4, batch_size=2, precision="no", workers=0)[0]
    kwargs = {**lesson.kwargs, **SMALL}
    lesson = replace(lesson, name="new", kwargs=kwargs, start=folder / "old")
    assert not lesson.is_done(cache, tmp_path)
    run = lesson.run_or_load(cache, tmp_path)
    assert run.card.kwargs["instances"] and run.history["val_iou_clicks"].notna().all()
    assert run.card.size == 256 and run.before == 1
    (folder / "old.safetensors").unlink()
    again = run_or_load_last([old, lesson], [cache, cache], tmp_path)
    assert lesson.is_done(cache, tmp_path) and again.history.equals(run.history)
    (folder / "old.json").unlink()
    assert not lesson.is_done(cache, tmp_path)
