"""What the Jupyter servers of this user know of the running kernel."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

_KERNEL_RE = re.compile(r"kernel-(.+)\.json\Z")
_SECONDS = 2


def path_from_servers() -> Path | None:
    """The notebook of this kernel, or None: a server that does not answer is no reason to fail."""
    try:
        kernel = _kernel_id()
        if kernel is None:
            return None
        from jupyter_core.paths import jupyter_runtime_dir

        for file in sorted(Path(jupyter_runtime_dir()).glob("jpserver-*.json")):
            found = _ask(json.loads(file.read_text(encoding="utf-8")), kernel)
            if found is not None:
                return found
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
    request = Request(f"{server['url']}api/sessions", headers={"Authorization": f"token {server.get('token', '')}"})
    try:
        # A server of this machine is not asked through a proxy.
        with build_opener(ProxyHandler({})).open(request, timeout=_SECONDS) as answer:
            sessions = json.load(answer)
    except (OSError, ValueError):
        return None
    for session in sessions:
        if session["kernel"]["id"] == kernel and session["path"].endswith(".ipynb"):
            return Path(server["root_dir"], session["path"])
    return None
