"""A file in pieces: put together in their order, bounded, and refused where one is damaged."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.canvas.uploads import PIECE_BYTES, PIECE_CHARS, Upload
from common.config import UserError


@given(st.binary(max_size=4000), st.integers(1, 500))
def test_pieces_add_up(content, size):
    size *= 3
    pieces = [content[at : at + size] for at in range(0, len(content), size)] or [b""]
    upload = Upload(4000)
    texts = [base64.b64encode(piece).decode() for piece in pieces]
    got = [upload.add(part, len(texts), text) for part, text in enumerate(texts)]
    assert got == [None] * (len(texts) - 1) + [content]


@pytest.mark.parametrize("order", [(1,), (0, 2), (0, 0, 2), (0, 1, 1), (-1,), (3,)])
def test_pieces_out_of_order_start_anew(order):
    upload = Upload(1000)
    for part in order[:-1]:
        assert upload.add(part, 3, "QUJD") is None
    with pytest.raises(UserError, match="interrupted"):
        upload.add(order[-1], 3, "QUJD")
    with pytest.raises(UserError, match="interrupted"):
        upload.add(1, 3, "QUJD")
    assert [upload.add(part, 3, "QUJD") for part in range(3)] == [None, None, b"ABCABCABC"]


def test_an_upload_is_bounded_before_it_is_decoded(monkeypatch):
    monkeypatch.setattr(base64, "b64decode", lambda *_, **__: pytest.fail("decoded"))
    with pytest.raises(UserError, match="characters"):
        Upload(10**9).add(0, 1, "A" * (PIECE_CHARS + 4))
    with pytest.raises(UserError, match="1e-05|0.00001"):
        Upload(10).add(0, 1, "A" * 24)


@pytest.mark.parametrize("data", ["A", "QUJ!", "ÄÖÜ=", "QUJD\n", "=QUJ", "\0"])
def test_what_is_no_base64_is_damaged(data):
    with pytest.raises(UserError, match="damaged"):
        Upload(1000).add(0, 1, data)


def test_a_piece_fits_through_a_servers_door():
    assert PIECE_BYTES % 3 == 0 and PIECE_CHARS < 2 * 10**6
