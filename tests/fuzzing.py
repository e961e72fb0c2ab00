"""Hostile input, tried by the hundred: no crash, no hang, no more memory than the task needs."""

import os
import signal
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random

import hypothesis.strategies as st
from hypothesis import HealthCheck, given, settings

from common.config import UserError
from common.costs.memory import peak_mb

EVERYTHING = "PROVOKE" in os.environ  # as `tests.faults` does; else a quarter of the trials
SECONDS = 5  # of a processor, for one input; one takes milliseconds
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
NUMBERS = (b"\0" * 4, b"\xff" * 4, b"\x7f\xff\xff\xff", b"\xff\xff\xff\x7f")


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
    """`Hung` if the block takes longer on a processor, however busy the machine is."""

    def ring(*_: object) -> None:
        raise Hung(f"more than {seconds} s")

    before = signal.signal(signal.SIGPROF, ring)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def survive(
    record: Callable[[str, object], None],
    inputs: st.SearchStrategy,
    attempt: Callable,
    examples: int,
    megabytes: int = 300,
) -> None:
    """Try so many inputs, the same ones each time.

    Args:
        record: pytest's ``record_property``, which gets the number of trials.
        inputs: what to draw from.
        attempt: is given one input; it may raise a `UserError` of one line, and nothing else.
        examples: at most, where everything is tried; else a quarter.
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
        _survive(attempt, value)

    try:
        with limited(megabytes):
            each()
    finally:
        record("trials", trials)


def endure(
    record: Callable[[str, object], None], sound: Sequence[bytes], attempt: Callable, examples: int
) -> None:
    """As `survive`, with so many damaged files by the shortest way; memory may rise by 800 MB."""
    record("trials", examples)
    with limited(800):
        for seed in range(examples):
            _survive(attempt, mutated(Random(seed), sound))


def _survive(attempt: Callable, value: object) -> None:
    try:
        with alarm(SECONDS):
            attempt(value)
    except UserError as error:
        assert str(error) and "Traceback" not in str(error) and len(str(error)) < 2000


def damaged(sound: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """Any of the `mutated`."""
    return st.integers(0, 1 << 32).map(lambda seed: mutated(Random(seed), sound))


def mutated(random: Random, sound: Sequence[bytes]) -> bytes:
    """One of some sound files with bytes changed, cut off, put in, repeated or of another file.

    A PNG may have the right checksums again, so that it is read on.
    """
    content = random.choice(sound)
    for _ in range(random.randint(1, 4)):
        at = random.randint(0, random.choice((len(content), min(len(content), 64))))
        size = random.randint(0, 40)
        new = random.choice((random.randbytes(random.randint(0, 8)), random.choice(NUMBERS)))
        content = random.choice(
            (
                content[:at] + new + content[at + len(new) :],
                content[:at] + new + content[at + size :],
                content[:at],
                content[at:],
                content[:at] + content[max(0, at - size) :],
                content[:at] + random.choice(sound)[at:],
            )
        )
    is_png = content.startswith(b"\x89PNG")
    return mended(content) if is_png and random.random() < 0.5 else content


def mended(png: bytes) -> bytes:
    """A damaged PNG with the checksums of what its chunks hold."""
    at, parts = 8, [png[:8]]
    while at + 12 <= len(png):
        (size,) = struct.unpack(">I", png[at : at + 4])
        body = png[at + 4 : at + 8 + min(size, len(png))]
        parts += [png[at : at + 4], body, struct.pack(">I", zlib.crc32(body))]
        at += 12 + size
    return b"".join(parts)
