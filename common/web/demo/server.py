"""Voilà for notebook 09 alone: one page, a bounded number of visitors, bounded messages."""

import os
from collections.abc import Sequence
from pathlib import Path

from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

from common.web.demo.settings import MESSAGE_BYTES, NOTEBOOK, SETTINGS, VISITORS

TEMPLATES = Path(__file__).parent  # Jupyter looks for voila/templates in it


class OnePage(TornadoVoilaHandler):
    """The page at the address itself, while there is room for one more visitor."""

    async def get(self, path: str | None = None) -> None:
        """Send the page; there is nothing else here."""
        room = self.settings["voila"].visitors + self.voila_configuration.default_pool_size
        if path:
            self.send_error(404)
        elif len(self.kernel_manager) >= room:
            self.send_error(503)
        else:
            _ = self.xsrf_token  # sets the cookie with which a page that is left stops its kernel
            await super().get()


class Demo(Voila):
    """Voilà for one notebook and a bounded number of visitors."""

    visitors = VISITORS  # at a time

    def init_handlers(self) -> list:
        """Voilà's, with `OnePage` for its own."""
        *others, (path, _, options) = super().init_handlers()
        return [*others, (path, OnePage, options)]

    def listen(self) -> None:
        """Say where, and take requests of a bounded size until the process is stopped."""
        bind = self.app.listen

        def bind_and_tell(port: int, address: str) -> None:
            bind(port, address, max_body_size=MESSAGE_BYTES)
            self.port = port
            print(f"The demo is at {self.display_url} (Ctrl+C stops it)", flush=True)

        self.app.listen = bind_and_tell
        super().listen()


def prepare(argv: Sequence[str]) -> Demo:
    """A server that is ready to `start`.

    Args:
        argv: Voilà's options.
    """
    known = os.environ.get("JUPYTER_PATH")
    os.environ["JUPYTER_PATH"] = os.pathsep.join([str(TEMPLATES), *([known] if known else [])])
    demo = Demo()
    demo.update_config(type(demo.config)(SETTINGS))
    demo.initialize([str(NOTEBOOK), *argv])
    return demo
