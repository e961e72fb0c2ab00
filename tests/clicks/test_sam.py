"""SAM behind our predictor: its own package, with random weights of a small and the real size."""

import sys
from pathlib import Path

import numpy as np
import pytest
import segment_anything
import torch
from segment_anything import SamPredictor
from segment_anything.modeling import (
    ImageEncoderViT,
    MaskDecoder,
    PromptEncoder,
    Sam,
    TwoWayTransformer,
)
from torch import nn

from common.canvas.choices import available_models
from common.clicks.predictor import load_predictor
from common.clicks.sam import CHECKPOINT, WEIGHTS, SamAdapter, available_sam, sam_predictor
from common.config import UserError
from tests.fuzzing import Bomb

EDGE, GRID, DIM = 128, 8, 16  # of SAM's square, its grid of tokens, and their width
PHOTO = np.random.default_rng(0).integers(0, 256, (60, 100, 3), np.uint8)
CLICKS = np.array([[70.0, 20.0], [10.0, 50.0]], np.float32), np.array([1, 0])


def tiny_sam(checkpoint: None = None) -> Sam:
    """SAM with a single block, in the manner of the package's own builders."""
    assert checkpoint is None, "the package's own loader unpickles"
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Sam(
            ImageEncoderViT(EDGE, embed_dim=32, depth=1, num_heads=2, out_chans=DIM),
            PromptEncoder(DIM, (GRID, GRID), (EDGE, EDGE), mask_in_chans=16),
            MaskDecoder(
                transformer_dim=DIM,
                transformer=TwoWayTransformer(depth=1, embedding_dim=DIM, num_heads=2, mlp_dim=32),
            ),
        )


@pytest.fixture
def weights(tmp_path: Path, monkeypatch) -> Path:
    """A checkpoint of "vit_b", which is tiny here."""
    monkeypatch.setitem(segment_anything.sam_model_registry, "vit_b", tiny_sam)
    sam = tiny_sam()
    for value in sam.parameters():  # others than those that a new network has
        value.data.add_(0.01)
    torch.save(sam.state_dict(), tmp_path / "sam.pth")
    return tmp_path / "sam.pth"


def test_it_has_the_weights_of_the_file(weights: Path):
    predictor = sam_predictor("vit_b", str(weights))
    network = predictor.sam.model
    stored = torch.load(weights, weights_only=True)
    assert stored.keys() == network.state_dict().keys()
    assert all(torch.equal(value, stored[n]) for n, value in network.state_dict().items())
    assert not network.training


@pytest.mark.parametrize("several", [False, True])
def test_its_answers_are_sams_own(weights: Path, several: bool):
    predictor = sam_predictor("vit_b", weights)
    own = SamPredictor(predictor.sam.model)
    own.set_image(PHOTO)
    predictor.set_image(PHOTO)
    previous = None
    for count in (1, 2):
        points, labels = CLICKS[0][:count], CLICKS[1][:count]
        expected = own.predict(
            points, labels, mask_input=previous, multimask_output=several, return_logits=True
        )
        given = predictor.predict(
            points, labels, mask_input=previous, multimask_output=several, return_logits=True
        )
        assert given[0].shape == (3 if several else 1, 60, 100)
        assert given[2].shape == (3 if several else 1, 4 * GRID, 4 * GRID)
        np.testing.assert_array_equal(given[0], expected[0])
        np.testing.assert_array_equal(given[1], expected[1].clip(0, 1))
        np.testing.assert_array_equal(given[2], expected[2])
        previous = given[2][given[1].argmax()][None]
    assert predictor.species is None


def test_the_mask_before_counts_only_where_it_is_passed_back():
    predictor = SamAdapter(SamPredictor(tiny_sam()))
    predictor.set_image(PHOTO)
    first = predictor.predict(*CLICKS)[2]
    assert np.array_equal(predictor.predict(*CLICKS)[2], first)
    assert not np.allclose(predictor.predict(*CLICKS, mask_input=first)[2], first)
    for wrong in (np.zeros((1, 8, 8)), np.zeros((1, 32, 31))):
        with pytest.raises(UserError, match=r"mask_input must be logits \(1, 32, 32\) that SAM"):
            predictor.predict(*CLICKS, mask_input=wrong)
    assert predictor.predict(*CLICKS)[0].shape == (1, 60, 100)


