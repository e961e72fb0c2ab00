"""What pretraining is given and scored on: crops, fixed masks, prompts; halfway kept."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from common.checkpoint import load_checkpoint
from common.data.cache import PetCache
from common.data.dataset import PetDataset, to_float
from common.models import MODELS, Spec, create_model
from common.models.encoders.encoder import FrozenEncoder
from common.models.encoders.recipes import ENCODERS
from common.models.pretraining.captions import BREEDS
from common.models.pretraining.mae import MaskedAutoencoder, small_vit
from common.training import taught
from common.training.contracts import watched
from common.training.finished import Run
from common.training.pretrain import Crops, quick_reconstruction, quick_zero_shot
from common.training.runs import Training
from common.training.trainer import TrainConfig, Trainer
from common.training.validation import photo_batches
from tests.models.pretraining import test_clip, test_mae


def process(index: int = 0, count: int = 1) -> SimpleNamespace:
    """Stands in for accelerate's: one of ``count`` processes, with nobody to add up with."""
    return SimpleNamespace(
        process_index=index, num_processes=count, device=torch.device("cpu"), reduce=lambda x: x
    )


# Photos


def test_crops_are_of_the_size_and_only_of_the_rows_given(cache: PetCache):
    rows = cache.rows("train")
    data = Crops(24)(cache, rows)
    assert len(data) == len(rows)
    item = data[0]
    assert item["image"].shape == (3, 24, 24) and item["mask"].shape == (24, 24)
    assert set(data.rows) == set(rows)
    assert not set(data.rows) & {*cache.rows("val"), *cache.rows("test")}
    torch.manual_seed(0)
    first = data[0]["image"]
    assert not torch.equal(first, data[0]["image"])
    torch.manual_seed(0)
    assert torch.equal(first, data[0]["image"])


def test_the_usual_scale_goes_without_saying_in_keys():
    assert Crops(24).identity == {"size": 24, "without": ()}
    assert Crops(24, smallest=0.2).identity == {"size": 24, "without": (), "smallest": 0.2}


def test_a_breed_left_out_is_in_no_item(cache: PetCache):
    data = Crops(16, ("Pug", "Bengal"))(cache, cache.rows("train"))
    breeds = {BREEDS[data[item]["breed"]] for item in range(len(data))}
    assert breeds == {"Abyssinian", "Beagle"}


def test_batches_hold_every_photo_once_as_models_take_it(cache: PetCache):
    rows = cache.rows("test")
    parts = list(photo_batches(cache, rows, batch=5))
    assert np.concatenate([part for part, _ in parts]).tolist() == rows.tolist()
    data = PetDataset(cache, rows)
    images = torch.cat([image for _, image in parts])
    assert torch.equal(images[3], to_float(data[3]["image"]))
    assert next(photo_batches(cache, rows, 24))[1].shape[-2:] == (24, 24)


# Scores


def test_the_score_is_one_minus_the_loss_with_masks_that_stay(cache: PetCache):
    model = test_mae.network()
    score = quick_reconstruction(model, cache, "val", process())
    assert list(score) == ["val_explained"]
    assert quick_reconstruction(model, cache, "val", process()) == score
    ((_, image),) = photo_batches(cache, cache.rows("val"), 32)
    masking = model.random_masking(len(image), generator=torch.Generator().manual_seed(0))
    error = model.forward_loss(image, *masking).item()
    assert score["val_explained"] == pytest.approx(1 - error)


class Named(nn.Module):
    """Knows breeds by the mean red of a photo, or is told the answers."""

    size = 32

    def __init__(self, of_breeds: Tensor, of_species: Tensor, held_out: Tensor) -> None:
        super().__init__()
        self.of_breeds, self.of_species, self.held_out = of_breeds, of_species, held_out
        self.seen = 0

    def similarity(self, image: Tensor) -> tuple[Tensor, Tensor]:
        part = slice(self.seen, self.seen + len(image))
        self.seen += len(image)
        return self.of_breeds[part].clone(), self.of_species[part].clone()


def test_names_by_hand(cache: PetCache):
    rows = cache.rows("test")
    breed = torch.from_numpy(cache.manifest["breed_id"].to_numpy()[rows] - 1)
    species = torch.from_numpy(cache.manifest["species"].to_numpy()[rows] - 1)
    held_out = torch.zeros(37, dtype=torch.bool)
    right, kinds = (nn.functional.one_hot(*x).float() for x in ((breed, 37), (species, 2)))
    right[0], kinds[:3] = right[1], kinds[:3].flip(1)
    scores = quick_zero_shot(Named(right, kinds, held_out), cache, "test", process())
    assert scores == pytest.approx(
        {"val_breed": 1 - 1 / len(rows), "val_species": 1 - 3 / len(rows)}
    )
    assert watched(scores) == "val_breed"


def test_breeds_held_out_have_no_say(cache: PetCache):
    """Neither their photos nor their names: a network that answers "Pug" to all is still right."""
    rows = cache.rows("test")
    breed = torch.from_numpy(cache.manifest["breed_id"].to_numpy()[rows] - 1)
    held_out = torch.zeros(37, dtype=torch.bool)
    held_out[BREEDS.index("Pug")] = True
    seen = breed[~held_out[breed]]
    answers = nn.functional.one_hot(seen, 37).float()
    answers[:, BREEDS.index("Pug")] = 2
    model = Named(answers, torch.zeros(len(seen), 2), held_out)
    assert quick_zero_shot(model, cache, "test", process())["val_breed"] == 1
    assert model.seen == len(seen)


# The loop


