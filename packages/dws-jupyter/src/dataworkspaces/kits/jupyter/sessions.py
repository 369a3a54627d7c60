"""What the Jupyter servers of this user know of the running kernel."""

from __future__ import annotations

import json
import re
import sys
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

_KERNEL_RE = re.compile(r"kernel-(.+)\.json\Z")
_SECONDS = 10


def path_from_servers() -> Path | None:
    """The notebook of this kernel, or None: a server that does not answer is no reason to fail."""
    found = _server_of_kernel()
    return None if found is None else found[1]


def saves_itself() -> bool:
    """Whether the server of this kernel holds its notebooks and saves them after each change, as that of
    jupyter-collaboration does."""
    found = _server_of_kernel()
    return found is not None and has_collaboration(found[0])


def has_collaboration(server: dict[str, Any]) -> bool:
    """Whether the server knows the address at which front ends join in. They put something there; it cannot be got."""
    try:
        _open(server, "api/collaboration/session/").close()
    except HTTPError as e:
        e.close()
        return e.code == HTTPStatus.METHOD_NOT_ALLOWED
    except OSError:
        pass
    return False


def _server_of_kernel() -> tuple[dict[str, Any], Path] | None:
    """The server that started this kernel, as it is told in its file, and the notebook."""
    try:
        kernel = _kernel_id()
        if kernel is None:
            return None
        from jupyter_core.paths import jupyter_runtime_dir

        for file in sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
            server = json.loads(file.read_text(encoding="utf-8"))
            path = _ask(server, kernel)
            if path is not None:
                return server, path
    except (ImportError, OSError, ValueError, KeyError, TypeError):
        pass
    return None


def _kernel_id() -> str | None:
    """A server puts it into the name of the file by which the kernel was started."""
    from ipykernel.connect import get_connection_file

    if "ipykernel.kernelapp" not in sys.modules:
        return None
    match = _KERNEL_RE.search(str(get_connection_file()))
    return None if match is None else match[1]


def _ask(server: dict[str, Any], kernel: str) -> Path | None:
    if urlsplit(server["url"]).scheme not in ("http", "https"):
        return None
    try:
        with _open(server, "api/sessions") as answer:
            sessions = json.load(answer)
    except (OSError, ValueError, RecursionError):
        return None
    for session in sessions:
        if session["kernel"]["id"] == kernel and session["path"].endswith(".ipynb"):
            return Path(server["root_dir"], session["path"])
    return None


def _open(server: dict[str, Any], address: str) -> Any:
    request = Request(f"{server['url']}{address}", headers={"Authorization": f"token {server.get('token', '')}"})
    # A server of this machine is not asked through a proxy.
    return build_opener(ProxyHandler({})).open(request, timeout=_SECONDS)
