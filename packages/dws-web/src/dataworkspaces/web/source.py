"""The workspace that the pages show, opened anew for each question: other commands may change it meanwhile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from dataworkspaces.workspace import BatchInteraction, Workspace, find_and_load_workspace


class Collecting(BatchInteraction):
    """Nobody is asked; what would be told on a terminal is kept, for the page."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


class Source:
    """:param place: the directory or URI of the workspace."""

    def __init__(self, place: str) -> None:
        self._place = place
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


def warnings_of(workspace: Workspace) -> list[str]:
    """What was told while the workspace was read."""
    interaction = workspace.interaction
    return interaction.warnings if isinstance(interaction, Collecting) else []
