"""Lineage as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dataworkspaces.lineage.model import (
    CodeLineage,
    HashCertificate,
    ImportedLineage,
    ResourceCert,
    StepLineage,
    UnknownLineage,
)
from dataworkspaces.lineage.places import Place, places
from dataworkspaces.lineage.store import LineageStore


@dataclass(frozen=True)
class LineageRow:
    """One row. ``inputs`` is None for what has none: data or code that no step wrote."""

    ref: str
    lineage_type: str
    details: str
    inputs: list[str] | None

    def to_json(self) -> dict[str, Any]:
        return {"resource": self.ref, "type": self.lineage_type, "details": self.details, "inputs": self.inputs}


def make_lineage_table(
    store: LineageStore, resource_names: Iterable[str], snapshot_hash: str | None = None
) -> list[LineageRow]:
    """The entries of each resource, current or of a snapshot."""
    rows = []
    for name in resource_names:
        entries = store.entries(name, snapshot_hash)
        rows += [_row(place) for place in places(name, entries).values()]
        rows += [_imported_row(entry) for entry in entries if isinstance(entry, ImportedLineage)]
    return rows


def _row(place: Place) -> LineageRow:
    ref, entry = str(place.cert.ref), place.entry
    if isinstance(entry, StepLineage):
        return LineageRow(ref, "Step", entry.describe(), [_source(cert) for cert in entry.inputs])
    if isinstance(entry, UnknownLineage):
        return LineageRow(ref, "Unknown", entry.cert.certificate.comment, None)
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
