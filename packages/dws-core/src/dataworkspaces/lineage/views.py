"""Lineage as a table."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from dataworkspaces.lineage.model import (
    CodeLineage,
    HashCertificate,
    ImportedLineage,
    LineageEntry,
    ResourceCert,
    SourceDataLineage,
    StepLineage,
)
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
    return [row for name in resource_names for e in store.entries(name, snapshot_hash) for row in _rows(name, e)]


def _rows(resource_name: str, entry: LineageEntry) -> list[LineageRow]:
    if isinstance(entry, StepLineage):
        inputs = [_source(cert) for cert in (*entry.inputs, *entry.code)]
        refs = [str(cert.ref) for cert in entry.outputs if cert.ref.name == resource_name] or [resource_name]
        return [LineageRow(ref, "Step", entry.describe(), inputs) for ref in refs]
    if isinstance(entry, SourceDataLineage):
        return [LineageRow(str(entry.cert.ref), "Source Data", _version(entry.cert), None)]
    if isinstance(entry, CodeLineage):
        return [LineageRow(str(entry.cert.ref), "Code", _version(entry.cert), None)]
    return _imported_rows(entry)


def _imported_rows(entry: ImportedLineage) -> list[LineageRow]:
    steps = [e for e in entry.lineages if isinstance(e, StepLineage)]
    details = f"{steps[0].describe()}" if steps else f"{len(entry.lineages)} entries"
    inputs = [_source(cert) for cert in steps[0].inputs] if steps else None
    return [LineageRow(entry.resource_name, "Imported", details, inputs)]


def _source(cert: ResourceCert) -> str:
    return f"{cert.ref} ({_version(cert)})"


def _version(cert: ResourceCert) -> str:
    if isinstance(cert.certificate, HashCertificate):
        return f"Hash:{cert.certificate.hashval[:8]}"
    return f"Version:{cert.certificate.version}"
