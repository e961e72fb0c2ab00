"""A tiny generated dataset in the real one's layout, for smoke runs and tests.

Cats are warm ellipses with two pointed ears, dogs cold ones with hanging ears, on noisy ground:
enough for a network to learn something in a few steps, and owned by nobody.
"""

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from common.data.pets import TRIMAP

BREEDS = (("Abyssinian", 1, 1), ("beagle", 5, 2), ("Bengal", 6, 1), ("pug", 26, 2))
COLOURS = {1: (214, 140, 70), 2: (90, 110, 170)}


def make_pets(folder: str | Path, n: int = 24, seed: int = 0) -> Path:
    """Write ``n`` photos with trimaps and lists, half trainval and half test.

    Returns:
        The dataset's root, ``folder``/oxford-iiit-pet.
    """
    root = Path(folder) / "oxford-iiit-pet"
    trimaps = root / "annotations" / "trimaps"
    for path in (root / "images", trimaps):
        path.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(seed)
    lines: list[str] = []
    for number in range(n):
        breed, breed_id, species = BREEDS[number % len(BREEDS)]
        name = f"{breed}_{number + 1}"
        photo, trimap = draw_pet(random, species)
        stream = io.BytesIO()  # on a full disk Pillow cuts a JPEG short and says nothing
        photo.save(stream, "JPEG", quality=92)
        (root / "images" / f"{name}.jpg").write_bytes(stream.getvalue())
        trimap.save(trimaps / f"{name}.png")
        lines.append(f"{name} {breed_id} {species} {breed_id}\n")
    half = len(BREEDS) * (n // (2 * len(BREEDS)))
    for file, part in (("list", lines), ("trainval", lines[:half]), ("test", lines[half:])):
        (root / "annotations" / f"{file}.txt").write_text("".join(part))
    return root


def draw_pet(random: np.random.Generator, species: int) -> tuple[Image.Image, Image.Image]:
    """One photo (RGB) and its trimap (1 pet, 2 background, 3 border), 60 to 110 px wide."""
    width, height = (int(edge) for edge in random.integers(60, 110, 2))
    ground = random.normal(120, 40, (height, width, 3)).clip(0, 255).astype(np.uint8)
    photo, trimap = Image.fromarray(ground), Image.new("L", (width, height), TRIMAP["background"])
    cx, cy = width * random.uniform(0.35, 0.65), height * random.uniform(0.45, 0.65)
    rx, ry = width * random.uniform(0.18, 0.3), height * random.uniform(0.18, 0.3)
    ear = -1 if species == 1 else 1  # a cat's ears stand, a dog's hang
    ears = [
        [
            (cx + s * rx, cy),
            (cx + s * rx * 0.3, cy + ear * ry * 0.8),
            (cx + s * rx, cy + ear * ry * 1.4),
        ]
        for s in (-1, 1)
    ]
    body = (cx - rx, cy - ry, cx + rx, cy + ry)
    inks = ((photo, COLOURS[species], None), (trimap, TRIMAP["pet"], TRIMAP["border"]))
    for image, fill, outline in inks:
        draw = ImageDraw.Draw(image)
        for points in ears:
            draw.polygon(points, fill=fill, outline=outline, width=2 if outline else 1)
        draw.ellipse(body, fill=fill, outline=outline, width=2)
    return photo, trimap
