"""The version of the installed Data Workspaces."""

from __future__ import annotations

__all__ = ["get_version"]


def get_version() -> str:
    """The version of dws-core, from its distribution's metadata."""
    from importlib import metadata

    return metadata.version("dws-core")
