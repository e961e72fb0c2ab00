"""The web demo: notebook 09 served by Voilà as a page, without its code.

    python -m common.web.demo                       # http://127.0.0.1:8866/
    python -m common.web.demo --visitors 20 --Voila.port=9000

takes Voilà's own options as well (``--help-all`` lists them); they win over those of `settings`.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from common.config import UserError, cli
from common.web.demo.settings import NOTEBOOK, VISITORS


@cli
def main(argv: Sequence[str] | None = None) -> None:
    """Command line; see the module's docstring."""
    parser = argparse.ArgumentParser(
        prog="python -m common.web.demo",
        description=__doc__,
        allow_abbrev=False,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--visitors", type=int, default=VISITORS, help="at a time; %(default)s")
    options, others = parser.parse_known_args(argv)
    if not NOTEBOOK.is_file():
        raise UserError(f"{NOTEBOOK.name} is missing; restore it with git")

    from common.web.demo.server import prepare

    demo = prepare(others)
    demo.visitors = options.visitors
    demo.start()


if __name__ == "__main__":
    raise SystemExit(main())
