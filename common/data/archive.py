"""A preprocessed dataset as one file to hand on: export, import, verify.

The archive is a zip of the cache's files, its ``info.json`` with their checksums, and the
dataset's licence as ``LICENCE.txt``. An archive may come from anybody: only these members are
read, none is larger than its arrays say, and nothing is unpickled.
"""

import hashlib
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from common.config import UserError, atomic_path, cache_root
from common.data.cache import FILES, cache_name, is_current, open_cache, parse_info, read_info
from common.files import fresh_folder, locked
from common.provenance import file_sha256

INFO, LICENCE = "info.json", "LICENCE.txt"
MEMBERS = (INFO, LICENCE, *FILES)
MAX_INFO, MAX_TABLE = 1 << 16, 1 << 26  # bytes
CHUNK = 1 << 20  # bytes


def export_archive(folder: str | Path, out: str | Path) -> Path:
    """Write the cache in ``folder`` to the archive ``out``, atomically.

    The same cache gives the same bytes: members carry no time.

    Raises:
        UserError: the cache is damaged, or the archive cannot be written.
    """
    folder, out = Path(folder), Path(out)
    licence = verify(folder)["licence"]
    with atomic_path(out) as temporary, zipfile.ZipFile(temporary, "w") as bundle:
        for name in (INFO, *FILES):
            add_member(bundle, name, folder / name)
        bundle.writestr(_entry(LICENCE), licence + "\n")
    return out


def add_member(bundle: zipfile.ZipFile, name: str, file: Path) -> None:
    """Stream a file of any size into an archive: beyond 2 GiB its entry is one of Zip64."""
    entry = _entry(name)
    entry.file_size = file.stat().st_size  # else zipfile finds out when all is written, and fails
    with file.open("rb") as source, bundle.open(entry, "w") as member:
        shutil.copyfileobj(source, member, CHUNK)


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)
    entry.compress_type = _compression(name)
    entry.external_attr = 0o644 << 16  # readable when unzipped by hand
    return entry


def _compression(name: str) -> int:
    """Photos hardly shrink; stored plainly, they also bound what an archive can unpack to."""
    return zipfile.ZIP_STORED if name == "images.npy" else zipfile.ZIP_DEFLATED


def import_archive(archive: str | Path, folder: str | Path | None = None) -> Path:
    """Unpack an archive and return its cache folder, which `open_cache` opens.

    Args:
        archive: made by `export_archive`.
        folder: where caches live, default `cache_root`.

    Raises:
        UserError: the archive is unreadable, foreign or damaged, or the disk is full; what was
            there before is untouched.
    """
    archive = Path(archive)
    with _opened(archive) as bundle:
        info = _read_info(bundle)
        target = Path(folder or cache_root()) / cache_name(info["size"], info["fit"], info["data"])
        done = lambda: is_current(target, info["data"]) and read_info(target) == info  # noqa: E731
        if done():
            return target
        with locked(target):
            if done():  # another process may have unpacked it meanwhile
                return target
            needs = sum(bundle.getinfo(name).file_size for name in (INFO, *FILES))
            with fresh_folder(target, needs) as scratch:
                for name in (INFO, *FILES):
                    with (scratch / name).open("wb") as file:
                        for chunk in _chunks(bundle, name, info["files"].get(name)):
                            file.write(chunk)
                open_cache(scratch)
    return target


def verify(path: str | Path) -> dict:
    """Check an archive or a cache folder against its checksums and return its info.

    Raises:
        UserError: it is unreadable, foreign or damaged.
    """
    path = Path(path)
    if path.is_dir():
        info = open_cache(path).info
        for name, expected in info["files"].items():
            if file_sha256(path / name) != expected:
                raise UserError(f"{path / name}: wrong checksum; delete {path} and build it again")
        return info
    with _opened(path) as bundle:
        info = _read_info(bundle)
        for name in FILES:
            for _ in _chunks(bundle, name, info["files"][name]):
                pass
    return info


@contextmanager
def _opened(archive: Path) -> Iterator[zipfile.ZipFile]:
    """An archive that holds the members of an export and no others."""
    with _explained(archive):
        bundle = zipfile.ZipFile(archive)
    with bundle:
        names = bundle.namelist()
        if strange := sorted(set(names) - set(MEMBERS)):
            raise UserError(
                f"{archive}: {strange[0][:60]!r} is no part of a preprocessed dataset; "
                "take an archive made by `python -m common.data export`"
            )
        if sorted(names) != sorted(MEMBERS):
            missing = sorted(set(MEMBERS) - set(names))
            fault = f"{missing[0]} is missing" if missing else "a member is there twice"
            raise UserError(f"{archive}: {fault}; copy or export the archive again")
        yield bundle


@contextmanager
def _explained(archive: Path | str | None) -> Iterator[None]:
    """What zipfile, zlib and NumPy find wrong with an archive, as a `UserError`."""
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{archive}: no such archive; check the path") from None
    except Exception as error:  # zipfile lets a dozen kinds through for damaged files
        reason = str(error).partition("\n")[0][:200]  # it may quote the archive
        raise UserError(
            f"{archive}: not a readable archive ({reason}); copy or export it again"
        ) from None


def _read_info(bundle: zipfile.ZipFile) -> dict:
    """The checked info.json of an archive whose other members have the sizes it implies."""
    with _explained(bundle.filename):
        if bundle.getinfo(INFO).file_size > MAX_INFO:
            raise ValueError(f"{INFO} is too large")
        info = parse_info(bundle.read(INFO))
        for name in FILES:
            _check_size(bundle, bundle.getinfo(name), info["size"])
    return info


def _check_size(bundle: zipfile.ZipFile, entry: zipfile.ZipInfo, size: int) -> None:
    """Refuse a member that would unpack to more than its header and its kind allow."""
    if entry.compress_type != _compression(entry.filename):
        raise ValueError(f"{entry.filename} is compressed otherwise than by an export")
    if entry.filename.endswith(".csv"):
        if entry.file_size > MAX_TABLE:
            raise ValueError(f"{entry.filename} is too large")
        return
    with bundle.open(entry) as stream:
        if np.lib.format.read_magic(stream) != (1, 0):
            raise ValueError(f"{entry.filename} is of another .npy version")
        shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
        header = stream.tell()
    photos = bundle.getinfo("images.npy").compress_size // (size * size * 3)
    row = (size, size, 3) if entry.filename == "images.npy" else (size, size)
    if shape != (photos, *row) or fortran or dtype != np.uint8:
        raise ValueError(f"{entry.filename} declares an array of shape {shape}, {dtype}")
    if entry.file_size != header + photos * int(np.prod(row)):
        raise ValueError(f"{entry.filename} does not have the size that it declares")


def _chunks(bundle: zipfile.ZipFile, name: str, expected: str | None) -> Iterator[bytes]:
    """The bytes of a member, checked at the end against the sha256 ``expected``."""
    digest = hashlib.sha256()
    with _explained(bundle.filename), bundle.open(name) as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
            yield chunk
    if expected and digest.hexdigest() != expected:
        raise UserError(f"{bundle.filename}: wrong checksum of {name}; copy or export it again")
