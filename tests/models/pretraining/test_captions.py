"""Captions: true of their photo, made of known words, silent on breeds held out."""

import pytest
import torch

from common.config import UserError
from common.data.cache import PetCache
from common.models.pretraining.captions import (
    BREEDS,
    CATS,
    DOGS,
    END,
    HELD_OUT,
    LENGTH,
    OF_BREED,
    OF_SPECIES,
    VOCABULARY,
    all_captions,
    caption,
    tokenize,
    truths,
)


def test_the_breeds_are_the_datasets_in_its_order(cache: PetCache):
    assert (len(CATS), len(DOGS), len(BREEDS)) == (12, 25, 37)
    for row in cache.manifest.itertuples():
        assert BREEDS[row.breed_id - 1] == row.breed
        assert (row.breed in DOGS) == (row.species == 2)


def test_one_cat_and_one_dog_are_held_out():
    assert [breed in CATS for breed in HELD_OUT] == [True, False]


def test_a_caption_is_filled_in():
    assert caption("the {breed} is a {species}", "Maine Coon") == "the maine coon is a cat"
    assert caption(OF_SPECIES[0], "Pug") == "a photo of a dog"


def test_no_caption_names_the_other_species():
    for row in all_captions():
        for breed, text in zip(BREEDS, row, strict=True):
            assert ("dog" if breed in CATS else "cat") not in text.split()


def test_tokens_by_hand():
    (tokens,) = tokenize(["A photo of a cat"])
    words = [VOCABULARY[code - 1] for code in tokens[:5]]
    assert words == ["a", "photo", "of", "a", "cat"]
    assert tokens[5:].tolist() == [END] + [0] * (LENGTH - 6)
    assert tokens.argmax() == 5  # where open_clip reads the text


def test_every_caption_can_be_read():
    texts = [text for row in all_captions() for text in row]
    tokens = tokenize(texts)
    assert len(tokens.unique(dim=0)) == len(set(texts)) == 37 * len(OF_BREED) + 2 * len(OF_SPECIES)
    assert tokens.max() == END


def test_unknown_words_and_long_texts_are_named():
    with pytest.raises(UserError, match="does not know 'horse'; it reads: a, abyssinian"):
        tokenize(["a photo of a horse"])
    with pytest.raises(UserError, match="16 words; the text tower reads 15"):
        tokenize(["a " * 16])


def test_truths_by_hand():
    table = truths()
    assert table.shape == (len(OF_BREED) + len(OF_SPECIES), 37, 37)
    pug, beagle, bengal = (BREEDS.index(name) for name in ("Pug", "Beagle", "Bengal"))
    assert table[0, pug].nonzero().flatten().tolist() == [pug]
    assert table[-1, pug, [pug, beagle, bengal]].tolist() == [True, True, False]
    assert table.diagonal(dim1=1, dim2=2).all(), "a caption is true of its own photo"


def test_equal_captions_are_true_of_each_others_photos():
    tokens = torch.stack([tokenize(row) for row in all_captions()])  # (T, K, L)
    equal = (tokens[:, :, None] == tokens[:, None]).all(-1)
    assert not (equal & ~truths()).any()
