"""The name of this machine, as it names a copy of a workspace."""

from __future__ import annotations

import os
import re

__all__ = ["default_hostname"]


def default_hostname() -> str:
    """The host's short name, made valid."""
    short = os.uname().nodename.split(".", 1)[0]
    return re.sub(r"[^A-Za-z0-9._-]", "-", short).lstrip("._-") or "localhost"
