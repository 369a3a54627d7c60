"""Lineage as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from dataworkspaces.lineage.model import (
    CodeLineage,
    HashCertificate,
    ImportedLineage,
    LineageEntry,
    ResourceCert,
    StepLineage,
    UnknownLineage,
    entry_outputs,
)
from dataworkspaces.lineage.places import Place, places
from dataworkspaces.lineage.states import CURRENT, State, States
from dataworkspaces.workspace.resource_ref import ResourceRef


class LineageRow(NamedTuple):
    """Where a resource, or a part of it, comes from. ``inputs`` is None for what no step made.

    :ivar imported: the resource with which the lineage came from another workspace; None for what is of this one.
    :ivar inputs_told: False if there are none because nobody said what the step reads."""

    ref: str
    lineage_type: str
    details: str
    inputs: list[str] | None
    state: State = CURRENT
    imported: str | None = None
    inputs_told: bool = True

    @property
    def shown_type(self) -> str:
        """The type as tables have it: the resources of another workspace may have the names of ours."""
        return self.lineage_type if self.imported is None else f"{self.lineage_type}, imported"

    def to_json(self) -> dict[str, Any]:
        return {
            "resource": self.ref,
            "type": self.lineage_type,
            "details": self.details,
            "inputs": self.inputs or [],
            **({} if self.imported is None else {"imported_with": self.imported}),
            **({} if self.inputs_told else {"inputs_told": False}),
            **self.state.to_json(),
        }


def make_lineage_table(
    lineages: Mapping[str, Sequence[LineageEntry]], states: States | None = None
) -> list[LineageRow]:
    """The places of each resource, with their states; behind an imported one all places of its lineage."""
    known = {} if states is None else states.all()
    rows = []
    for name, entries in lineages.items():
        rows += [_row(place, known.get(ref, CURRENT)) for ref, place in places(name, entries).items()]
        for entry in entries:
            if isinstance(entry, ImportedLineage):
                state = CURRENT if states is None else states.imported(entry)
                rows.append(_imported_row(entry, state))
                rows += _rows_behind(entry, _behind(entry, state))
    return rows


def _row(place: Place, state: State, imported: str | None = None) -> LineageRow:
    ref, entry = str(place.cert.ref), place.entry
    if isinstance(entry, StepLineage):
        inputs = [_source(cert) for cert in entry.inputs]
        return LineageRow(ref, "Step", entry.describe(), inputs, state, imported, entry.inputs_told)
    if isinstance(entry, UnknownLineage):
        return LineageRow(ref, "Unknown", entry.cert.certificate.comment, None, state, imported)
    kind = "Code" if isinstance(entry, CodeLineage) else "Source Data"
    return LineageRow(ref, kind, _version(place.cert), None, state, imported)


def _imported_row(entry: ImportedLineage, state: State, imported: str | None = None) -> LineageRow:
    """The resource itself: the steps that wrote it, and what they read."""
    written = places(entry.resource_name, entry.lineages).values()
    steps = list({id(place.entry): place.entry for place in written if isinstance(place.entry, StepLineage)}.values())
    details = ", ".join(step.describe() for step in steps) if steps else f"{len(entry.lineages)} entries"
    inputs = list(dict.fromkeys(_source(cert) for step in steps for cert in step.inputs)) if steps else None
    told = bool(inputs) or all(step.inputs_told for step in steps)
    return LineageRow(entry.resource_name, "Imported", details, inputs, state, imported, told)


def _behind(imported: ImportedLineage, state: State) -> State:
    """The state of what came with imported lineage: of other data than lie there, it is as old as these are."""
    return state if state.kind == "current" else State(state.kind, (f"{imported.resource_name} has changed since",))


def _rows_behind(imported: ImportedLineage, state: State) -> list[LineageRow]:
    """The places of imported lineage, those of lineage that the other workspace has imported, too."""
    rows: list[LineageRow] = []
    seen: set[tuple[str, str]] = set()
    pending = [imported]
    while pending:
        entry = pending.pop(0)
        names = dict.fromkeys(cert.ref.name for each in entry.lineages for cert in entry_outputs(each))
        # The whole of the resource has its row already.
        found = [
            _row(place, state, imported.resource_name)
            for name in names
            for ref, place in places(name, entry.lineages).items()
            if ref != ResourceRef(entry.resource_name)
        ]
        for nested in entry.lineages:
            if isinstance(nested, ImportedLineage):
                found.append(_imported_row(nested, state, imported.resource_name))
                pending.append(nested)
        for row in found:
            if (row.ref, row.details) not in seen:
                seen.add((row.ref, row.details))
                rows.append(row)
    return rows


def _source(cert: ResourceCert) -> str:
    return f"{cert.ref} ({_version(cert)})"


def _version(cert: ResourceCert) -> str:
    if isinstance(cert.certificate, HashCertificate):
        return f"Hash:{cert.certificate.hashval[:8]}"
    return f"Version:{cert.certificate.version}"
