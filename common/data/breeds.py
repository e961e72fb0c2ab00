"""Breeds in groups of a look, so that scores can be compared where single breeds are too few.

Dogs by the groups of the American Kennel Club (the two breeds that it does not list stand with
their next of kin), cats by the length of their coat.
"""

GROUPS: dict[str, tuple[str, ...]] = {
    "cats, long hair": ("Birman", "Maine Coon", "Persian", "Ragdoll"),
    "cats, short hair": (
        "Abyssinian",
        "Bengal",
        "Bombay",
        "British Shorthair",
        "Egyptian Mau",
        "Russian Blue",
        "Siamese",
    ),
    "cats, no hair": ("Sphynx",),
    "dogs, toy": (
        "Chihuahua",
        "Havanese",
        "Japanese Chin",
        "Miniature Pinscher",
        "Pomeranian",
        "Pug",
        "Yorkshire Terrier",
    ),
    "dogs, terriers": (
        "American Pit Bull Terrier",
        "Scottish Terrier",
        "Staffordshire Bull Terrier",
        "Wheaten Terrier",
    ),
    "dogs, hounds": ("Basset Hound", "Beagle"),
    "dogs, sporting": ("English Cocker Spaniel", "English Setter", "German Shorthaired"),
    "dogs, working": (
        "American Bulldog",
        "Boxer",
        "Great Pyrenees",
        "Leonberger",
        "Newfoundland",
        "Saint Bernard",
        "Samoyed",
    ),
    "dogs, others": ("Keeshond", "Shiba Inu"),
}
GROUP_OF = {breed.lower(): group for group, breeds in GROUPS.items() for breed in breeds}


def is_official(name: str) -> bool:
    """Whether a photo is called as those of Oxford-IIIT Pet: a breed of theirs and a number."""
    breed, _, number = name.rpartition("_")
    return breed.replace("_", " ").lower() in GROUP_OF and number.isdigit()