def test_a_photo_is_embedded_once_and_forgotten_on_demand(monkeypatch):
    sam, seen = tiny_sam(), []
    sam.image_encoder.register_forward_hook(lambda _, image, __: seen.append(image[0].shape))
    predictor = SamAdapter(SamPredictor(sam))
    predictor.set_image(PHOTO)
    predictor.predict()
    predictor.predict(*CLICKS)
    assert seen == [(1, 3, EDGE, EDGE)]
    predictor.reset_image()
    assert predictor.sam.features is None and not predictor.is_image_set


def test_a_photo_too_thin_is_named_and_it_goes_on():
    predictor = SamAdapter(SamPredictor(tiny_sam()))
    with pytest.raises(UserError, match="300×1 pixels is too thin .* side to 128; crop"):
        predictor.set_image(np.zeros((1, 300, 3), np.uint8))
    assert not predictor.is_image_set
    predictor.set_image(np.zeros((1, 200, 3), np.uint8))
    assert predictor.predict([[199, 0]], [1])[0].shape == (1, 1, 200)


# What may be missing or wrong


def test_without_its_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "segment_anything", None)
    with pytest.raises(UserError, match="pip install segment-anything-py"):
        sam_predictor("vit_b", "sam.pth")


def test_without_its_weights(weights: Path, tmp_path: Path):
    missing = r"none\.pth: no such file; SAM needs sam_vit_b_01ec64\.pth of github\.com/"
    with pytest.raises(UserError, match=missing):
        sam_predictor("vit_b", tmp_path / "none.pth")
    unknown = "SAM 'vit_x' is unknown; choose one of vit_b, vit_l, vit_h"
    with pytest.raises(UserError, match=unknown):
        sam_predictor("vit_x", weights)


def test_weights_of_something_else(weights: Path):
    state = tiny_sam().state_dict()
    state["mask_decoder.iou_token.weight"] = torch.zeros(2, DIM)
    for content in (state, nn.Linear(3, 3).state_dict(), {}):
        torch.save(content, weights)
        with pytest.raises(UserError, match=r"sam\.pth: not the weights of SAM vit_b; it needs"):
            sam_predictor("vit_b", weights)


def test_commands_and_the_canvas_take_it_by_name(weights: Path, monkeypatch):
    monkeypatch.delenv(CHECKPOINT, raising=False)
    assert available_sam() is None
    with pytest.raises(UserError, match=f"set {CHECKPOINT} to the file {WEIGHTS['vit_b']} of git"):
        load_predictor("sam_vit_b")
    published = weights.rename(weights.with_name(WEIGHTS["vit_b"]))
    monkeypatch.setenv(CHECKPOINT, str(published))
    assert isinstance(load_predictor("sam_vit_b"), SamAdapter)
    assert isinstance(available_models()["SAM, ViT-B"](), SamAdapter)
    published.unlink()
    assert available_sam() is None


def test_a_file_that_would_run_code_is_not_opened(weights: Path, tmp_path: Path):
    mark = tmp_path / "exploded"
    torch.save({**tiny_sam().state_dict(), "more": Bomb(mark)}, weights)
    with pytest.raises(UserError, match=r"sam\.pth: damaged"):
        sam_predictor("vit_b", weights)
    assert not mark.exists()
    torch.load(weights, weights_only=False)
    assert mark.exists(), "the test's own bomb is a dud"


@pytest.mark.parametrize("content", [b"", b"hello", bytes(1000)])
def test_damaged_weights(weights: Path, content: bytes):
    weights.write_bytes(content)
    with pytest.raises(UserError, match=r"sam\.pth: damaged .*fetch it again") as caught:
        sam_predictor("vit_b", weights)
    assert "\n" not in str(caught.value)


@pytest.mark.long
def test_the_real_size(tmp_path: Path):
    """ViT-B at 1024 px, from a file as it is published: 375 MB."""
    torch.manual_seed(0)
    network = segment_anything.sam_model_registry["vit_b"]()
    torch.save(network.state_dict(), tmp_path / "sam_vit_b_01ec64.pth")
    predictor = sam_predictor("vit_b", tmp_path / "sam_vit_b_01ec64.pth")
    predictor.set_image(PHOTO)
    masks, scores, coarse = predictor.predict(*CLICKS, multimask_output=True)
    assert masks.shape == (3, 60, 100) and masks.dtype == bool
    assert scores.shape == (3,) and coarse.shape == (3, 256, 256)
    again, _, _ = predictor.predict(*CLICKS, mask_input=coarse[:1])
    assert again.shape == (1, 60, 100)
