"""Code blocks of the project's documents, for the tests that run them."""

from __future__ import annotations

import re

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
