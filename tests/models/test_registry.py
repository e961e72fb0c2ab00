"""One suite for every model of the registry, and what only the UNet promises.

A new registry entry is tested with no edit here; `TINY` makes it small if it needs to be.
"""

import inspect
import json
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.utils.data import default_collate

from common.checkpoint import Card, load_checkpoint, save_checkpoint, trained_tensors
from common.config import UserError
from common.data.dataset import PetDataset, prepare, to_float
from common.data.synthetic import make_pets
from common.models import MODELS, PRETRAINING, Spec, create_model, default_kwargs, list_models
from common.training.optim import decay_groups
from common.training.validation import confusion
from tests.devices import NothingDouble

TINY: dict[str, dict] = {
    "unet": {"widths": (16, 32, 48)},
    "unet_l": {"widths": (16, 32), "depth": 1, "up_depth": 1},
    "imagenet_baseline": {"widths": (16, 32, 32, 32)},
    "lite0_query": {"queries": 6, "width": 64},
    "mae_seg": {"queries": 6, "width": 64},
    "clip_seg": {"queries": 6, "width": 64},
    "clip_vit_seg": {"queries": 6, "width": 64},
    "point_unet": {"widths": (16, 16, 16, 24, 32)},
    "point_unet_m": {"widths": (8, 16, 16, 16, 16)},
    "point_unet_s": {"widths": (16, 16, 16, 16)},
}
STEPS = 60  # to learn four photos by heart
HEART = {  # edge and rate, where the usual ones do not do: a head of one matrix needs more
    "lite0_linear": (64, 5e-2),
    "clip_linear": (64, 5e-2),
    "mae_linear": (64, 5e-2),
    "clip_vit_linear": (128, 0.2),
    "point_unet": (64, 5e-3),  # at 32 px its coarsest level is one pixel, too few for batch norm
}


def build(name: str, **kwargs) -> nn.Module:
    torch.manual_seed(0)
    return create_model(name, **{**TINY.get(name, {}), **kwargs})


def batch_for(model: nn.Module, cache, rows=range(4)) -> dict[str, Tensor]:
    data = PetDataset(cache, np.array(rows))
    items = default_collate([data[i] for i in range(len(data))])
    items["image"] = to_float(items["image"])
    return {key: items[key] for key in model.inputs}


@pytest.fixture(params=list_models())
def name(request) -> str:
    return request.param


def test_inputs_are_keys_of_an_item(name: str, cache):
    model = MODELS[name].build
    assert set(model.inputs) <= set(PetDataset(cache, cache.rows("train"))[0])
    assert {"image", "mask"} <= set(model.inputs)


@pytest.mark.parametrize("spec", (MODELS | PRETRAINING).values())
def test_every_model_has_a_version(spec: Spec):
    """Keys of trainings and scores hold it: tidying makes nothing stale, raising it does."""
    assert type(spec.build.version) is int


def test_forward_is_given_nothing_of_the_answer(name: str):
    first, *others = list(inspect.signature(build(name).forward).parameters.values())
    assert first.name == "image"
    assert not {"species", "breed", "mask", "name"} & {other.name for other in others}
    assert all(other.default is not other.empty for other in others)


@pytest.mark.parametrize("size", [(33, 47), (64, 64), (1, 1), (7, 70)])
def test_scores_have_the_size_of_the_photo(name: str, size: tuple[int, int]):
    model = build(name).eval()
    with torch.inference_mode():
        for count in (1, 2):
            scores = model(torch.rand(count, 3, *size))
            assert scores.shape == (count, 3, *size)
            assert scores.isfinite().all()


