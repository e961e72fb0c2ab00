"""Segmenters on encoders, the ImageNet baseline, and the names that build them."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.utils.data import default_collate

from common.checkpoint import Card, load_checkpoint, save_checkpoint, trained_tensors
from common.config import IGNORE, UserError
from common.data.dataset import PetDataset, to_float
from common.models import create_model, list_models, model_registry
from common.models.encoders.packing import pack
from common.models.encoders.recipes import ENCODERS
from common.models.imagenet_baseline import ImageNetBaseline
from common.models.query.decoder import semantic_scores
from common.models.query.matching import set_loss
from common.models.query.segmenter import LinearSegmenter, QuerySegmenter
from tests.models.encoders.test_encoder import tiny_mae

SMALL = {"queries": 5, "width": 32}


@pytest.fixture(autouse=True)
def tiny(monkeypatch) -> None:
    """MAE in a size of its own: backbone "tiny"."""
    recipe = replace(ENCODERS["mae_vit_b"], build=tiny_mae, taps=(1, 3))
    monkeypatch.setitem(ENCODERS, "mae_tiny", recipe)


def query(**kwargs) -> QuerySegmenter:
    torch.manual_seed(0)
    return create_model(
        "mae_seg", **{"backbone": "tiny", "random": True, **SMALL, **kwargs}
    ).eval()


def linear(**kwargs) -> LinearSegmenter:
    torch.manual_seed(0)
    return create_model("lite0_linear", **{"random": True, **kwargs}).eval()


def size_of(model: nn.Module) -> int:
    return sum(value.numel() for value in model.parameters() if value.requires_grad)


@pytest.fixture
def batch(cache) -> dict[str, Tensor]:
    data = PetDataset(cache, np.arange(4))
    items = default_collate([data[i] for i in range(4)])
    items["image"] = to_float(items["image"])
    return items


# The query segmenter


def test_the_parts_make_the_scores(photos: Tensor):
    """Padded, encoded, decoded, brought to the photo's size, and only then made classes."""
    model = query()
    padded = F.pad(photos, (0, 1, 0, 15), mode="replicate")
    assert padded.shape[-2:] == (48, 48)
    class_logits, masks = model.decoder(model.encoder(padded), padded)
    large = F.interpolate(masks, (48, 48), mode="bilinear")[..., :33, :47]
    torch.testing.assert_close(model(photos), semantic_scores(class_logits, large))


def test_the_border_of_the_padding_costs_nothing(photos: Tensor):
    model = query()
    mask = torch.randint(0, 3, (2, 33, 47), generator=torch.Generator().manual_seed(0))
    class_logits, masks = model.decode_features(model.encode_image(photos), photos)
    target = F.pad(mask, (0, 1, 0, 15), value=IGNORE)
    torch.testing.assert_close(
        model.loss({"image": photos, "mask": mask.to(torch.uint8)}),
        set_loss(class_logits, masks, target),
    )


def test_kept_features_of_a_padded_photo_give_the_same_loss(photos: Tensor, monkeypatch):
    """Packed in a row a photo, as a data set of kept features brings them."""
    mask = torch.randint(0, 3, (2, 33, 47), generator=torch.Generator().manual_seed(0))
    for model in (query(), linear()):
        batch = {"image": photos, "mask": mask.to(torch.uint8)}
        expected = model.loss(batch)
        batch["features"] = pack(model.encode_image(photos))
        monkeypatch.setattr(model, "encode_image", lambda _: pytest.fail("computed again"))
        torch.testing.assert_close(model.loss(batch), expected)


