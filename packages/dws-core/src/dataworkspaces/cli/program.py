"""The process of the command ``dws``: what is done before anything is imported, and how it ends."""

from __future__ import annotations

import gc
import os
import sys


def program() -> None:
    """The entry point of the command ``dws``: :func:`dataworkspaces.cli.main.main`, and then the end, without taking
    apart one by one all objects of a process that is about to go, which takes as long as some commands do."""
    # Imports and trees of files make very many objects that live on, and hardly any cycles: do not look for these again
    # and again.
    gc.set_threshold(200_000, 20, 50)
    from dataworkspaces.cli.main import main

    try:
        main()
    except SystemExit as e:
        if not isinstance(e.code, int):
            raise
        _end(e.code)


def _end(status: int) -> None:
    """As Python does it: wait for threads, call what was registered for the end, write what is left."""
    import atexit
    import threading
    from contextlib import suppress

    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):  # nobody reads it any more
            stream.flush()
    os._exit(status)
