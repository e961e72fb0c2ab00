"""Kept features: the encoder's own, of views that repeat, whole or not there at all."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.utils.data import default_collate

from common.config import UserError
from common.costs.speed import SOURCES, feature_speed
from common.data.augment import augmentation
from common.data.cache import PetCache
from common.data.dataset import PetDataset, to_float
from common.models import create_model
from common.models.encoders.packing import pack, unpack
from common.models.encoders.recipes import ENCODERS
from common.models.pretraining.mae import small_vit
from common.models.query.segmenter import EncoderSegmenter
from common.training.features import FeatureCache, keep_features
from common.training.frozen import on_features
from common.training.runs import Training
from common.training.trainer import TrainConfig, Trainer
from tests.models.pretraining import test_mae

QUICK = TrainConfig(epochs=1, batch_size=4, workers=0, precision="no", recipe="none")


def network(kind: str = "lite0_linear", **kwargs) -> EncoderSegmenter:
    torch.manual_seed(0)
    return create_model(kind, random=True, **kwargs)


def keep(cache: PetCache, folder: Path, **kwargs) -> FeatureCache:
    chosen = {"views": 2, "precision": "no", "recipe": "geometry", **kwargs}
    kept = keep_features(network(), cache, folder=folder, **chosen)
    assert kept.arrays  # computed when they are first asked for
    return kept


@pytest.fixture(scope="module")
def kept(cache: PetCache, tmp_path_factory) -> FeatureCache:
    return keep(cache, tmp_path_factory.mktemp("features"))


def test_maps_survive_packing():
    maps = [torch.rand(2, 5, 4, 6), torch.rand(2, 3, 2, 3)]
    packed = pack(maps)
    assert packed.shape == (2, 5 * 24 + 3 * 6)
    back = unpack(packed.half(), (5, 3), (8, 16), (32, 48))
    for one, two in zip(maps, back, strict=True):
        assert two.dtype == torch.float32
        torch.testing.assert_close(two, one, rtol=1e-3, atol=1e-3)


# What is kept


def test_kept_features_are_the_encoders_to_rounding(cache: PetCache, kept: FeatureCache):
    model = network()
    for view in (0, 1):
        image = to_float(torch.tensor(kept.arrays["image"][:, view]))
        direct = pack(model.encode_image(image))
        found = torch.tensor(kept.arrays["features"][:, view]).float()
        torch.testing.assert_close(found, direct, rtol=2e-3, atol=1e-5)


def test_the_first_view_is_the_photo_and_the_others_are_varied(
    cache: PetCache, kept: FeatureCache
):
    data = PetDataset(cache, cache.rows("train"))
    plain, varied = (kept.arrays["image"][:, view] for view in (0, 1))
    assert all((plain[i] == data[i]["image"].numpy()).all() for i in range(len(data)))
    assert all((kept.arrays["mask"][i, 0] == data[i]["mask"].numpy()).all() for i in range(3))
    assert not (plain == varied).all()


def test_a_views_mask_moved_with_its_photo(cache: PetCache, tmp_path: Path):
    """Flipped or turned, the pet's mask lies over the pet: colours under it stay its own."""
    kept = keep(cache, tmp_path, views=3)
    images, masks = (kept.arrays[name].astype(float) for name in ("image", "mask"))
    for photo in range(len(images)):
        colours = [
            images[photo, view][:, masks[photo, view] == masks[photo, 0][16, 16]].mean(1)
            for view in range(3)
            if (masks[photo, view] == masks[photo, 0][16, 16]).any()
        ]
        for colour in colours[1:]:
            assert np.abs(colour - colours[0]).max() < 60


def test_the_same_call_gives_the_same_bytes_and_computes_nothing_twice(
    cache: PetCache, kept: FeatureCache, tmp_path: Path, monkeypatch
):
    again = keep(cache, tmp_path)
    for name, array in kept.arrays.items():
        assert (again.arrays[name] == array).all(), name
    monkeypatch.setattr(EncoderSegmenter, "encode_image", lambda *_: pytest.fail("computed"))
    keep(cache, tmp_path)
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1


