"""Dask as the executor: for trees on a shared file system that outgrow one machine.

``dws config executor dask:tcp://HOST:8786`` names the scheduler of a cluster; ``dask`` alone starts workers on this
machine for the time of one command.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from dataworkspaces.errors import ConfigurationError, UnavailableError
from dataworkspaces.toolbox.logs import log

_SECONDS = "10s"


@contextmanager
def dask_executor(address: str) -> Iterator[Executor]:
    """An executor of a Dask cluster. :param address: of its scheduler; ``""`` for a cluster of our own.

    Raises ConfigurationError if Dask is not installed, or if the scheduler cannot be reached."""
    try:
        distributed: Any = import_module("distributed")
    except ImportError as e:
        raise ConfigurationError(
            f"The executor 'dask' needs the package 'distributed' ({e})", hint="pip install 'dws-files[dask]'"
        ) from e
    try:
        client = distributed.Client(address or None, timeout=_SECONDS, set_as_default=False)
    except (OSError, ValueError, TypeError) as e:
        raise (UnavailableError if isinstance(e, OSError) else ConfigurationError)(
            f"The Dask scheduler at {address!r} cannot be reached: {' '.join(str(e).split())[:200]}",
            hint="Start one with 'dask scheduler' and 'dask worker', or: dws config executor threads",
        ) from e
    with silent_client():
        try:
            if address and not client.scheduler_info()["workers"]:
                log.warning("the Dask scheduler at %s has no worker yet: work begins when one comes", address)
            yield client.get_executor(pure=False)
        finally:
            client.close()


@contextmanager
def silent_client() -> Iterator[None]:
    """What goes wrong is told by whoever waits for a result: Dask would print a traceback beside."""
    logger = logging.getLogger("distributed.client")
    before = logger.level
    logger.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logger.setLevel(before)
