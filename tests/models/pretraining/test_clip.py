"""CLIP on pets: which pairs belong together, what is never shown, and where text ends."""

import inspect

import pytest
import torch
import torch.nn.functional as F
from open_clip.loss import ClipLoss
from torch import Tensor

from common.config import UserError
from common.models.pretraining.captions import (
    BREEDS,
    CATS,
    HELD_OUT,
    OF_BREED,
    VOCABULARY,
    all_captions,
    tokenize,
)
from common.models.pretraining.clip import LARGEST_SCALE, PetClip, multi_positive_loss
from common.models.weights import packaged_lite0
from common.training.optim import averaged

SMALL = {
    "size": 32,
    "patch": 16,
    "width": 64,
    "depth": 2,
    "embed": 16,
    "text_width": 64,
    "text_depth": 1,
}


def network(**kwargs) -> PetClip:
    torch.manual_seed(0)
    return PetClip(**{**SMALL, **kwargs}).eval()


def number(*names: str) -> Tensor:
    return torch.tensor([BREEDS.index(name) for name in names])


@pytest.fixture
def batch() -> dict[str, Tensor]:
    image = torch.rand(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    return {"image": image, "breed": number("Pug", "Bengal", "Pug", "Beagle")}


def vectors(seed: int, count: int = 6) -> Tensor:
    return F.normalize(torch.randn(count, 8, generator=torch.Generator().manual_seed(seed)), dim=1)


# The loss


def test_without_repeats_it_is_clips_loss():
    """As open_clip computes it."""
    image, text, scale = vectors(0), vectors(1), torch.tensor(14.0)
    positive = torch.eye(6, dtype=torch.bool)
    expected = ClipLoss()(image, text, scale)
    torch.testing.assert_close(multi_positive_loss(image, text, scale, positive), expected)


def test_equal_captions_share_the_target():
    """By hand: photos 0 and 1 have one text, photo 2 another."""
    image, text, scale = vectors(0, 3), vectors(1, 3), torch.tensor(5.0)
    positive = torch.tensor([[1, 1, 0], [1, 1, 0], [0, 0, 1]], dtype=torch.bool)
    logits = scale * image @ text.T
    total = 0.0
    for table in (logits, logits.T):
        logs = table - table.exp().sum(1, keepdim=True).log()
        total -= (logs[0, :2].mean() + logs[1, :2].mean() + logs[2, 2]) / 3
    found = multi_positive_loss(image, text, scale, positive)
    torch.testing.assert_close(found, total / 2)


def test_a_caption_of_the_species_is_true_of_more_photos_than_the_breeds():
    """Then photos and texts have unlike numbers of positives; each still shares out one whole."""
    image, text, scale = vectors(0, 2), vectors(1, 2), torch.tensor(3.0)
    positive = torch.tensor([[1, 0], [1, 1]], dtype=torch.bool)  # text 0 says "a dog"
    logs, back = (x.log_softmax(1) for x in (scale * image @ text.T, scale * text @ image.T))
    rows = logs[0, 0] + logs[1].mean()
    columns = back[0].mean() + back[1, 1]
    found = multi_positive_loss(image, text, scale, positive)
    torch.testing.assert_close(found, -(rows + columns) / 4)


def test_the_batchs_true_pairs_are_its_positives(batch: dict[str, Tensor], monkeypatch):
    model, given = network(), []

    def caught(image: Tensor, text: Tensor, scale: Tensor, positive: Tensor) -> Tensor:
        given.append((text, positive))
        return image.sum()

    monkeypatch.setattr("common.models.pretraining.clip.multi_positive_loss", caught)
    breeds = [BREEDS[i] for i in batch["breed"]]
    for template in (0, -1):
        monkeypatch.setattr(torch, "randint", lambda *_, t=template: torch.full((4,), t))
        model.loss(batch)
        text, positive = given.pop()
        species = [breed in CATS for breed in breeds]
        says = breeds if template == 0 else species
        expected = [[one == other for other in says] for one in says]
        assert positive.tolist() == expected
        assert torch.equal(text[0], text[2]) and torch.equal(text[0], text[3]) is (template == -1)


def test_the_scale_is_bounded():
    model = network()
    assert model.scale.item() == pytest.approx(1 / 0.07, rel=1e-4)
    model.clip.logit_scale.data.fill_(20.0)
    assert model.scale.item() == LARGEST_SCALE


@pytest.mark.parametrize("tower", ["vit", "lite0"])
def test_the_gradient_reaches_both_towers(tower: str, batch: dict[str, Tensor]):
    model = network(tower=tower, random=True).train()
    model.loss(batch).backward()
    assert not [name for name, value in model.named_parameters() if value.grad is None]


# What is never shown


@pytest.mark.parametrize("breed", HELD_OUT)
def test_a_breed_held_out_is_refused(breed: str, batch: dict[str, Tensor]):
    batch["breed"][2] = BREEDS.index(breed)
    with pytest.raises(UserError, match="training must not see British Shorthair, Staffordshire"):
        network().loss(batch)


def test_names_held_out_are_never_trained():
    """All photos that training may see, many times over: no caption has a word of theirs alone."""
    model = network().train()
    seen = [i for i, breed in enumerate(BREEDS) if breed not in HELD_OUT]
    image = torch.rand(len(seen), 3, 32, 32)
    for _ in range(8):
        model.loss({"image": image, "breed": torch.tensor(seen)}).backward()
    learnt = model.clip.token_embedding.weight.grad.any(1)[1:-1]
    words = {word for word, touched in zip(VOCABULARY, learnt, strict=True) if not touched}
    assert words == {"british", "shorthair", "staffordshire"}


def test_text_does_not_reach_what_is_judged():
    """A photo is compared with all names alike: nothing of its own label is an argument."""
    assert list(inspect.signature(PetClip.similarity).parameters) == ["self", "image"]
    assert list(inspect.signature(PetClip.encode_image).parameters) == ["self", "image"]


# Prompts


def test_prompts_are_the_mean_over_templates():
    model = network()
    breeds, species = model.prompts()
    assert breeds.shape == (37, 16)
    assert species.shape == (2, 16)
    for texts in (breeds, species):
        torch.testing.assert_close(texts.norm(dim=1), torch.ones(len(texts)))
    rows = all_captions()
    of_pug = [row[BREEDS.index("Pug")] for row in rows]
    encoded = model.encode_text(tokenize(of_pug)).detach()
    named, kind = encoded[: len(OF_BREED)].mean(0), encoded[len(OF_BREED) :].mean(0)
    torch.testing.assert_close(breeds[BREEDS.index("Pug")], F.normalize(named, dim=0))
    torch.testing.assert_close(species[1], F.normalize(kind, dim=0))  # a pug is a dog


def test_comparisons_are_cosines(batch: dict[str, Tensor]):
    model = network()
    of_breeds, of_species = model.similarity(batch["image"])
    assert of_breeds.shape == (4, 37) and of_species.shape == (4, 2)
    photos = model.encode_image(batch["image"]).detach()
    torch.testing.assert_close(of_breeds, photos @ model.prompts()[0].T)
    assert max(of_breeds.abs().max(), of_species.abs().max()) <= 1.0001


# Towers


def test_lite0_starts_from_imagenet():
    trunk = network(tower="lite0").clip.visual.trunk.state_dict()
    weights = packaged_lite0()
    assert all(torch.equal(value, weights[name]) for name, value in trunk.items())
    other = network(tower="lite0", random=True).clip.visual.trunk.conv_stem.weight
    assert not torch.equal(other, weights["conv_stem.weight"])


def test_patches_are_dropped_in_training_alone(batch: dict[str, Tensor]):
    model = network(patch=8)
    lengths = []
    model.clip.visual.transformer.register_forward_hook(
        lambda _, given, __: lengths.append(given[0].shape[1])
    )
    model.encode_image(batch["image"])
    model.train().encode_image(batch["image"])
    assert lengths == [17, 9]


def test_towers_are_named():
    with pytest.raises(UserError, match="tower 'resnet' is unknown; choose one of vit, lite0"):
        network(tower="resnet")


def test_averaged_weights_still_read(batch: dict[str, Tensor]):
    """The mask over later words is a buffer: averaging infinities would make NaN of every text."""
    model = network()
    mean = averaged(model, 0.9)
    for _ in range(3):
        mean.update_parameters(model)
    for found, expected in zip(mean.module.prompts(), model.prompts(), strict=True):
        torch.testing.assert_close(found, expected)