def test_the_room_is_told_beforehand(cache: PetCache, tmp_path: Path, capsys):
    kept = keep(cache, tmp_path)
    total = sum(array.nbytes for array in kept.arrays.values())
    assert f"2 views: {total / 1e6:,.0f} MB on disk" in capsys.readouterr().out


def test_what_features_follow_from_names_their_folder(cache: PetCache, tmp_path: Path):
    keep(cache, tmp_path)
    keep(cache, tmp_path, views=1)
    keep(cache, tmp_path, recipe="none")
    other = keep_features(network(taps=(2, 4)), cache, folder=tmp_path, views=1, precision="no")
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 3, "a promise as yet"
    assert other.arrays
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 4


def test_random_numbers_of_the_caller_go_on_as_before(cache: PetCache, tmp_path: Path):
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    model = network()
    torch.manual_seed(7)
    assert keep_features(model, cache, folder=tmp_path, views=2, precision="no").arrays
    assert torch.equal(torch.rand(3), expected)


# Whole or not at all


@pytest.mark.parametrize("end", [KeyboardInterrupt, MemoryError])
def test_a_killed_build_leaves_nothing_half(
    end: type, cache: PetCache, tmp_path: Path, monkeypatch
):
    calls, encode = [], EncoderSegmenter.encode_image

    def broken(self: EncoderSegmenter, image: Tensor) -> list[Tensor]:
        calls.append(1)
        if len(calls) > 1:
            raise end
        return encode(self, image)

    monkeypatch.setattr("common.training.features.BATCH", 3)
    monkeypatch.setattr(EncoderSegmenter, "encode_image", broken)
    with pytest.raises(end):
        keep(cache, tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]
    monkeypatch.setattr(EncoderSegmenter, "encode_image", encode)
    assert len(keep(cache, tmp_path).arrays["features"]) == len(cache.rows("train"))


