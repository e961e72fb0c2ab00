"""How the demo is served: Voilà's options, and the limits of what a visitor may ask for.

The names are Voilà's and Jupyter's own; a test looks each of them up in the installed version.
"""

from __future__ import annotations

import logging
from typing import Any

from common.config import NOTEBOOKS, ROOT

NOTEBOOK = NOTEBOOKS / "09_demo.ipynb"
PICTURE = "figures/09_clicks.jpg"  # of the guide; the one file that is served
HIDDEN = "notebook-only"  # tag of cells that the page leaves out
VISITORS = 8  # at a time; each has a kernel
READY = 1  # kernels that have run the notebook already, for the next ones
IDLE_MINUTES = 20
MESSAGE_BYTES = 2_000_000  # of what a page sends at once; a piece of an upload takes half of it
POLICY = (  # what a browser lets the page fetch: from here, and from nowhere else
    "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; connect-src 'self' data: blob:; frame-ancestors 'self'; "
    "form-action 'self'; base-uri 'none'; object-src 'none'"
)
SETTINGS: dict[str, dict[str, Any]] = {
    "Voila": {
        "ip": "127.0.0.1",
        "root_dir": str(ROOT),
        "open_browser": False,
        "log_level": logging.ERROR,
        "config_file_paths": [],  # what else is configured on this machine is not for this page
        "tornado_settings": {
            "websocket_max_message_size": MESSAGE_BYTES,
            "headers": {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff"},
        },
    },
    "VoilaConfiguration": {
        "template": "demo",
        "allow_template_override": "NO",  # by the page's address
        "allow_theme_override": "NO",
        "file_allowlist": [PICTURE.replace(".", r"\.")],
        "show_tracebacks": False,
        "strip_sources": True,
        "preheat_kernel": True,
        "default_pool_size": READY,
        "extension_allowlist": [
            "anywidget",
            "@jupyter-widgets/jupyterlab-manager",
            "@voila-dashboards/widgets-manager8",
        ],
    },
    "VoilaExecutor": {
        "cell_error_instruction": "Please load the page again.",
        "startup_timeout": 300,  # seconds, on a machine that does much else
    },
    "VoilaKernelManager": {"fill_delay": 5.0},  # seconds: the first clicks come first
    "KernelManager": {"autorestart": False},  # nothing of a visitor's would be in it
    "MappingKernelManager": {
        "cull_idle_timeout": IDLE_MINUTES * 60,
        "cull_interval": 60,
        "cull_connected": True,  # an open page that nobody looks at counts as well
    },
    "TagRemovePreprocessor": {"enabled": True, "remove_cell_tags": {HIDDEN}},
    "CSSHTMLHeaderPreprocessor": {"enabled": False},  # colours of code, of which none is shown
}
