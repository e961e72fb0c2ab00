"""What is said of a photo: captions from breed and species, and the words that they need.

open_clip's tokenizer works offline too, but its 49,408 tokens would be nine tenths of a text tower
that reads some sixty words in its life; so each word is a token here.

Shapes: M texts, L tokens of a text.
"""

import torch
from torch import Tensor

from common.config import UserError

CATS = (
    "Abyssinian, Bengal, Birman, Bombay, British Shorthair, Egyptian Mau, Maine Coon, Persian, "
    "Ragdoll, Russian Blue, Siamese, Sphynx"
).split(", ")
DOGS = (
    "American Bulldog, American Pit Bull Terrier, Basset Hound, Beagle, Boxer, Chihuahua, "
    "English Cocker Spaniel, English Setter, German Shorthaired, Great Pyrenees, Havanese, "
    "Japanese Chin, Keeshond, Leonberger, Miniature Pinscher, Newfoundland, Pomeranian, Pug, "
    "Saint Bernard, Samoyed, Scottish Terrier, Shiba Inu, Staffordshire Bull Terrier, Wheaten "
    "Terrier, Yorkshire Terrier"
).split(", ")
SPECIES = ("cat", "dog")
SPECIES_OF = dict.fromkeys(CATS, 0) | dict.fromkeys(DOGS, 1)
BREEDS = tuple(sorted(SPECIES_OF))  # the dataset counts them in this order

# Never in a caption: what the network says of them is zero-shot. The dog's name shares words with
# others' names, the cat's shares none, so only the first could be told by name.
HELD_OUT = ("British Shorthair", "Staffordshire Bull Terrier")

OF_BREED = (
    "a photo of the {breed}",
    "a picture of my {breed}",
    "the {breed} is a {species}",
    "a photo of a {species} of the breed {breed}",
    "my {species} is the {breed}",
)
OF_SPECIES = ("a photo of a {species}", "a picture of my {species}")
LENGTH = 16  # tokens of a text with its end, padded with 0


def caption(template: str, breed: str) -> str:
    """A template filled in for a breed, in small letters."""
    return template.format(breed=breed, species=SPECIES[SPECIES_OF[breed]]).lower()


def all_captions() -> list[list[str]]:
    """Each template (of breeds, then of species) filled in for each of `BREEDS`."""
    return [[caption(template, breed) for breed in BREEDS] for template in OF_BREED + OF_SPECIES]


VOCABULARY = tuple(
    sorted({word for row in all_captions() for text in row for word in text.split()})
)
END = len(VOCABULARY) + 1  # open_clip reads a text at its highest token


def tokenize(texts: list[str]) -> Tensor:
    """Texts -> tokens (M, L): words counted from 1, then `END`, then 0.

    Raises:
        UserError: a word is unknown, or a text too long.
    """
    tokens = torch.zeros(len(texts), LENGTH, dtype=torch.long)
    for row, text in enumerate(texts):
        words = text.lower().split()
        if unknown := [word for word in words if word not in VOCABULARY]:
            known = ", ".join(VOCABULARY)
            raise UserError(f"the text tower does not know {unknown[0]!r}; it reads: {known}")
        if len(words) >= LENGTH:
            raise UserError(f"{text!r}: {len(words)} words; the text tower reads {LENGTH - 1}")
        code = [VOCABULARY.index(word) + 1 for word in words] + [END]
        tokens[row, : len(code)] = torch.tensor(code)
    return tokens


def truths() -> Tensor:
    """Whether what captions say is true of a breed's photos: (templates, breeds, breeds) bool.

    [t, b, c]: of a photo of breed c, the caption by template t for breed b. A breed's caption is
    true of its own photos, a species' caption of every breed of it; so equal captions always are.
    """
    species = torch.tensor([SPECIES_OF[breed] for breed in BREEDS])
    own, same = torch.eye(len(BREEDS), dtype=torch.bool), species[:, None] == species
    return torch.stack([own] * len(OF_BREED) + [same] * len(OF_SPECIES))
