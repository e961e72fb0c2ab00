"""Voilà for notebook 09 alone: one page, a bounded number of visitors, bounded messages."""

import os
import secrets
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import JupyterHandler
from jupyter_server.utils import ensure_async, url_path_join
from voila.app import Voila
from voila.tornado.handler import TornadoVoilaHandler

from common.web.demo.places import Places
from common.web.demo.settings import MESSAGE_BYTES, NOTEBOOK, SETTINGS, VISITORS

TEMPLATES = Path(__file__).parent  # Jupyter looks for voila/templates in it
COOKIE = "place"


class OnePage(TornadoVoilaHandler):
    """The page at the address itself, for whom a place was promised; a door for all others.

    Whoever only fetches the address (a poll, a crawler) thus starts no kernel: the door's script
    has to ask for a place, and comes back.
    """

    async def get(self, path: str | None = None) -> None:
        """Send the page, or its door; there is nothing else here."""
        who = self.get_cookie(COOKIE)
        if path:
            self.send_error(404)
            return
        _ = self.xsrf_token  # sets the cookie with which a page that is left stops its kernel
        if who and self.settings["voila"].places.take(who):
            await super().get()
            return
        name = who or secrets.token_urlsafe(16)
        self.set_cookie(COOKIE, name, httponly=True, samesite="Strict")
        self.set_header("Cache-Control", "no-store")
        self.write(self.render_template("door.html", status_code=200))


class Place(JupyterHandler):
    """What the door's script asks for."""

    def post(self) -> None:
        """How many are before whoever asks; 0: the page is theirs as soon as they load it."""
        demo, who = self.settings["voila"], self.get_cookie(COOKIE)
        if not who:
            self.set_status(403)
            return
        room = demo.visitors + demo.voila_configuration.default_pool_size
        self.write({"before": demo.places.ask(who, room - len(self.kernel_manager))})


class Alive(JupyterHandler):
    """Whether a kernel lives: one that was killed is not started again, as all is lost with it."""

    async def get(self, kernel: str) -> None:
        """204, or 404."""
        lives = kernel in self.kernel_manager and await ensure_async(
            self.kernel_manager.get_kernel(kernel).is_alive()
        )
        self.set_status(204 if lives else 404)


class Demo(Voila):
    """Voilà for one notebook and a bounded number of visitors."""

    visitors = VISITORS  # at a time

    def init_handlers(self) -> list:
        """Voilà's, with `OnePage` for its own, and what the pages ask for."""
        self.places = Places()
        renew_at_hand_out(self.kernel_manager)
        *others, (path, _, options) = super().init_handlers()
        more = [
            (url_path_join(self.base_url, "place"), Place),
            (url_path_join(self.base_url, r"alive/([\w-]+)"), Alive),
        ]
        return [*more, *others, (path, OnePage, options)]

    def listen(self) -> None:
        """Say where, and take requests of a bounded size until the process is stopped."""
        bind = self.app.listen

        def bind_and_tell(port: int, address: str) -> None:
            bind(port, address, max_body_size=MESSAGE_BYTES)
            self.port = port
            print(f"The demo is at {self.display_url} (Ctrl+C stops it)", flush=True)

        self.app.listen = bind_and_tell
        super().listen()


def renew_at_hand_out(kernels: Any) -> None:
    """A kernel that waited long counts as active once it is somebody's, and is not culled."""
    hand_out = kernels.get_rendered_notebook

    async def renewed(*args: Any, **kwargs: Any) -> Any:
        task, cells, kernel = await hand_out(*args, **kwargs)
        kernels.get_kernel(kernel).last_activity = datetime.now(timezone.utc)
        return task, cells, kernel

    kernels.get_rendered_notebook = renewed


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
