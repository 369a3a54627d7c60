"""Serve the pages until the person who started them has seen enough."""

from __future__ import annotations

import os
import secrets
import socket
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any

import uvicorn

from dataworkspaces.errors import ConfigurationError
from dataworkspaces.web.server.application import application
from dataworkspaces.web.server.guard import Guard
from dataworkspaces.web.source import Source

HOST = "127.0.0.1"


def serve(source: Source, port: int | None, tell: Callable[[str], None], *, in_frame: bool = False) -> None:
    """Serve, and return once the server was asked to end.

    :param port: None: a free one. Raises ConfigurationError for one that is taken.
    :param tell: called with the address, once it is served.
    :param in_frame: for a frame of a page of this machine, such as a notebook. Ends when stdin does."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listening:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((HOST, port or 0))
        except OSError as e:
            raise ConfigurationError(
                f"Port {port} cannot be served: {e.strerror or e}", hint="Leave --port out, and a free one is taken"
            ) from e
        port = listening.getsockname()[1]
        token = secrets.token_urlsafe(24)
        address = f"http://{HOST}:{port}/{token}/" if in_frame else f"http://{HOST}:{port}/?token={token}"
        app = Guard(application(source), port, token, in_frame=in_frame)
        config = uvicorn.Config(
            app, log_config=None, access_log=False, lifespan="off", server_header=False, timeout_graceful_shutdown=2
        )
        Thread(target=_warm, args=(source,), daemon=True).start()
        with suppress(KeyboardInterrupt):  # which uvicorn raises once it has ended in good order
            server = _Server(config, lambda: tell(address))
            if in_frame:
                Thread(target=server.end_with_stdin, daemon=True).start()
            server.run(sockets=[listening])


def _warm(source: Source) -> None:
    """Make the table while the browser starts. What goes wrong is told when it is asked for."""
    with suppress(Exception), source.opened() as workspace:
        source.tables.table(workspace)


class _Server(uvicorn.Server):
    """Says where it serves once it does."""

    def __init__(self, config: uvicorn.Config, tell: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = tell

    def end_with_stdin(self) -> None:
        """Whoever started it holds the other end, and has ended when this does, however that came about."""
        while os.read(0, 4096):
            pass
        self.should_exit = True

    async def startup(self, *args: Any, **kwargs: Any) -> None:
        await super().startup(*args, **kwargs)
        self._tell()