def test_the_same_photo_gets_the_same_scores(name: str, photos: Tensor):
    """In evaluation: twice the same, in any company, and in either memory layout."""
    model = build(name).eval()
    with torch.inference_mode():
        scores = model(photos)
        with NothingDouble():
            assert torch.equal(model(photos), scores)
        alone = model(photos[1:])
        last = model(photos.contiguous(memory_format=torch.channels_last))
    torch.testing.assert_close(alone, scores[1:], rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(last, scores, rtol=1e-4, atol=1e-4)


def test_the_gradient_reaches_every_trained_parameter(name: str, cache):
    model = build(name).train()
    batch, optimizer = batch_for(model, cache), torch.optim.AdamW(decay_groups(model, 0.0))
    with NothingDouble():  # MPS knows no float64
        loss = model.loss(batch)
        assert loss.ndim == 0
        loss.backward()
        optimizer.step()
    for parameter, value in model.named_parameters():
        if value.requires_grad:
            assert value.grad is not None and value.grad.any(), parameter
        else:
            assert value.grad is None, parameter


def test_frozen_parameters_stay_out_of_optimiser_and_checkpoint(name: str):
    model = build(name)
    trained = {n for n, value in model.named_parameters() if value.requires_grad}
    frozen = dict(model.named_parameters()).keys() - trained
    groups = decay_groups(model, 0.05)
    ours = {id(value) for group in groups for value in group["params"]}
    assert ours == {id(model.get_parameter(n)) for n in trained}
    assert trained <= trained_tensors(model).keys()
    assert not frozen & trained_tensors(model).keys()
    for prefix, module in model.train().named_modules():
        own = list(module.parameters())
        if own and not any(value.requires_grad for value in own):
            assert not module.training, f"{prefix} is frozen but in training mode"


def test_save_and_load(name: str, photos: Tensor, tmp_path: Path):
    model, kwargs = build(name).eval(), TINY.get(name, {})
    with torch.inference_mode():
        expected = model(photos)
        save_checkpoint(tmp_path / "exact", model, Card(name, kwargs), dtype=torch.float32)
        loaded, card = load_checkpoint(tmp_path / "exact")
        assert not loaded.training
        assert card.model == name
        assert torch.allclose(loaded(photos), expected, atol=1e-3)  # kernels in another order
        save_checkpoint(tmp_path / "half", model, Card(name, kwargs))
        close = load_checkpoint(tmp_path / "half")[0](photos)
    torch.testing.assert_close(close.softmax(1), expected.softmax(1), rtol=0, atol=0.01)


def test_four_photos_are_learnt_by_heart(name: str, tmp_path: Path):
    size, rate = HEART.get(name, (32, 5e-3))
    cache = prepare(make_pets(tmp_path, n=8), size=size, folder=tmp_path)
    model = build(name).to(memory_format=torch.channels_last).train()
    batch = batch_for(model, cache)
    optimizer = torch.optim.AdamW(decay_groups(model, 0.0), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, rate, total_steps=STEPS)
    for _ in range(STEPS):
        model.loss(batch).backward()
        optimizer.step()
        optimizer.zero_grad()
        schedule.step()
    with torch.inference_mode():
        predicted = model.eval()(batch["image"]).argmax(1)
    counts = confusion(predicted, batch["mask"]).double()
    iou = counts.diag() / (counts.sum(0) + counts.sum(1) - counts.diag())
    assert iou.mean() > 0.9, iou


@pytest.mark.parametrize("name", [n for n in list_models() if hasattr(create_model(n), "head")])
def test_classes_compete_and_photos_do_not(name: str, cache):
    """The loss reads a softmax over classes: one more on all class scores changes nothing.

    Of models whose head gives them; the query decoder's own tests see to it there.
    """
    model = build(name).eval()
    batch = batch_for(model, cache)
    bias = [module for module in model.head.modules() if isinstance(module, nn.Conv2d)][-1].bias
    with torch.no_grad():
        before, loss = model(batch["image"]), model.loss(batch)
        bias += 1
        after, same = model(batch["image"]), model.loss(batch)
    torch.testing.assert_close(after.softmax(1), before.softmax(1), rtol=1e-3, atol=1e-4)
    torch.testing.assert_close(same, loss, rtol=1e-3, atol=1e-4)


def test_a_run_survives_json(name: str):
    """A card holds the arguments as JSON, where a tuple is a list."""
    kwargs = json.loads(json.dumps({**default_kwargs(name), **TINY.get(name, {})}))
    shapes = {n: v.shape for n, v in build(name).state_dict().items()}
    assert {n: v.shape for n, v in create_model(name, **kwargs).state_dict().items()} == shapes


def test_unknown_names_and_arguments_are_named_with_the_choices():
    with pytest.raises(UserError, match=r"'unnet' is unknown; choose one of .*\bunet\b"):
        create_model("unnet")
    with pytest.raises(UserError, match=r"'width'.*; it takes widths, depth"):
        create_model("unet", width=3)
