"""Odd label files through the commands that read them: what they hold, or what is wrong."""

from pathlib import Path

import pytest
from PIL import Image

from common import evaluate_clicks
from common.data import __main__ as data
from common.data.dataset import prepare
from common.data.synthetic import make_pets
from tests.data.labels import instances, lists, trimaps
from tests.long.test_ways_in import white  # noqa: F401 (a fixture)

pytestmark = pytest.mark.long


def test_trimaps_in_a_folder(tmp_path: Path, record_property):
    """One that is none is left out, and named in the table."""
    root, told = make_pets(tmp_path / "pets", n=24), {}
    with (root / "annotations" / "trainval.txt").open("a") as names:
        for number, (_, content, expected) in enumerate(trimaps(), 100):
            Image.new("RGB", (1, 3)).save(root / "images" / f"Odd{number}_1.jpg")
            (root / "annotations" / "trimaps" / f"Odd{number}_1.png").write_bytes(content)
            names.write(f"Odd{number}_1 {number} 1 {number}\n")
            told[f"Odd{number}_1"] = expected
    record_property("trials", len(told))
    cache = prepare(root, size=32)
    problems = dict(zip(cache.problems["name"], cache.problems["reason"], strict=True))
    for stem, expected in told.items():
        if isinstance(expected, str):
            assert problems[stem].startswith(f"annotations/trimaps/{stem}")
            assert expected in problems[stem]
        else:
            assert (cache.manifest["name"] == stem).sum() == 1, problems[stem]


def answers(code: int, told: str, expected: object) -> bool:
    """Whether a command worked where it should, else said the right thing in one line."""
    if not isinstance(expected, str):
        return code == 0
    return code == 2 and expected in told and told.startswith("error: ") and told.count("\n") == 1


def test_lists_of_a_folder(tmp_path: Path, record_property, capsys):
    root = make_pets(tmp_path / "pets", n=8)
    for place in (root / "images", root / "annotations" / "trimaps"):
        for file in list(place.iterdir()):
            for name in ("Pug_1", "Bärli_1") if "2" in file.stem else ("Sphynx_2",):
                (place / f"{name}{file.suffix}").write_bytes(file.read_bytes())
    (root / "annotations" / "trainval.txt").unlink()
    for trials, (name, content, expected) in enumerate(lists(), 1):
        (root / "annotations" / "test.txt").write_bytes(content)
        code = data.main(["prepare", "--data-root", str(root), "--size", "32"])
        assert answers(code, capsys.readouterr().err, expected), name
        record_property("trials", trials)


def test_instances_to_score(
    white: str,  # noqa: F811
    tmp_path: Path,
    record_property,
    capsys,
):
    """What does not fill its photo is thinner than its border, which is said."""
    (tmp_path / "ä").mkdir()
    Image.new("RGB", (4, 4)).save(tmp_path / "ä" / "a.jpg")
    file = tmp_path / "instances.json"
    where = ["--model", white, "--coco", str(file), "--images", str(tmp_path)]
    for trials, (name, content, expected) in enumerate(instances(), 1):
        file.write_bytes(content)
        if isinstance(expected, int) and expected < 16:
            expected = "no annotation covers 0.005 of its photo beyond its border"
        code = evaluate_clicks.main(where)
        told = capsys.readouterr().err.splitlines(keepends=True)
        assert answers(code, told[-1], expected), (name, told)
        record_property("trials", trials)
