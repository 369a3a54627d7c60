"""The workspace that the pages show, opened anew for each question: other commands may change it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from dataworkspaces.web.collected_warnings import Collecting
from dataworkspaces.web.impact import UsesCache
from dataworkspaces.web.table_cache import TableCache
from dataworkspaces.workspace import Workspace, find_and_load_workspace


class Source:
    """:param place: the directory or URI of the workspace."""

    def __init__(self, place: str) -> None:
        self._place = place
        self.tables = TableCache()
        self.uses = UsesCache()
        self._lock = Lock()

    @contextmanager
    def opened(self, *, reading: bool = True) -> Iterator[Workspace]:
        """The workspace, for one thread at a time. ``reading`` is as of :meth:`Session.open_workspace`."""
        with self._lock:
            workspace = find_and_load_workspace(True, False, self._place)
            workspace.interaction = Collecting()
            if reading:
                workspace.recover_if_interrupted()
            yield workspace
