"""Who gets which parameter: a profile and the command line against what notebooks declare."""

import json
import re
from collections.abc import Mapping, Sequence

from common.config import UserError
from common.pipeline.notebook import Notebook, select

Given = dict[str, dict[str, object]]


def assign(
    notebooks: Sequence[Notebook],
    profile: Mapping[str, Mapping[str, object]],
    overrides: Sequence[str] = (),
) -> Given:
    """Parameters for each notebook; a notebook's own entry beats ``*``, the command line both.

    Args:
        notebooks: all notebooks.
        profile: notebook (name, number, pattern, or ``*``: those that declare the parameter)
            → parameters.
        overrides: ``NAME.key=value``, NAME as above, value as JSON or plain text.

    Returns:
        Name of each notebook → the parameters given to it.

    Raises:
        UserError: unknown notebook, a parameter it does not declare, or one of another type.
    """
    given: Given = {notebook.name: {} for notebook in notebooks}
    for who in sorted(profile, key="*".__ne__):
        for key, value in profile[who].items():
            for notebook in _takers(notebooks, who, key):
                given[notebook.name][key] = _checked(notebook, key, value)
    for text in overrides:
        who, key, written = _split(text)
        takers = _takers(notebooks, who, key)
        if not takers:
            raise UserError(f"-p {text:.80}: no notebook declares a parameter {key!r:.80}")
        for notebook in takers:
            value = _value(written, notebook.declared[key])
            given[notebook.name][key] = _checked(notebook, key, value)
    return given


def _takers(notebooks: Sequence[Notebook], who: str, key: str) -> list[Notebook]:
    """Notebooks that ``who`` means; each must declare ``key``, unless ``*`` means all that do."""
    chosen = select(notebooks, who)
    takers = [n for n in notebooks if n.name in chosen and (key in n.declared or who != "*")]
    for notebook in takers:
        if key not in notebook.declared:
            known = ", ".join(notebook.declared) or "none"
            raise UserError(f"{notebook.name} has no parameter {key!r:.80}; it declares {known}")
    return takers


def _checked(notebook: Notebook, key: str, value: object) -> object:
    default = notebook.declared[key]
    whole = type(default) is float and type(value) is int
    if default is not None and type(value) is not type(default) and not whole:
        raise UserError(
            f"{notebook.name}.{key} takes {type(default).__name__} values such as {default!r}, "
            f"not {value!r:.80}"
        )
    return value


def _split(text: str) -> tuple[str, str, str]:
    match = re.fullmatch(r"([^=]+)\.(\w+)=(.*)", text, re.DOTALL)
    if not match:
        raise UserError(
            f"-p {text:.80}: write it as NAME.key=value, for instance 02_unet.epochs=3"
        )
    who, key, value = match.groups()
    return who, key, value


def _value(text: str, default: object) -> object:
    """What was typed: as it stands for a text parameter, else as JSON (or Python's True)."""
    if isinstance(default, str):
        return text
    try:
        return json.loads(text.lower() if text in ("True", "False") else text)
    except (ValueError, RecursionError):
        return text
