"""Names of scores for readers."""

import pytest

from common.wording import wording


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("miou", "mIoU"),
        ("iou_cat", "cat"),
        ("iou_at_0", "IoU, no click"),
        ("iou_at_1", "IoU, 1 click"),
        ("iou_at_20", "IoU, 20 clicks"),
        ("noc90", "NoC@90"),
        ("nof85", "NoF@85"),
        ("model", "model"),
        ("iou_at_x", "iou_at_x"),
        (7, 7),
    ],
)
def test_a_reader_is_told(name: str, told: str):
    assert wording(name) == told
