"""Scoring at native size: against a slow second implementation, and as a command line."""

import json
import math
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from common import files as artifacts
from common.checkpoint import Card, read_card, save_checkpoint
from common.config import RESULTS, UserError
from common.evaluate import json_line, main
from common.evaluate_clicks import main as clicks_main
from common.models import create_model
from common.scoring import photos as module
from common.scoring.photos import evaluate, evaluate_or_load, headline

KEYS = """
    model split n miou iou_background iou_cat iou_dog dice pixel_accuracy foreground_iou
    species_accuracy miou_low miou_high""".split()
UNET = {"widths": (16, 16), "depth": 1, "breed_weight": 0.0}


@pytest.fixture
def model(toy, cache, monkeypatch):
    """A network of random weights that predicts each class somewhere and is often wrong.

    Its scores are multiples of 1/4 (apart from a nudge that breaks ties), so that two ways of
    computing them cannot differ by a rounding error.
    """
    forward, nudge = toy.forward, torch.tensor([0.0, 0.011, 0.007]).view(3, 1, 1)
    rounded = lambda self, image: (4 * forward(self, image)).round() / 4 + nudge  # noqa: E731
    monkeypatch.setattr(toy, "forward", rounded)
    torch.manual_seed(3)
    network = toy(width=8).eval()
    network.head.weight.data *= 8
    images = torch.from_numpy(cache.images.copy()).movedim(-1, 1) / 255
    with torch.no_grad():
        network.head.bias -= network(images).mean((0, 2, 3))
    return network


@pytest.fixture
def results(model, tmp_path: Path) -> Path:
    """A results folder with one checkpoint, "toy"."""
    card = Card("toy", {"width": 8}, size=24)
    save_checkpoint(tmp_path / "results/checkpoints/toy", model, card, dtype=torch.float32)
    return tmp_path / "results"


@pytest.fixture
def run(results, pets, capsys):
    """Call the command line on the checkpoint; returns its exit code, output and errors."""

    def call(*arguments: str, root: Path = pets, name: str | None = None) -> tuple:
        stem = name or str(results / "checkpoints/toy")
        argv = ["--model", stem, "--data-root", str(root), "--results", str(results), *arguments]
        capsys.readouterr()
        code = main(argv)
        return code, *capsys.readouterr()

    return call


@pytest.fixture
def own_pets(pets, tmp_path: Path) -> Path:
    """A copy of the photos that a test may spoil."""
    return shutil.copytree(pets, tmp_path / "oxford-iiit-pet")


def names_of_test(pets: Path) -> list[str]:
    return [line.split()[0] for line in (pets / "annotations/test.txt").read_text().splitlines()]


# The second implementation: plain numpy, float64, one pixel row at a time


