"""One pure function a figure: frames and arrays in, a matplotlib ``Figure`` out.

Nothing here knows torch or a model. The drawing functions live in the modules, so that a notebook
depends on those that it uses; what all of them share is here.
"""

from typing import Any

from common.wording import CLASS_COLOURS, label, model_colour

__all__ = ["CLASS_COLOURS", "label", "model_colour", "save", "show", "show_table"]


def __getattr__(name: str) -> Any:
    """What loads matplotlib and pandas does so when it is asked for."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from common.figures.output import save, show, show_table

    return {"save": save, "show": show, "show_table": show_table}[name]
