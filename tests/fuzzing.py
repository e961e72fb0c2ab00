"""Hostile input, tried by the hundred: no crash, no hang, no more memory than the task needs."""

import os
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from common.config import UserError
from common.costs.memory import peak_mb

EVERYTHING = "PROVOKE" in os.environ  # as `tests.faults` does; else a quarter of the trials
SECONDS = 60  # for one input, on a busy machine; one takes milliseconds
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from([10**6, -1, 2**63, 10**400, 1e308, "", "unet", "../../etc/passwd", "\0"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
NUMBERS = st.sampled_from([b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f"])


class Bomb:
    """Unpickling it makes a folder."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return Path.mkdir, (self.mark,)


class Hung(BaseException):
    """Nobody catches this by the way, as they might a `TimeoutError`."""


@contextmanager
def limited(megabytes: int) -> Iterator[None]:
    """A block in which each input gets `SECONDS`, and memory may rise by so much at its peak."""
    with suppress(OSError):  # on Linux the peak is counted afresh
        Path("/proc/self/clear_refs").write_text("5")
    before = peak_mb()
    yield
    rise = peak_mb() - before
    assert rise < megabytes, f"the peak of memory rose by {rise:.0f} MB"


@contextmanager
def alarm(seconds: int) -> Iterator[None]:
    """`Hung` if the block takes longer."""

    def ring(*_: object) -> None:
        raise Hung(f"more than {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def survive(
    record: Callable[[str, object], None],
    inputs: st.SearchStrategy,
    attempt: Callable,
    examples: int,
    megabytes: int = 200,
) -> None:
    """Try so many inputs, the same ones each time.

    Args:
        record: pytest's ``record_property``, which gets the number of trials.
        inputs: what to draw from.
        attempt: is given one input; it may raise a `UserError` of one line, and nothing else.
        examples: at most, where everything is tried.
        megabytes: by which memory may rise.
    """
    trials = 0

    @settings(
        max_examples=examples if EVERYTHING else examples // 4,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(inputs)
    def each(value: object) -> None:
        nonlocal trials
        trials += 1
        try:
            with alarm(SECONDS):
                attempt(value)
        except UserError as error:
            assert str(error) and "Traceback" not in str(error) and len(str(error)) < 2000

    try:
        with limited(megabytes):
            each()
    finally:
        record("trials", trials)


@st.composite
def damaged(draw: st.DrawFn, sound: Sequence[bytes]) -> bytes:
    """One of some sound files with bytes changed, cut off, put in, repeated or of another file."""
    content = draw(st.sampled_from(sound))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(content)) | st.integers(0, min(len(content), 64)))
        size = draw(st.integers(0, 40))
        new = draw(st.binary(max_size=8) | NUMBERS)
        content = draw(
            st.sampled_from(
                [
                    content[:at] + new + content[at + len(new) :],
                    content[:at] + new + content[at + size :],
                    content[:at],
                    content[at:],
                    content[:at] + content[max(0, at - size) :],
                    content[:at] + draw(st.sampled_from(sound))[at:],
                ]
            )
        )
    return content
