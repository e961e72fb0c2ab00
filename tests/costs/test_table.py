"""Which model is the quickest, as far as runs can tell; how far the machine alone can mislead."""

import pandas as pd
import pytest

from common.costs.table import of_equals, quickest


def test_ranges_that_meet_are_not_told_apart():
    rows = [("a", 10, 9, 12), ("b", 11, 10, 14), ("c", 20, 18, 22), ("d", 5, 4, 6)]
    table = pd.DataFrame(rows, columns=["model", "value", "low", "high"])
    table = table.assign(quantity="ms_photo")
    assert quickest(table, ["c", "b", "a", "unmeasured"]) == ["a", "b"]
    assert quickest(table, []) == []


def test_equal_networks_should_be_equally_fast():
    rows = [("a", "madds", 7), ("b", "madds", 7), ("c", "madds", 8)]
    rows += [(name, "infer_photos_per_second", v) for name, v in (("a", 30), ("b", 45), ("c", 1))]
    table = pd.DataFrame(rows, columns=["model", "quantity", "value"]).assign(size=128)
    assert of_equals(table) == pytest.approx(1.5)