def places(native: int, square: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Bilinear resizing by hand, pixel centres at .5: lower index, upper index, share of upper."""
    at = np.clip((np.arange(native) + 0.5) * square / native - 0.5, 0, square - 1)
    low = np.floor(at).astype(int)
    return low, np.minimum(low + 1, square - 1), at - low


def resize_by_hand(scores: np.ndarray, height: int, width: int) -> np.ndarray:
    """(3, S, S) -> (3, height, width)."""
    low, high, share = places(height, scores.shape[1])
    rows = scores[:, low] * (1 - share)[:, None] + scores[:, high] * share[:, None]
    low, high, share = places(width, scores.shape[2])
    return rows[:, :, low] * (1 - share) + rows[:, :, high] * share


def count_by_hand(network, root: Path, names: list[str], size: int) -> tuple[np.ndarray, int]:
    """Confusion over all photos, and photos whose species most pet pixels name."""
    table, right = np.zeros((3, 3), int), 0
    for name in names:
        species = 1 if name[0].isupper() else 2  # in the official files cats are capitalised
        image = Image.open(root / "images" / f"{name}.jpg").convert("RGB")
        trimap = np.array(Image.open(root / "annotations/trimaps" / f"{name}.png"))
        small = np.array(image.resize((size, size), Image.Resampling.BILINEAR))
        with torch.inference_mode():
            x = torch.tensor(small / 255.0, dtype=torch.float32).movedim(-1, 0)[None]
            scores = network(x)[0].double().numpy()
        predicted = resize_by_hand(scores, *trimap.shape).argmax(0)
        votes = [0, 0, 0]
        for y in range(trimap.shape[0]):
            for x in range(trimap.shape[1]):
                if trimap[y, x] != 3:
                    truth = species if trimap[y, x] == 1 else 0
                    table[truth, predicted[y, x]] += 1
                    votes[predicted[y, x]] += 1
        right += votes[species] > votes[3 - species]
    return table, right


def scores_by_hand(table: np.ndarray, right: int, n: int) -> dict[str, float]:
    iou, dice = [], []
    for k in range(3):
        hit, missed = table[k, k], table[k].sum() - table[k, k]
        false = table[:, k].sum() - table[k, k]
        iou.append(hit / (hit + missed + false))
        dice.append(2 * hit / (2 * hit + missed + false))
    pet = table[1:, 1:].sum()
    return {
        "miou": sum(iou) / 3,
        "iou_background": iou[0],
        "iou_cat": iou[1],
        "iou_dog": iou[2],
        "dice": sum(dice) / 3,
        "pixel_accuracy": table.trace() / table.sum(),
        "foreground_iou": pet / (table.sum() - table[0, 0]),
        "species_accuracy": right / n,
    }


def test_scores_are_those_of_a_slow_second_implementation(run, model, pets):
    code, out, _ = run()
    assert code == 0
    found = json.loads(out.splitlines()[-1])
    table, right = count_by_hand(model, pets, names_of_test(pets), size=24)
    assert (table.sum(0) > 0).all() and table.trace() < 0.9 * table.sum(), "too good a network"
    for name, value in scores_by_hand(table, right, 12).items():
        assert found[name] == pytest.approx(value, abs=1e-6), name


def test_counts_have_a_row_a_photo_and_add_up(model, pets):
    counts, problems = evaluate(model, Card("toy", size=24), pets, "test")
    assert problems.empty
    assert counts["image"].tolist() == names_of_test(pets)
    cells = [f"c{t}{p}" for t in range(3) for p in range(3)] + ["b0", "b1", "b2"]
    assert (counts[cells].sum(axis=1) == counts["height"] * counts["width"]).all()
    for row in counts.itertuples():
        with Image.open(pets / "images" / f"{row.image}.jpg") as image:
            assert (row.width, row.height) == image.size
        assert row.breed == row.image.rsplit("_")[0].title()
        assert row.species == 1 + (row.image[0].islower())


def test_batches_do_not_matter(model, pets, monkeypatch):
    card = Card("toy", size=24)
    counts, _ = evaluate(model, card, pets, "test")
    monkeypatch.setattr(module, "BATCH", 5)
    pd.testing.assert_frame_equal(evaluate(model, card, pets, "test")[0], counts)


def test_a_limit_scores_the_first_photos(model, pets):
    counts, _ = evaluate(model, Card("toy", size=24), pets, "test", limit=5)
    assert counts["image"].tolist() == names_of_test(pets)[:5]


@pytest.mark.parametrize(("split", "n"), [("train", 8), ("val", 4), ("test", 12)])
def test_the_last_line_is_one_strict_json_object(run, split: str, n: int):
    code, out, _ = run("--split", split)
    assert code == 0

    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    found = json.loads(out.splitlines()[-1], parse_constant=refuse)
    assert list(found)[:3] == ["model", "split", "n"]
    assert set(KEYS) <= set(found)
    assert (found["split"], found["n"]) == (split, n)
    assert found["miou_low"] <= found["miou"] <= found["miou_high"]
    assert all(isinstance(found[key], float) for key in KEYS[3:])
    table = [line.split()[0] for line in out.splitlines()[:-1]]
    assert table[-len(module.HEADLINE) :] == list(module.HEADLINE)


def test_a_score_that_does_not_exist_is_null_in_json(model, pets):
    counts, _ = evaluate(model, Card("toy", size=24), pets, "test")
    table = headline(counts)
    table.loc["iou_cat", "value"] = math.nan
    assert json.loads(json_line("toy", "test", counts, table))["iou_cat"] is None


def test_the_official_release_scores_the_same(run, own_pets):
    """Its list.txt begins with comments; its folder holds photos that no list names."""
    expected = run()[1].splitlines()[-1]
    header = "#Image CLASS-ID SPECIES BREED ID\n#ID: 1:37 Class ids\n#SPECIES: 1:Cat 2:Dog\n"
    for name in ("list", "trainval", "test"):
        path = own_pets / "annotations" / f"{name}.txt"
        path.write_text(header + path.read_text())
    (own_pets / "annotations/xmls").mkdir()
    (own_pets / "annotations/trimaps/._Abyssinian_1.png").write_bytes(b"not a picture")
    shutil.copy(own_pets / "images/pug_4.jpg", own_pets / "images/stray_1.jpg")
    for root in (own_pets, own_pets.parent):
        assert run(root=root)[1].splitlines()[-1] == expected


def test_the_dataset_may_come_from_the_environment(results, pets, monkeypatch, capsys):
    monkeypatch.setenv("PETS_ROOT", str(pets))
    arguments = ["--model", str(results / "checkpoints/toy.json"), "--results", str(results)]
    assert main([*arguments, "--split", "val"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["n"] == 4


def test_only_readings_of_test_are_recorded(run, results):
    reads = results / "test_reads.csv"
    for split in ("val", "train"):
        assert run("--split", split)[0] == 0
        assert not reads.exists()
    first = json.loads(run()[1].splitlines()[-1])
    run("--split", "test", "--limit", "5")
    table = pd.read_csv(reads)
    assert list(table.columns) == ["time", "commit", "model", "checkpoint", "n", "miou"]
    assert table["n"].tolist() == [12, 5]
    assert table["model"].tolist() == ["toy"] * 2, "the name, not a path of this machine"
    digest = json.loads((results / "checkpoints/toy.json").read_text())["tensors_sha256"]
    assert table["checkpoint"].tolist() == [digest[:16]] * 2
    assert table["miou"][0] == pytest.approx(first["miou"], abs=1e-5)
    assert pd.to_datetime(table["time"]).is_monotonic_increasing


def test_readings_go_to_the_projects_results_by_default(results, pets, monkeypatch, tmp_path):
    monkeypatch.setattr("common.evaluate.RESULTS", tmp_path / "own")
    assert main(["--model", str(results / "checkpoints/toy"), "--data-root", str(pets)]) == 0
    assert len(pd.read_csv(tmp_path / "own/test_reads.csv")) == 1


def test_a_strangers_photos_are_no_reading_of_ours(run, results, own_pets):
    for path in [*own_pets.rglob("*.jpg"), *own_pets.rglob("*.png")]:
        path.rename(path.with_stem(f"my_{path.stem}"))
    for path in own_pets.rglob("*.txt"):
        path.write_text(re.sub(r"(?m)^(\w)", r"my_\1", path.read_text()))
    assert run(root=own_pets)[0] == 0
    assert not (results / "test_reads.csv").exists()


def test_a_log_that_cannot_be_written_costs_no_result(run, results, tmp_path):
    (results / "test_reads.csv").mkdir()
    counts = tmp_path / "counts.parquet"
    code, _, told = run("--split", "test", "--out", str(counts))
    assert code == 0 and "warning: this reading is not logged" in told
    assert counts.is_file()


def test_a_model_that_makes_encoders_is_refused_in_a_line(capsys, pets):
    for command in (main, clicks_main):
        assert command(["--model", "clip_pets", "--data-root", str(pets)]) == 2
        (line,) = [one for one in capsys.readouterr().err.splitlines() if "error" in one]
        assert "clip_pets makes an encoder and segments nothing; choose of clip_linear" in line
    with pytest.raises(UserError, match=r"committed ones: (?!.*pets)"):
        read_card("never")


def test_counts_can_be_written(run, tmp_path):
    assert run("--split", "val", "--out", str(tmp_path / "new/counts.parquet"))[0] == 0
    assert len(pd.read_parquet(tmp_path / "new/counts.parquet")) == 4


def test_unreadable_photos_are_named_and_left_out(run, own_pets):
    names = names_of_test(own_pets)
    images, trimaps = own_pets / "images", own_pets / "annotations/trimaps"
    (images / f"{names[0]}.jpg").write_bytes((images / f"{names[0]}.jpg").read_bytes()[:300])
    (trimaps / f"{names[1]}.png").unlink()
    Image.new("L", (9, 9), 1).save(trimaps / f"{names[2]}.png")
    (images / f"{names[-1]}.jpg").write_text("no picture")
    code, out, _ = run(root=own_pets)
    assert code == 0
    assert json.loads(out.splitlines()[-1])["n"] == 8
    left_out = [line for line in out.splitlines() if line.startswith("left out: ")]
    assert len(left_out) == 4
    for name, line in zip([*names[:3], names[-1]], left_out, strict=True):
        assert name in line


def spoil(root: Path) -> None:
    for path in (root / "images").iterdir():
        path.write_bytes(b"no picture")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda root: shutil.rmtree(root / "annotations"), "no folder 'annotations'.*PETS_ROOT"),
        (lambda root: shutil.rmtree(root), "no folder 'annotations'.*PETS_ROOT"),
        (lambda root: (root / "annotations/test.txt").unlink(), "split 'test' has no photo"),
        (lambda root: [f.unlink() for f in root.glob("annotations/*.txt")], "list no photo"),
        (spoil, "none of 12 photos could be read; .*not a photo of a known kind"),
    ],
)
def test_a_folder_that_does_not_do(run, own_pets, results, make, message: str):
    make(own_pets)
    code, out, err = run(root=own_pets)
    assert code == 2
    assert not [line for line in out.splitlines() if line.startswith("{")]
    (line,) = [line for line in err.splitlines() if line.startswith("error: ")]
    assert err.rstrip().endswith(line)
    assert pd.Series([line]).str.contains(message).all(), line
    assert not (results / "test_reads.csv").exists()


def test_no_dataset_at_all(results, capsys):
    assert main(["--model", str(results / "checkpoints/toy"), "--split", "val"]) == 2
    assert "error: no dataset: set PETS_ROOT" in capsys.readouterr().err


def test_an_unknown_model_and_an_unknown_split(run, model, pets):
    code, out, err = run(name="nosuch")
    assert (code, out) == (2, "")
    assert err.startswith("error: no checkpoint ") and err.count("\n") == 1
    with pytest.raises(UserError, match="split 'trainval' is unknown; choose one of train, val"):
        evaluate(model, Card("toy"), pets, "trainval")


# Stored counts


@pytest.fixture
def scored(noting) -> list[str]:
    """Every split that is scored."""
    return noting(module, "evaluate", "split")


def test_stored_counts_are_reused(results, pets, scored):
    first = evaluate_or_load("toy", pets, "val", results=results)
    again = evaluate_or_load("toy", pets, "val", results=results)
    stored = evaluate_or_load("toy", None, "val", results=results)
    assert scored == ["val"]
    for table in (again, stored):
        pd.testing.assert_frame_equal(table, first)
    assert first.attrs["model"] == "toy"
    assert not (results / "test_reads.csv").exists()


def test_test_is_recorded_when_scored_and_not_when_read_again(results, pets, scored):
    for _ in range(3):
        evaluate_or_load("toy", pets, "test", results=results)
    assert scored == ["test"]
    assert len(pd.read_csv(results / "test_reads.csv")) == 1


def test_another_checkpoint_is_scored_again(results, pets, scored, model):
    before = evaluate_or_load("toy", pets, "val", results=results)
    model.head.bias.data += torch.tensor([3.0, 0, 0])
    save_checkpoint(results / "checkpoints/toy", model, Card("toy", {"width": 8}, size=24))
    after = evaluate_or_load("toy", pets, "val", results=results)
    assert scored == ["val"] * 2
    assert not before.equals(after)
    pd.testing.assert_frame_equal(evaluate_or_load("toy", None, "val", results=results), after)


@pytest.mark.parametrize("change", ["photos", "limit", "code"])
def test_other_data_or_code_is_scored_again(results, own_pets, scored, monkeypatch, change: str):
    evaluate_or_load("toy", own_pets, "val", results=results)
    if change == "photos":
        name = names_of_test(own_pets)[0]
        Image.new("RGB", (20, 20)).save(own_pets / "images" / f"{name}.jpg")
    if change == "code":
        monkeypatch.setattr(artifacts, "raised", lambda module: [["pets", 2]])
    limit = 2 if change == "limit" else 0
    evaluate_or_load("toy", own_pets, "val", results=results, limit=limit)
    assert scored == ["val"] * 2


def test_photos_left_out_are_named_when_counts_are_made(results, own_pets, capsys):
    path = own_pets / "images" / f"{names_of_test(own_pets)[0]}.jpg"
    path.write_bytes(b"")
    evaluate_or_load("toy", own_pets, "test", results=results)
    assert f"left out: {path}" in capsys.readouterr().out


def test_missing_or_damaged_counts(results):
    with pytest.raises(UserError, match=r"toy_val\.parquet: no such table; run the pipeline"):
        evaluate_or_load("toy", None, "val", results=results)
    (results / "counts").mkdir()
    (results / "counts/toy_val.parquet").write_bytes(b"PAR1 and no more")
    with pytest.raises(UserError, match=r"toy_val\.parquet: not a readable table"):
        evaluate_or_load("toy", None, "val", results=results)


# As a user types it


def test_the_command_line_of_a_real_model(pets, tmp_path, capsys):
    before = (RESULTS / "test_reads.csv").read_bytes()
    save_checkpoint(tmp_path / "unet", create_model("unet", **UNET), Card("unet", UNET, 32))
    places = f"--model={tmp_path}/unet.safetensors --data-root={pets.parent} --results={tmp_path}"
    assert main(places.split()) == 0
    found = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (found["split"], found["n"]) == ("test", 12)
    assert len(pd.read_csv(tmp_path / "test_reads.csv")) == 1
    assert (RESULTS / "test_reads.csv").read_bytes() == before
