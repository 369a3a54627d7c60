"""The git backend: a workspace is a git repository, with its metadata in ``.dataworkspace/``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dataworkspaces.backends.git.factory import GitWorkspaceFactory

    FACTORY: GitWorkspaceFactory

__all__ = ["FACTORY", "GitWorkspaceFactory"]


def __getattr__(name: str) -> Any:
    """Made when it is asked for: a resource type that imports a module of this package would else import itself."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from dataworkspaces.backends.git.factory import GitWorkspaceFactory

    globals().update(GitWorkspaceFactory=GitWorkspaceFactory, FACTORY=GitWorkspaceFactory())
    return globals()[name]