def test_explained_tokens_add_up_to_the_scores(photos: Tensor):
    model = query(depth=3)
    tokens = model.explain(photos)
    assert tokens["classes"].shape == (2, 5, 4)
    assert tokens["masks"].shape == (2, 5, 33, 47)
    assert tokens["attention"].shape == (2, 3, 5, 3, 3)
    torch.testing.assert_close(tokens["classes"].sum(-1), torch.ones(2, 5))
    torch.testing.assert_close(tokens["attention"].sum((-2, -1)), torch.ones(2, 3, 5))
    sums = torch.einsum("bqk,bqhw->bkhw", tokens["classes"][..., :-1], tokens["masks"])
    torch.testing.assert_close(sums, model(photos).exp(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    "change",
    [
        {"stem": False},
        {"stem": "only"},
        {"matching": "fixed", "queries": 3},
        {"queries": 9},
        {"taps": (3,)},
        {"taps": [0, 1, 2, 3]},
        {"frozen": False},
        {"depth": 1},
        {"width": 64},
        {"neck": (16, 24), "breeds": 37},
    ],
)
def test_each_claim_can_be_taken_away(change: dict, batch: dict[str, Tensor]):
    model = query(**change).train()
    model.loss({name: batch[name] for name in model.inputs}).backward()
    for name, value in model.named_parameters():
        assert (value.grad is not None) is value.requires_grad, name
    assert model(batch["image"]).shape == (4, 3, 32, 32)


def test_with_the_stem_alone_there_is_no_encoder():
    model = query(stem="only", backbone="vit_h", random=False)  # nothing is loaded
    assert model.encoder is None
    assert model.encode_image(torch.rand(1, 3, 32, 32)) == []


def test_matching_is_named():
    with pytest.raises(UserError, match="'greedy' is unknown; choose one of bipartite, fixed"):
        query(matching="greedy")


# The linear head


def test_the_linear_head_is_one_convolution_of_all_maps(photos: Tensor):
    """Summed a tap at a time, it is the 1×1 convolution of the maps resized and concatenated."""
    model = linear()
    features = model.encode_image(photos)
    assert [x.shape[-1] for x in features] == [16, 8, 4, 2]
    maps = [
        F.interpolate(head[0](x), features[0].shape[-2:], mode="bilinear")
        for head, x in zip(model.head, features, strict=True)
    ]
    weight = torch.cat([head[1].weight for head in model.head], 1)
    scores = F.conv2d(torch.cat(maps, 1), weight, model.head[-1][1].bias)
    large = F.interpolate(scores, (64, 64), mode="bilinear")[..., :33, :47]
    torch.testing.assert_close(model(photos), large, rtol=1e-4, atol=1e-4)


def test_the_linear_head_has_one_weight_a_channel_and_class():
    assert size_of(linear()) == 3 * (24 + 40 + 112 + 320) + 3


def test_the_linear_head_standardises_what_it_sees(batch: dict[str, Tensor]):
    model = linear().train()
    for head, x in zip(model.head, model.encode_image(batch["image"]), strict=True):
        seen = head[0](x).movedim(1, 0).flatten(1)
        alive = x.movedim(1, 0).flatten(1).std(1) > 0.1
        torch.testing.assert_close(seen.mean(1), torch.zeros(len(seen)), rtol=0, atol=1e-3)
        torch.testing.assert_close(
            seen.std(1, correction=0)[alive], torch.ones(int(alive.sum())), rtol=0, atol=0.06
        )


# Checkpoints


def test_a_checkpoint_on_another_encoder_is_refused(tmp_path: Path):
    """The card names the encoder and its hash; a file of other weights is not taken."""
    torch.manual_seed(5)
    file = tmp_path / "mae.safetensors"
    save_file(tiny_mae().state_dict(), file)
    kwargs = {"encoder": "mae", "backbone": "tiny", "checkpoint": str(file)}
    model = create_model("lite0_query", **kwargs, **SMALL)
    card = Card("lite0_query", {**kwargs, **SMALL, "sha256": model.encoder.sha256})
    save_checkpoint(tmp_path / "m", model, card)
    load_checkpoint(tmp_path / "m")
    save_file(tiny_mae().state_dict(), file)
    with pytest.raises(UserError, match="sha256.*give the weights that this model was trained on"):
        load_checkpoint(tmp_path / "m")


@pytest.mark.parametrize("name", ["unet", "lite0_query", "lite0_linear", "imagenet_baseline"])
def test_checkpoints_stay_small(name: str):
    """Decoders below 12 MB in half precision; with the tuned encoder too."""
    stored = trained_tensors(create_model(name)).values()
    assert 2 * sum(value.numel() for value in stored) < 12e6


# The ImageNet baseline


def baseline(**kwargs) -> ImageNetBaseline:
    torch.manual_seed(0)
    return ImageNetBaseline(**{"widths": (8, 16, 16, 16), "random": True, **kwargs}).eval()


@pytest.mark.parametrize(("widths", "stride"), [((8, 16, 16, 16), 2), ((16, 16, 16), 4)])
def test_the_finest_grid_follows_from_the_widths(widths: tuple, stride: int, photos: Tensor):
    model = baseline(widths=widths)
    sizes = []
    model.head.register_forward_hook(lambda _, x, __: sizes.append(x[0].shape))
    assert model(photos).shape == (2, 3, 33, 47)
    assert sizes == [(2, widths[0], 64 // stride, 64 // stride)]


def test_the_baseline_starts_from_imagenet_and_tunes_everything(batch: dict[str, Tensor], capsys):
    model = ImageNetBaseline().train()
    assert "Apache-2.0" in capsys.readouterr().err
    model.loss(batch).backward()
    assert all(value.grad is not None for value in model.parameters())
    assert {name.split(".")[0] for name in trained_tensors(model)} == {
        "encoder",
        "merges",
        "head",
        "breed",
    }
    first = baseline().encoder.tower.net.conv_stem.weight
    assert not torch.equal(first, model.encoder.tower.net.conv_stem.weight)


# Names


def test_the_large_ones_are_known_by_name_and_built_without_weights():
    """On the meta device nothing is computed: only shapes."""
    for name, patch in (("vit_l", 16), ("vit_h", 14)):
        with torch.device("meta"):
            model = model_registry[name](random=True)
            assert model.encoder.name == f"mae_{name}"
            assert model.encoder.strides == (patch,) * 4
            assert model.eval()(torch.rand(1, 3, 60, 90)).shape == (1, 3, 60, 90)
        assert size_of(model) < 6e6


@pytest.mark.parametrize("backbone", ["vit_l", "vit_h"])
def test_clip_comes_in_the_same_sizes(backbone: str):
    with torch.device("meta"):
        model = create_model("clip_seg", backbone=backbone, random=True).eval()
        assert model(torch.rand(1, 3, 60, 90)).shape == (1, 3, 60, 90)
    assert model.encoder.name == f"clip_{backbone}"


def test_a_large_one_takes_its_encoder_from_a_file(tmp_path: Path, photos: Tensor):
    """A torch file of the published names and shapes, one number a tensor."""
    with torch.device("meta"):
        net = timm.create_model("vit_base_patch16_224.mae", num_classes=0)
    small = {n: torch.full((), 0.01).expand(v.shape) for n, v in net.state_dict().items()}
    torch.save(small, tmp_path / "vit_b.bin")
    model = model_registry["vit_b"](checkpoint=tmp_path / "vit_b.bin").eval()
    with torch.inference_mode():
        assert model(photos[:1]).isfinite().all()
    assert size_of(model) < 6e6
    with pytest.raises(UserError, match="tensors missing.*of another encoder or backbone"):
        model_registry["vit_l"](checkpoint=tmp_path / "vit_b.bin")


def test_unknown_backbones_are_told_the_choices():
    assert sorted(model_registry) == ["vit_b", "vit_h", "vit_l"]
    for name in ("mae_seg", "clip_seg"):
        with pytest.raises(UserError, match="no backbone 'vit_xl'; choose one of vit_b, vit_l, v"):
            create_model(name, backbone="vit_xl")


def test_only_models_that_need_no_hub_are_listed():
    assert {"lite0_query", "lite0_linear", "imagenet_baseline"} <= set(list_models())
    with pytest.raises(UserError, match="'mae'; it takes encoder, backbone, taps"):
        create_model("lite0_query", mae=1)