def test_a_full_disk_is_told(cache: PetCache, tmp_path: Path, small_disk):
    with small_disk(20_000), pytest.raises(UserError, match="could not be written"):
        keep(cache, tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


def test_damaged_features_are_told(cache: PetCache, tmp_path: Path):
    keep(cache, tmp_path)
    (folder,) = (path for path in tmp_path.iterdir() if path.is_dir())
    (folder / "mask.npy").write_bytes(b"half")
    with pytest.raises(UserError, match="not whole kept features; delete the folder"):
        keep(cache, tmp_path)


def test_features_too_large_for_half_precision_are_refused(
    cache: PetCache, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(
        EncoderSegmenter,
        "encode_image",
        lambda self, image: [
            torch.full((len(image), c, 32 // s, 32 // s), 1e6)
            for c, s in zip(self.channels, self.strides, strict=True)
        ],
    )
    with pytest.raises(UserError, match="too large to be kept"):
        keep(cache, tmp_path)


def test_a_tuned_encoders_features_are_not_kept(cache: PetCache, tmp_path: Path):
    with pytest.raises(UserError, match="only features of a frozen encoder"):
        keep_features(network(frozen=False), cache, folder=tmp_path)


# In training


def batch_of(kept: FeatureCache, cache: PetCache) -> dict[str, Tensor]:
    items = kept(cache, cache.rows("train"))
    batch = default_collate([items[i] for i in range(4)])
    return {**batch, "image": to_float(batch["image"])}


@pytest.mark.parametrize("kind", ["lite0_linear", "lite0_query"])
def test_the_loss_is_the_same_with_kept_features(kind: type, cache: PetCache, kept: FeatureCache):
    model = network(kind).eval()
    batch = batch_of(kept, cache)
    assert batch["features"].dtype == torch.float16
    loss = model.loss(batch)
    direct = model.loss({name: batch[name] for name in ("image", "mask")})
    torch.testing.assert_close(loss, direct, rtol=1e-3, atol=1e-3)


def test_the_loop_takes_them(cache: PetCache, kept: FeatureCache, tmp_path: Path, monkeypatch):
    """Training never asks the encoder; validation does, of new photos."""
    model = network()
    model.inputs = (*model.inputs, *kept.inputs)
    asked = []
    encode = EncoderSegmenter.encode_image

    def counted(self: EncoderSegmenter, image: Tensor) -> list[Tensor]:
        asked.append((self.training, len(image)))
        return encode(self, image)

    monkeypatch.setattr(EncoderSegmenter, "encode_image", counted)
    history = Trainer(model, cache, QUICK, tmp_path / "state.pt", items=kept).run()
    assert history["loss"].notna().all()
    assert asked == [(False, len(cache.rows("val")))]


def test_items_come_in_all_views_and_repeat_with_the_seed(cache: PetCache, kept: FeatureCache):
    items = kept(cache, cache.rows("train")[2:5])
    assert len(items) == 3

    def drawn() -> list[bool]:
        torch.manual_seed(0)
        plain = torch.tensor(kept.arrays["image"][3, 0])
        return [torch.equal(items[1]["image"], plain) for _ in range(20)]

    assert 0 < sum(drawn()) < 20
    assert drawn() == drawn()
    assert items[1]["breed"] == PetDataset(cache, cache.rows("train"))[3]["breed"]


def test_kept_features_are_not_varied_further_nor_of_other_photos(
    cache: PetCache, kept: FeatureCache
):
    with pytest.raises(UserError, match="take recipe='none'"):
        kept(cache, cache.rows("train"), augmentation("geometry"))
    with pytest.raises(UserError, match="of other photos"):
        kept(cache, cache.rows("val"))


def test_the_saving_is_measured_both_ways(cache: PetCache, kept: FeatureCache):
    model = network()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    table = feature_speed(model, cache, kept, QUICK, runs=2)
    assert table["source"].tolist() == [SOURCES[0]] * 2 + [SOURCES[1]] * 2
    assert (table["photos_per_second"] > 0).all()
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


# Trainings on kept features


SMALL = {"random": True, "queries": 4, "width": 32}


@pytest.mark.parametrize(
    ("views", "kwargs", "kept"),
    [(1, {}, True), (0, {}, False), (1, {"frozen": False}, False), (1, {"stem": "only"}, False)],
)
def test_features_are_kept_where_an_encoder_is_frozen(
    views: int, kwargs: dict, kept: bool, cache: PetCache, quick: TrainConfig
):
    config = replace(quick, recipe="geometry")
    plain = Training("d", "lite0_query", SMALL | kwargs, config)
    training = on_features(plain, cache, views)
    assert (training != plain) is kept
    if kept:
        assert isinstance(training.items, FeatureCache)
        assert training.config == replace(config, recipe="none")
        assert training.items.identity["recipe"] == "geometry", "views vary as training would"
        assert len({t.key(cache) for t in (training, on_features(plain, cache, 2), plain)}) == 3


def test_a_decoder_is_trained_once_and_its_features_are_not_needed_again(
    cache: PetCache, tmp_path: Path, quick: TrainConfig, monkeypatch
):
    monkeypatch.setenv("PETS_CACHE", str(tmp_path / "caches"))
    training = on_features(Training("d", "lite0_query", SMALL, quick), cache, 1)
    first = training.run_or_load(cache, tmp_path)
    assert first.history["loss"].notna().all()
    monkeypatch.setattr(Trainer, "run", None)
    monkeypatch.setattr("common.training.features._build", None)
    (folder,) = (path for path in (tmp_path / "caches").glob("features-*") if path.is_dir())
    folder.rename(tmp_path / "gone")
    for photos in (cache, None):
        again = on_features(Training("d", "lite0_query", SMALL, quick), photos, 1)
        assert again.run_or_load(photos, tmp_path).card == first.card


def test_another_frozen_encoder_makes_another_training(cache, quick, monkeypatch):
    keys = []
    vit = {name: value for name, value in test_mae.SMALL.items() if "decoder" not in name}
    for value in (0.0, 1.0):

        def build(value: float = value) -> torch.nn.Module:
            net = small_vit(**vit)
            net.cls_token.data.fill_(value)
            return net

        recipe = replace(ENCODERS["mae_pets"], build=build, taps=(0, 1))
        monkeypatch.setitem(ENCODERS, "mae_pets", recipe)
        small = {"encoder": "mae_pets", "random": True}
        keys.append(Training("l", "lite0_linear", small, quick).key(cache))
    assert keys[0] != keys[1]
