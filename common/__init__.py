"""Helper modules of the coursework notebooks: one idea a file."""

import platform
import sys
from importlib.util import find_spec

if sys.version_info < (3, 10):  # noqa: UP036 - here older ones are told
    sys.exit(f"error: the project needs Python 3.10 or newer; this is {platform.python_version()}")
NEEDED = ("torch", "timm", "papermill")  # where one is missing, so are others
if missing := [name for name in NEEDED if find_spec(name) is None]:
    sys.exit(
        f"error: this Python ({sys.executable}) lacks {', '.join(missing)}; use .venv/bin/python "
        "after `make report`, or `pip install -r requirements.txt` first, in the project's folder"
    )
