"""Make, hand on and check preprocessed datasets: ``python -m common.data``.

prepare                   build the preprocessed dataset of $PETS_ROOT, or find it built
export --out pets.zip     the same, then write it to one archive
import pets.zip           unpack an archive; PETS_ROOT=<the folder printed> then trains on it,
                          without the original photos
verify pets.zip           check an archive, or a preprocessed dataset's folder
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from common.config import FITS, cli, user_path


@cli
def main(argv: Sequence[str] | None = None) -> None:
    """The command line; see the module."""
    options = _parser().parse_args(argv)

    from common.data.archive import export_archive, import_archive, verify
    from common.data.dataset import prepare_folder

    if options.command == "verify":
        verify(options.path)
        print(f"{options.path}: every checksum is right")
        return
    if options.command == "import":
        folder = import_archive(options.archive, options.folder)
        print(f"to train on it without the photos: PETS_ROOT={folder}")
    else:
        folder = prepare_folder(
            options.data_root, size=options.size, fit=options.fit, folder=options.folder
        )
    print(summary(folder))
    if options.command == "export":
        out = export_archive(folder, options.out)
        print(f"{out}: {out.stat().st_size / 1e6:,.0f} MB, licence inside")


def summary(folder: Path) -> str:
    """One line on a preprocessed dataset: its place, its size and the photos of each split."""
    from common.data.cache import open_cache
    from common.data.dataset import PARTS

    cache = open_cache(folder)
    counts = cache.manifest["split"].value_counts()
    splits = ", ".join(f"{name} {counts.get(name, 0):,}" for name in PARTS)
    size, fit = cache.info["size"], cache.info["fit"]
    return f"{folder}: {len(cache.manifest):,} photos at {size} px ({fit}): {splits}"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m common.data", description="Make, hand on and check preprocessed datasets."
    )
    commands = parser.add_subparsers(dest="command", required=True)
    place = argparse.ArgumentParser(add_help=False)
    place.add_argument("--folder", type=user_path, help="where the results live ($PETS_CACHE)")
    making = argparse.ArgumentParser(add_help=False, parents=[place])
    making.add_argument("--data-root", help="folder of the photos ($PETS_ROOT), or 'download'")
    making.add_argument("--size", type=int, default=128, help="edge in pixels (128)")
    making.add_argument("--fit", choices=FITS, default="stretch")
    commands.add_parser("prepare", parents=[making], help="build one, or find it built")
    export = commands.add_parser("export", parents=[making], help="write one to an archive")
    export.add_argument("--out", type=user_path, required=True, metavar="pets.zip")
    unpack = commands.add_parser("import", parents=[place], help="unpack an archive")
    unpack.add_argument("archive", type=user_path, metavar="ARCHIVE")
    check = commands.add_parser("verify", help="check an archive or a folder")
    check.add_argument("path", type=user_path, metavar="ARCHIVE_OR_FOLDER")
    return parser


if __name__ == "__main__":
    sys.exit(main())
