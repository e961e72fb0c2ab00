"""An upload in pieces: a server closes the connection of whoever sends it 10 MB at once."""

import base64
import binascii

from common.config import UserError

PIECE_BYTES = 3 * 2**18
PIECE_CHARS = 4 * PIECE_BYTES // 3  # in base64


class Upload:
    """Collects the pieces of one file in memory; after any error the next one starts anew.

    Args:
        max_bytes: limit of the whole; checked before anything is decoded.
    """

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._pieces: list[bytes] = []

    def add(self, part: int, parts: int, data: str) -> bytes | None:
        """Take piece ``part`` of 0 to ``parts`` - 1, in base64; the file, once it is whole.

        Raises:
            UserError: the piece is not the next one, too long or damaged, or the file too large.
        """
        pieces, self._pieces = self._pieces if part else [], []
        if not 0 <= part < parts or part != len(pieces):
            raise UserError("the upload was interrupted; choose the file again")
        if len(data) > PIECE_CHARS:
            raise UserError(f"a piece of an upload has at most {PIECE_CHARS:,} characters")
        if sum(map(len, pieces)) + len(data) // 4 * 3 - 2 > self.max_bytes:
            raise UserError(f"the photo: more than {self.max_bytes / 1e6:g} MB; save it smaller")
        try:
            pieces.append(base64.b64decode(data, validate=True))
        except (binascii.Error, ValueError):  # the latter where it is not even ASCII
            raise UserError("the upload arrived damaged; choose the file again") from None
        if part < parts - 1:
            self._pieces = pieces
            return None
        return b"".join(pieces)
