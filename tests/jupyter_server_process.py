"""A Jupyter server on this machine, as the tests start one."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from endtoend import User, program

TOKEN = "a-token-of-the-tests"


@contextmanager
def jupyter_server(user: User, application: str, *options: str) -> Iterator[str]:
    """The address of a server that shows the current directory of a user.

    :param application: of ``jupyter``: ``notebook`` (which serves JupyterLab too), or ``nbclassic``."""
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    command = [
        program("jupyter"), application, "--no-browser", "--allow-root", f"--port={port}", "--ip=127.0.0.1",
        f"--IdentityProvider.token={TOKEN}", "--ServerApp.port_retries=0", *options,
    ]  # fmt: skip
    log = (user.cwd.parent / "server.log").open("w")
    process = subprocess.Popen(command, cwd=user.cwd, env=user.env, stdout=log, stderr=subprocess.STDOUT)
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(300):
            try:
                urlopen(f"{address}/api?token={TOKEN}", timeout=1).close()
                break
            except OSError:
                assert process.poll() is None, Path(log.name).read_text()
                time.sleep(0.2)
        yield address
    finally:
        process.terminate()
        process.wait(60)
        log.close()
