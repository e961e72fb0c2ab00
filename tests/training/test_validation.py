"""What is measured after an epoch, worked by hand."""

from __future__ import annotations

import pytest
import torch
from accelerate import Accelerator

from common.config import CLASSES
from common.data.dataset import shrink
from common.training.validation import confusion, quick_scores, total


def test_shrinking_keeps_classes_whole():
    generator = torch.Generator().manual_seed(0)
    mask = torch.tensor([0, 1, 2, 255], dtype=torch.uint8)[
        torch.randint(0, 4, (2, 32, 32), generator=generator)
    ]
    batch = {
        "image": torch.full((2, 3, 32, 32), 0.25),
        "mask": mask,
        "breed": torch.tensor([1, 2]),
    }
    shrink(batch)
    assert batch["image"].shape == (2, 3, 24, 24)
    torch.testing.assert_close(batch["image"], torch.full((2, 3, 24, 24), 0.25))
    assert batch["mask"].shape == (2, 24, 24)
    assert batch["mask"].dtype == torch.uint8
    assert set(batch["mask"].unique().tolist()) == {0, 1, 2, 255}
    assert batch["breed"].tolist() == [1, 2]


def test_shrunk_masks_lie_where_shrunk_photos_do():
    mask = torch.zeros(1, 32, 32, dtype=torch.uint8)
    mask[:, 8:24, 4:28] = 1
    batch = {"image": mask[:, None].float().expand(1, 3, 32, 32), "mask": mask}
    shrink(batch)
    assert ((batch["image"][:, 0] > 0.5) == (batch["mask"] == 1)).all()


def test_confusion_worked_by_hand():
    target = torch.tensor([[0, 0, 1, 255], [2, 2, 2, 255]], dtype=torch.uint8)
    predicted = torch.tensor([[0, 2, 1, 1], [2, 1, 2, 0]])
    assert confusion(predicted, target).tolist() == [[1, 0, 1], [0, 1, 0], [0, 1, 2]]


def test_quick_scores_are_those_of_all_pixels_at_once(toy, cache):
    torch.manual_seed(0)
    model, rows = toy(), cache.rows("val")
    with torch.inference_mode():
        images = torch.from_numpy(cache.images[rows]).permute(0, 3, 1, 2) / 255
        predicted = model.eval()(images).argmax(1).numpy()
    target = cache.masks[rows]
    scores = quick_scores(model.train(), cache, "val", Accelerator(), batch=3)
    assert not model.training
    expected = []
    for k, name in enumerate(CLASSES):
        found, true = (predicted == k) & (target != 255), target == k
        expected.append((found & true).sum() / (found | true).sum())
        assert scores[f"val_iou_{name}"] == pytest.approx(expected[-1], abs=2e-3)
    assert scores["val_miou"] == pytest.approx(sum(expected) / 3, abs=2e-3)


@pytest.mark.parametrize("kind", [torch.float64, torch.long])
def test_validation_brings_no_float64_to_the_device(cache, kind):
    with pytest.raises(TypeError, match="MPS"):
        torch.zeros(1, dtype=torch.float64).to(torch.device("cpu"))
    rows, zero = cache.rows("val"), torch.zeros(1, dtype=kind)
    summed = total(lambda part, _: torch.tensor([len(part)]), cache, rows, Accelerator(), zero)
    assert summed.dtype == kind and summed.tolist() == [len(rows)]
