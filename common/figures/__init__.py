"""One pure function a figure: frames and arrays in, a matplotlib ``Figure`` out.

Nothing here knows torch or a model. The drawing functions live in the modules, so that a notebook
depends on those that it uses; what all of them share is here.
"""

from common.figures.output import save, show, show_table
from common.figures.style import CLASS_COLOURS
from common.wording import label, model_colour

__all__ = ["CLASS_COLOURS", "label", "model_colour", "save", "show", "show_table"]
