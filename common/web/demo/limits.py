"""The demo's limits as a table, for its notebook."""

import pandas as pd

from common.data.photos import MAX_BYTES, MAX_PIXELS
from common.web.demo.settings import IDLE_MINUTES, MESSAGE_BYTES, READY, SETTINGS, VISITORS


def limits() -> pd.DataFrame:
    """What a visitor may ask for, and by which option that is changed."""
    rows = [
        ("address", SETTINGS["Voila"]["ip"], "--Voila.ip"),
        ("visitors at a time", VISITORS, "--visitors"),
        ("kernels in waiting", READY, "--VoilaConfiguration.default_pool_size"),
        ("minutes of rest", IDLE_MINUTES, "--MappingKernelManager.cull_idle_timeout (seconds)"),
        ("MB of an upload", f"{MAX_BYTES / 1e6:g}", "MAX_BYTES in data/photos.py"),
        ("million pixels of it", f"{MAX_PIXELS / 1e6:g}", "MAX_PIXELS in data/pets.py"),
        ("MB of a message", f"{MESSAGE_BYTES / 1e6:g}", "MESSAGE_BYTES in web/demo/settings.py"),
    ]
    return pd.DataFrame(rows, columns=["limit", "value", "changed by"])
