"""Label files of other tools: the right result, or one line that names what is wrong."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from common.config import UserError
from common.data.coco import read_instances
from common.data.pets import read_index, read_mask
from tests.data.labels import Odd, instances, lists, trimaps


def pixels(file: Path) -> int:
    """Of the one instance of a COCO file."""
    (photo,) = read_instances(file)
    (one,) = photo.instances
    assert (one.id, photo.name) == (7, "ä/a.jpg")
    return int(one.mask().sum())


def listed(file: Path) -> list[tuple[str, int]]:
    """Names and species of a list that is the only one of a dataset."""
    folder = file.parent / "annotations"
    folder.mkdir(exist_ok=True)
    file.replace(folder / "test.txt")
    index = read_index(file.parent)
    return list(zip(index["name"], index["species"], strict=True))


def read_or_named(file: Path, labels: Odd, read: Callable[[Path], Any]) -> Iterator[str]:
    """Names of the files of which neither is true."""
    for name, content, expected in labels:
        file.write_bytes(content)
        try:
            found = read(file)
        except UserError as error:
            line = str(error)
            if not (isinstance(expected, str) and expected in line and "\n" not in line):
                yield f"{name}: {line}"
        else:
            if found != expected:
                yield f"{name}: {found}"


@pytest.mark.parametrize(
    ("labels", "read"),
    [(trimaps, lambda file: read_mask(file, 1).tolist()), (instances, pixels), (lists, listed)],
    ids=["trimaps", "instances", "lists"],
)
def test_odd_labels_are_read_or_named(tmp_path: Path, labels, read, record_property):
    record_property("trials", len(list(labels())))
    assert not list(read_or_named(tmp_path / "labels", labels(), read))
