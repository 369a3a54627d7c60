"""Of which files of its code a command makes its outputs."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

from dataworkspaces.commands.params_file import paths_of
from dataworkspaces.commands.run_around import Around
from dataworkspaces.commands.run_changes import local_root
from dataworkspaces.commands.run_request import PlannedRun
from dataworkspaces.lineage.code_files import CodeRead, Scans, code_files_of
from dataworkspaces.lineage.model import CodeFiles
from dataworkspaces.workspace import ResourceRef, ResourceRoles


class CodeOfCommand:
    """The code as it was before a command ran. No content of it is read before it is asked for.

    :ivar roots: real paths of the code that is on this machine."""

    def __init__(self, planned: PlannedRun, directory: str | None, around: Around) -> None:
        workspace = around.workspace
        self._planned = planned
        names = [n for n in workspace.get_resource_names() if workspace.get_resource_role(n) == ResourceRoles.CODE]
        places = {name: local_root(workspace.get_resource(name)) for name in names}
        self.roots = [os.path.realpath(place) for place in places.values() if place is not None]
        self._before = {name: around.scans.of(name) for name, place in places.items() if place is not None}
        params = paths_of(planned.record.params_files, directory)
        self._params = [ref for path in params if (ref := around.roots.ref(path)) is not None]

    def files(
        self, refs: Iterable[ResourceRef], written: Sequence[ResourceRef], read: CodeRead, after: Around
    ) -> list[CodeFiles]:
        """Those of the references, and of code of which nobody said whether the command runs it, on which it depends;
        a place of which that is not certain is left out.

        :param written: the outputs.
        :param after: the workspace as it is now that the command has ended."""
        wanted = [*refs, *(ResourceRef(name) for name in self._planned.unnamed if name in self._before)]
        apart = [*written, *self._params]
        return code_files_of(
            wanted, apart, self._before, Scans(after.workspace, self._before, after.roots.places), read
        )
