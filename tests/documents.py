"""The project's files, and the code blocks of its documents for the tests that run them."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from common.config import ROOT

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks(file: str, language: str) -> list[str]:
    """Contents of the fenced blocks of a language, in order."""
    text = (ROOT / file).read_text(encoding="utf-8")
    return [code for name, code in BLOCK.findall(text) if name == language]


def commands(file: str) -> list[str]:
    """Shell commands of a document: a line each, continued lines joined, comments left out."""
    joined = "\n".join(blocks(file, "sh")).replace("\\\n", " ")
    lines = (re.sub(r"\s+#.*", "", line).strip() for line in joined.splitlines())
    return [" ".join(line.split()) for line in lines if line]


def project_files() -> list[Path]:
    """What git tracks or would add; where there is no git, all but what is built."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "-co", "--exclude-standard"]
    try:
        listed = subprocess.run(command, capture_output=True, check=True).stdout.decode()
        paths = [ROOT / name for name in listed.split("\0") if name]
    except (OSError, subprocess.CalledProcessError):
        built = {".venv", ".git", "local", "_smoke", "__pycache__"}
        paths = [path for path in ROOT.rglob("*") if not built & set(path.parts)]
    return [path for path in paths if path.is_file()]


def fresh_copy(folder: Path) -> Path:
    """The project without what is built, its environment the one that the tests run in."""
    away = shutil.ignore_patterns("__pycache__", "local", "_smoke", "report.html", "click.html")
    for name in ("common", "notebooks", "results", "tests"):
        shutil.copytree(ROOT / name, folder / name, ignore=away)
    for name in ("Makefile", "pyproject.toml", "requirements.txt", "requirements-dev.txt"):
        shutil.copy2(ROOT / name, folder)
    environment = folder / ".venv"
    environment.mkdir()
    for part in Path(sys.prefix).iterdir():
        (environment / part.name).symlink_to(part)
    for stamp in (".requirements-installed", ".requirements-dev-installed"):
        (environment / stamp).unlink(missing_ok=True)  # a link: what is behind it stays
        (environment / stamp).touch()
    return folder
