"""The README's tables: what stands in them, and what is left out."""

from pathlib import Path

import pytest

import common.publish.readme as module
from common.config import ROOT
from common.data.dataset import prepare
from common.publish.readme import BLOCK, results_block
from common.scoring.clicking import clicks_or_load
from common.scoring.photos import evaluate_or_load
from common.training.runs import Training


@pytest.fixture
def results(toy, pets, quick, tmp_path: Path) -> Path:
    """Two trainings, "toy" and "other", of which nothing is scored."""
    for name in ("toy", "other"):
        cache = prepare(pets, size=32)
        Training(name, "toy", config=quick).run_or_load(cache, tmp_path)
    return tmp_path


def test_only_what_is_scored_is_told(results, pets):
    assert results_block(results).count("\n") == 2, "two lines of a head"
    evaluate_or_load("toy", pets, "test", results=results)
    block = results_block(results)
    assert "| `toy` | **0." in block and "`other`" not in block
    assert "NoC@90" not in block


def test_clicks_have_a_table_of_their_own(results, pets, toy, monkeypatch):
    evaluate_or_load("toy", pets, "test", results=results)
    clicks_or_load("toy", pets, "test", results=results, photos=4)
    clicks_or_load("toy", pets, "test", results=results, photos=4, clicks=5, first="wrong")
    assert "\n\n" not in results_block(results), "a control that knows no click"
    monkeypatch.setattr(toy, "decode_clicks", None, raising=False)
    plain, clicked = results_block(results).strip().split("\n\n")
    assert len(plain.splitlines()) == len(clicked.splitlines()) == 3
    heads, rule, row = clicked.splitlines()
    assert heads.count("|") == rule.count("|") == row.count("|")
    assert "| NoC@90 | NoF@90 | ms a click | photos | trained in |" in heads
    assert "| 4 | 0 min, " in row
    assert "%" in row


def test_the_block_of_the_readme_is_found_and_replaced(tmp_path, monkeypatch):
    assert BLOCK.search((ROOT / "README.md").read_text(encoding="utf-8"))
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "results_block", lambda: "| new |\n")
    readme = tmp_path / "README.md"
    readme.write_text("a\n<!-- results: x -->\n| old |\n<!-- /results -->\nb\n")
    assert module.main() == 0
    assert readme.read_text() == "a\n<!-- results: x -->\n| new |\n<!-- /results -->\nb\n"
    readme.write_text("nothing")
    assert module.main() == 2