@pytest.fixture
def small_mae(monkeypatch) -> dict:
    monkeypatch.setitem(MODELS, "mae_pets", Spec(MaskedAutoencoder))
    return test_mae.SMALL


@pytest.fixture
def pretrain(cache: PetCache, quick: TrainConfig, small_mae: dict) -> Callable[..., Run]:
    """A small masked autoencoder of some epochs, kept halfway."""

    def run(results: Path, epochs: int) -> Run:
        training = Training(
            "mae_pets",
            "mae_pets",
            small_mae,
            replace(quick, epochs=epochs),
            quick_reconstruction,
            Crops(32),
            halfway=(25, 50),
        )
        return training.run_or_load(cache, results)

    return run


def test_halfway_is_kept_as_a_checkpoint(pretrain, tmp_path: Path, monkeypatch):
    kept, validate = {}, Trainer.validate

    def remembered(self: Trainer) -> dict[str, float]:
        state = self.ema.module.state_dict()
        kept[len(self.history) + 1] = {name: value.clone() for name, value in state.items()}
        return validate(self)

    monkeypatch.setattr(Trainer, "validate", remembered)
    run = pretrain(tmp_path, 4)
    for share, epoch in ((25, 1), (50, 2)):
        model, card = load_checkpoint(tmp_path / f"checkpoints/mae_pets-{share}.json")
        key = run.card.training["key"]
        assert card.training == {"epoch": epoch, "epochs": 4, "key": key}
        for name, value in model.state_dict().items():
            if name in kept[epoch]:
                torch.testing.assert_close(value, kept[epoch][name], rtol=1e-3, atol=1e-3)


def test_a_killed_run_goes_on_to_the_same_networks(pretrain, tmp_path: Path, monkeypatch):
    pretrain(tmp_path / "whole", 4)
    train, calls = Trainer.train_epoch, []

    def killed(self: Trainer, epoch: int) -> dict[str, float]:
        calls.append(epoch)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return train(self, epoch)

    monkeypatch.setattr(Trainer, "train_epoch", killed)
    with pytest.raises(KeyboardInterrupt):
        pretrain(tmp_path / "parts", 4)
    pretrain(tmp_path / "parts", 4)
    for share in (25, 50):
        one, other = (
            (tmp_path / folder / f"checkpoints/mae_pets-{share}.safetensors").read_bytes()
            for folder in ("whole", "parts")
        )
        assert one == other


def test_a_very_short_run_is_kept_halfway_too(pretrain, tmp_path: Path):
    pretrain(tmp_path, 1)
    kept = {file.stem for file in (tmp_path / "checkpoints").glob("*.safetensors")}
    assert kept == {"mae_pets", "mae_pets-25", "mae_pets-50"}


def test_a_pretraining_becomes_an_encoder(pretrain, tmp_path: Path, monkeypatch):
    """Trained once, found again, and taken over by the segmentation models."""
    run = pretrain(tmp_path, 2)
    assert list(run.history)[-1] == "val_explained"
    monkeypatch.setattr(Trainer, "run", None)
    assert pretrain(tmp_path, 2).card == run.card
    here = {"folder": tmp_path / "checkpoints"}
    hashes = set()
    vit = {name: value for name, value in test_mae.SMALL.items() if "decoder" not in name}
    for name in ("mae_pets", "mae_pets_25", "mae_pets_50"):
        recipe = replace(ENCODERS[name], build=partial(small_vit, **vit), taps=(0, 1))
        monkeypatch.setitem(ENCODERS, name, recipe)
        hashes.add(FrozenEncoder(name, **here).sha256)
    assert len(hashes) == 2  # of two epochs, the first is both a quarter and half
    model = create_model("mae_seg", **here, queries=4, width=32)
    assert model.eval()(torch.rand(1, 3, 40, 56)).shape == (1, 3, 40, 56)


def test_features_teach_an_encoder_by_command(pets: Path, tmp_path: Path, monkeypatch, capsys):
    monkeypatch.setenv("PETS_CACHE", str(tmp_path / "cache"))
    options = {"data-root": pets, "results": tmp_path, "epochs": 1, "max-steps": 1}
    taught.main([f"--{option}={value}" for option, value in options.items()])
    assert "val_explained" in capsys.readouterr().out
    encoder = FrozenEncoder("mae_features", folder=tmp_path / "checkpoints")
    assert [tuple(x.shape) for x in encoder(torch.rand(1, 3, 64, 96))] == [(1, 192, 8, 12)] * 4
    assert "taught by Apache-2.0 weights" in encoder.licence


def test_captions_are_made_for_training_photos_alone(cache: PetCache, tmp_path: Path, monkeypatch):
    """Training sees each training photo's breed; validation hands over photos and nothing else."""
    model, breeds, images = test_clip.network(), [], []
    loss, similarity = model.loss, model.similarity
    monkeypatch.setattr(
        type(model), "loss", lambda _, batch: (breeds.append(batch["breed"]), loss(batch))[1]
    )
    monkeypatch.setattr(
        type(model), "similarity", lambda _, image: (images.append(image), similarity(image))[1]
    )
    config = TrainConfig(epochs=1, batch_size=3, workers=0, precision="no", recipe="none")
    Trainer(
        model, cache, config, tmp_path / "state.pt", score=quick_zero_shot, items=Crops(32)
    ).run()
    rows = cache.rows("train")
    known = sorted(cache.manifest["breed_id"].to_numpy()[rows] - 1)
    assert set(torch.cat(breeds).tolist()) <= set(known)
    assert sum(map(len, breeds)) == len(rows) // 3 * 3
    assert sum(map(len, images)) == len(cache.rows("val"))
