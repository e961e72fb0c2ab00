"""A process without the right to pass over the rights of files."""

import ctypes
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DAC_OVERRIDE, DAC_READ_SEARCH = 1, 2  # what lets root write where nobody may


class Header(ctypes.Structure):
    """Of capget(2) and capset(2)."""

    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class Capabilities(ctypes.Structure):
    """The lower 32 or the upper 32 of them, a bit each."""

    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


@contextmanager
def no_privileges() -> Iterator[None]:
    """Root, too, keeps to the modes of files: it lays down its privilege for the block."""
    if os.geteuid() != 0:
        yield
        return
    system, header = ctypes.CDLL(None, use_errno=True), Header(0x20080522, 0)
    have = (Capabilities * 2)()
    assert system.capget(ctypes.byref(header), have) == 0, os.strerror(ctypes.get_errno())
    before = have[0].effective
    have[0].effective &= ~(1 << DAC_OVERRIDE | 1 << DAC_READ_SEARCH)
    assert system.capset(ctypes.byref(header), have) == 0, os.strerror(ctypes.get_errno())
    try:
        yield
    finally:
        have[0].effective = before
        system.capset(ctypes.byref(header), have)


@contextmanager
def read_only(place: Path) -> Iterator[None]:
    """A folder, and all below it, that may be read and not written."""
    paths = [place, *place.rglob("*")]
    modes = [path.stat().st_mode for path in paths]
    for path, mode in zip(paths, modes, strict=True):
        path.chmod(mode & ~(stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH))
    try:
        with no_privileges():
            yield
    finally:
        for path, mode in zip(paths, modes, strict=True):
            path.chmod(mode)
