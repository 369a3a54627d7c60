"""Who wants to know which files are read and written through the file systems of resources."""

from __future__ import annotations

from collections.abc import Callable

from dataworkspaces.workspace.resource_ref import ResourceRef

Watcher = Callable[[ResourceRef, bool], None]
"""Called before a file is opened, with True if it is to be written."""

_watchers: list[Watcher] = []


def is_watched() -> bool:
    return bool(_watchers)


def tell(ref: ResourceRef, is_written: bool) -> None:
    for watcher in list(_watchers):
        watcher(ref, is_written)


def watch(watcher: Watcher) -> Callable[[], None]:
    """Let ``watcher`` know, until the function that is returned is called; a second call of that does nothing."""
    _watchers.append(watcher)

    def end() -> None:
        if watcher in _watchers:
            _watchers.remove(watcher)

    return end
