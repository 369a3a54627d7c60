"""Where the user's own files of Data Workspaces are, as the XDG Base Directory Specification says."""

from __future__ import annotations

import os

__all__ = ["cache_directory", "config_directory", "state_directory"]


def cache_directory() -> str:
    """For what can be made again. None of these directories need exist. Without a home, ``~`` stays in the path."""
    return _directory("XDG_CACHE_HOME", "~/.cache")


def config_directory() -> str:
    """For what the user writes, or agrees to."""
    return _directory("XDG_CONFIG_HOME", "~/.config")


def state_directory() -> str:
    """For what is kept of workspaces that have no directory of their own."""
    return _directory("XDG_STATE_HOME", "~/.local/state")


def _directory(variable: str, default: str) -> str:
    base = os.environ.get(variable, "")  # the specification ignores a relative path
    return f"{base if base.startswith('/') else os.path.expanduser(default)}/dws"  # noqa: PTH111 - pathlib is slow
