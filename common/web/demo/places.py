"""Who gets one of a bounded number of places: those who wait, first come, first served."""

import time
from collections.abc import Callable

PATIENCE = 15.0  # seconds without a word after which somebody no longer waits
KEPT = 60.0  # seconds that a place is kept for whom it was promised to


class Places:
    """Those who wait, and those who were promised a place that they have not taken yet.

    Args:
        clock: seconds, rising.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._waiting: dict[str, float] = {}  # in their order; when each was heard of last
        self._promised: dict[str, float] = {}

    def ask(self, who: str, free: int) -> int:
        """How many are before somebody who waits, counting from 1; 0 promises a place.

        Args:
            who: any name that is theirs alone.
            free: places that nobody has.
        """
        now = self._clock()
        self._promised = {w: at for w, at in self._promised.items() if now - at < KEPT}
        if who in self._promised:
            return 0
        self._waiting[who] = now
        self._waiting = {w: at for w, at in self._waiting.items() if now - at < PATIENCE}
        turn = [*self._waiting].index(who) - (free - len(self._promised))
        if turn >= 0:
            return turn + 1
        del self._waiting[who]
        self._promised[who] = now
        return 0

    def take(self, who: str) -> bool:
        """Whether a place was promised to them, which it is no longer."""
        return self._promised.pop(who, None) is not None
