"""Lineage as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dataworkspaces.lineage.model import (
    CodeLineage,
    HashCertificate,
    ImportedLineage,
    LineageEntry,
    ResourceCert,
    StepLineage,
    UnknownLineage,
)
from dataworkspaces.lineage.places import Place, places
from dataworkspaces.lineage.states import CURRENT, State
from dataworkspaces.workspace.resource_ref import ResourceRef


@dataclass(frozen=True)
class LineageRow:
    """Where a resource, or a part of it, comes from. ``inputs`` is None for what no step made."""

    ref: str
    lineage_type: str
    details: str
    inputs: list[str] | None
    state: State = CURRENT

    def to_json(self) -> dict[str, Any]:
        return {
            "resource": self.ref,
            "type": self.lineage_type,
            "details": self.details,
            "inputs": self.inputs or [],
            **self.state.to_json(),
        }


def make_lineage_table(
    lineages: Mapping[str, Sequence[LineageEntry]], states: Mapping[ResourceRef, State] = MappingProxyType({})
) -> list[LineageRow]:
    """The places of each resource, with their states."""
    rows = []
    for name, entries in lineages.items():
        rows += [_row(place, states.get(ref, CURRENT)) for ref, place in places(name, entries).items()]
        rows += [_imported_row(entry) for entry in entries if isinstance(entry, ImportedLineage)]
    return rows


def _row(place: Place, state: State) -> LineageRow:
    ref, entry = str(place.cert.ref), place.entry
    if isinstance(entry, StepLineage):
        return LineageRow(ref, "Step", entry.describe(), [_source(cert) for cert in entry.inputs], state)
    if isinstance(entry, UnknownLineage):
        return LineageRow(ref, "Unknown", entry.cert.certificate.comment, None, state)
    return LineageRow(ref, "Code" if isinstance(entry, CodeLineage) else "Source Data", _version(place.cert), None)


def _imported_row(entry: ImportedLineage) -> LineageRow:
    steps = [e for e in entry.lineages if isinstance(e, StepLineage)]
    details = f"{steps[0].describe()}" if steps else f"{len(entry.lineages)} entries"
    inputs = [_source(cert) for cert in steps[0].inputs] if steps else None
    return LineageRow(entry.resource_name, "Imported", details, inputs)


def _source(cert: ResourceCert) -> str:
    return f"{cert.ref} ({_version(cert)})"


def _version(cert: ResourceCert) -> str:
    if isinstance(cert.certificate, HashCertificate):
        return f"Hash:{cert.certificate.hashval[:8]}"
    return f"Version:{cert.certificate.version}"
