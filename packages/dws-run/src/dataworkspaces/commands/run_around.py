"""What a look at the surroundings of a command needs of the workspace, read once for the looks of a whole plan."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from dataworkspaces.commands.run_places import Roots
from dataworkspaces.lineage.model import StepLineage
from dataworkspaces.lineage.places import refs_overlap
from dataworkspaces.workspace import ResourceRef, Workspace


class Around:
    """As it is when it is first asked: make another one once something may have changed."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace

    @cached_property
    def names(self) -> frozenset[str]:
        """Of the resources."""
        return frozenset(self.workspace.get_resource_names())

    @cached_property
    def roots(self) -> Roots:
        return Roots(self.workspace)

    def made_from(self, written: Sequence[ResourceRef]) -> list[ResourceRef]:
        """What steps made from what a command wrote, which it can therefore not read."""
        found: list[ResourceRef] = []
        later: set[int] = set()
        pending = list(written)
        while pending:
            ref = pending.pop()
            for number, read in self._readers.get(ref.name, ()):
                if number not in later and refs_overlap(ref, read):
                    later.add(number)
                    new = [cert.ref for cert in self._steps[number].outputs]
                    found += new
                    pending += new
        return found

    @cached_property
    def _steps(self) -> list[StepLineage]:
        store = self.workspace.as_lineage_ws().get_lineage_store()
        names = self.workspace.get_resource_names()
        return [entry for name in names for entry in store.entries(name) if isinstance(entry, StepLineage)]

    @cached_property
    def _readers(self) -> dict[str, list[tuple[int, ResourceRef]]]:
        """By resource: which steps read which of its places."""
        found: dict[str, list[tuple[int, ResourceRef]]] = {}
        for number, step in enumerate(self._steps):
            for cert in step.inputs:
                found.setdefault(cert.ref.name, []).append((number, cert.ref))
        return found
