"""The first code cell of every notebook and its Colab badge, both at one release.

    python -m common.publish.setup_cell

writes them into all notebooks; change `RELEASE` or `CELL` here, never there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from common.config import NOTEBOOKS, UserError, atomic_path, cli

# The git tag that Colab opens and clones, so that notebook and package always fit.
RELEASE = "v1.0"
REPOSITORY = "s2102597/point-prompted-segmentation"  # on GitHub
BADGE = re.compile(r"\[!\[Open in Colab\]\(\S+\)\]\(\S+\)")
# The folder may be there already: a kernel that Colab restarts begins again above it.
CELL = """\
import os
import subprocess
import sys
from pathlib import Path

here = Path.cwd()
ROOT = next((p for p in (here, *here.parents) if (p / "common" / "config.py").is_file()), None)
assert ROOT or "COLAB_RELEASE_TAG" in os.environ, "no project here: papermill --cwd PROJECT IN OUT"
if ROOT is None:  # Colab: fetch the project and what Colab lacks; its torch stays as it is
    url = os.environ.get("PROJECT_URL", "https://github.com/s2102597/point-prompted-segmentation")
    ROOT, git = here / "pets", ["git", "clone", "--quiet", "--depth", "1", url, "pets"]
    if not ROOT.exists() and subprocess.run([*git, "-b", "v1.0"], capture_output=True).returncode:
        print("No release v1.0 there: trying the newest state, which this notebook may not fit.")
        subprocess.run(git, check=True)
    pip = [sys.executable, "-m", "pip", "install", "-q", "-r", "requirements-colab.txt"]
    subprocess.run(pip, cwd=ROOT, check=True)
os.chdir(ROOT)
sys.path.insert(0, str(ROOT))
if "COLAB_RELEASE_TAG" in os.environ:  # the click canvas needs it there
    from google.colab import output

    output.enable_custom_widget_manager()"""


def badge(notebook: str) -> str:
    """Markdown of the badge that opens a notebook (``02_unet``) in Colab."""
    colab = "https://colab.research.google.com"
    address = f"{colab}/github/{REPOSITORY}/blob/{RELEASE}/notebooks/{notebook}.ipynb"
    return f"[![Open in Colab]({colab}/assets/colab-badge.svg)]({address})"


def set_up(node: NotebookNode, name: str) -> None:
    """Put badge and set-up cell into a notebook, in place; nothing else changes.

    Raises:
        UserError: it has no badge in its first cell, or not one cell tagged ``setup``.
    """
    cells = [cell for cell in node.cells if "setup" in cell.metadata.get("tags", [])]
    if len(cells) != 1 or not BADGE.search(node.cells[0].source):
        raise UserError(
            f"{name}.ipynb: needs a Colab badge below its title and one cell tagged 'setup'; "
            "copy both from another notebook"
        )
    cells[0].source = CELL
    node.cells[0].source = BADGE.sub(badge(name), node.cells[0].source)


def renew(paths: Iterable[Path]) -> list[str]:
    """Set up notebook files; returns the names of those that changed."""
    changed = []
    for path in paths:
        text = path.read_text(encoding="utf-8")
        node = nbformat.reads(text, as_version=4)
        set_up(node, path.stem)
        renewed = f"{nbformat.writes(node)}\n"
        if renewed != text:
            changed.append(path.stem)
            with atomic_path(path) as temporary:
                temporary.write_text(renewed, encoding="utf-8")
    return changed


@cli
def main() -> None:
    """Renew all notebooks."""
    changed = renew(sorted(NOTEBOOKS.glob("[0-9]*.ipynb")))
    print("set up: " + (", ".join(changed) or "all notebooks were up to date"))


if __name__ == "__main__":
    raise SystemExit(main())
