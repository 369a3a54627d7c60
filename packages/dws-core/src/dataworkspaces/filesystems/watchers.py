"""Who wants to know which files of a workspace are read and written through the file systems of its resources."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from dataworkspaces.workspace.resource_ref import ResourceRef

if TYPE_CHECKING:
    from dataworkspaces.workspace.workspace import Workspace

Watcher = Callable[[ResourceRef, bool], None]
"""Called before a file is opened, with True if it is to be written."""

_watchers: list[tuple[str, Watcher]] = []


def is_watched() -> bool:
    return bool(_watchers)


def tell(workspace: Workspace, ref: ResourceRef, is_written: bool) -> None:
    copy = _copy(workspace)
    for watched, watcher in list(_watchers):
        if watched == copy:
            watcher(ref, is_written)


def watch(workspace: Workspace, watcher: Watcher) -> Callable[[], None]:
    """Let ``watcher`` know of files of this copy of a workspace, whichever object opened it, until the function that
    is returned is called; a second call of that does nothing."""
    entry = (_copy(workspace), watcher)
    _watchers.append(entry)

    def end() -> None:
        if entry in _watchers:
            _watchers.remove(entry)

    return end


def _copy(workspace: Workspace) -> str:
    return os.path.realpath(workspace.get_machine_directory())
