"""What a look at the surroundings of a command needs of the workspace, read once for the looks of a whole plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import cached_property

from dataworkspaces.commands.run_places import Roots
from dataworkspaces.commands.run_step import is_there
from dataworkspaces.lineage.code_files import CodeNow, Scans
from dataworkspaces.lineage.model import StepLineage
from dataworkspaces.lineage.places import refs_overlap
from dataworkspaces.lineage.workspace_graph import contents_at
from dataworkspaces.workspace import ResourceRef, Workspace


class Around:
    """As it is when it is first asked: make another one once something may have changed."""

    def __init__(self, workspace: Workspace) -> None:
        self.workspace = workspace
        self._contents: dict[ResourceRef, str | None] = {}
        self._expected: dict[ResourceRef, None] = {}

    @cached_property
    def names(self) -> frozenset[str]:
        """Of the resources."""
        return frozenset(self.workspace.get_resource_names())

    @cached_property
    def roots(self) -> Roots:
        return Roots(self.workspace)

    @cached_property
    def scans(self) -> Scans:
        """Of what lies in code."""
        return Scans(self.workspace, places=self.roots.places)

    @cached_property
    def code(self) -> CodeNow:
        return CodeNow(self.workspace, self.scans)

    def expect(self, refs: Iterable[ResourceRef]) -> None:
        """What is going to be asked of :meth:`contents`, too, is looked at together with what is asked before."""
        self._expected.update(dict.fromkeys(refs))

    def contents(self, refs: Iterable[ResourceRef]) -> dict[ResourceRef, str | None]:
        """As :func:`~dataworkspaces.lineage.workspace_graph.contents_at`; each place is looked at once."""
        wanted = list(dict.fromkeys(refs))
        new = [ref for ref in wanted if ref not in self._contents]
        if new:
            self._contents |= dict.fromkeys(new) | self._look(new)
        return {ref: self._contents[ref] for ref in wanted}

    def _look(self, wanted: Sequence[ResourceRef]) -> dict[ResourceRef, str | None]:
        """At these, and at what is expected to be asked. A place that cannot be read makes all of its look unknown: so
        where something lies of which nothing is known, nobody else's places spoil a look."""
        asked = {*wanted}
        others = [ref for ref in self._expected if ref not in self._contents and ref not in asked]
        self._expected.clear()
        found = contents_at(self.workspace, [*wanted, *others])
        unknown = {ref for ref, content in found.items() if content is None and is_there(self.workspace, ref)}
        if others and unknown & asked:
            found |= contents_at(self.workspace, wanted)
        return {ref: content for ref, content in found.items() if ref in asked or ref not in unknown}

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
