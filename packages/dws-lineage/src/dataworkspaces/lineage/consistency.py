"""A step must not depend on two versions of one thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from dataworkspaces.errors import LineageError
from dataworkspaces.lineage.model import Certificate, HashCertificate, ResourceCert, StepLineage
from dataworkspaces.lineage.places import Place, contradict, covering, is_out_of_date, places
from dataworkspaces.lineage.store import LineageStore
from dataworkspaces.workspace.resource_ref import ResourceRef

__all__ = ["check_one_version_of_each"]


def check_one_version_of_each(store: LineageStore, step_name: str, sources: Sequence[ResourceCert]) -> None:
    """Walk the graph behind ``sources``; raise LineageError, with both ways through the graph, if it holds two
    versions of one reference. A hash and a placeholder cannot be compared, and are no contradiction. Code is left out:
    who edits the last script of a pipeline need not run the first one again.

    Behind one source alone there is nothing to contradict it: whoever wrote it was checked."""
    if len(sources) < 2:
        return
    known: dict[str, dict[ResourceRef, Place]] = {}
    seen: dict[ResourceRef, list[_Found]] = {}
    pending = [_Found(cert, step_name, None) for cert in sources]
    visited: set[tuple[ResourceRef, Certificate]] = set()
    while pending:
        found = pending.pop()
        ref, certificate = found.cert.ref, found.cert.certificate
        for other in seen.get(ref, []):
            if contradict(certificate, other.cert.certificate):
                raise LineageError(
                    f"Step {step_name} would depend on two versions of {ref}: {other}, and {found}",
                    hint="Run the steps in between again, so that they all read the same version",
                )
        if (ref, certificate) in visited:
            continue
        visited.add((ref, certificate))
        seen.setdefault(ref, []).append(found)
        if ref.name not in known:
            known[ref.name] = places(ref.name, store.entries(ref.name))
        place = covering(known[ref.name], ref)
        if place is not None and isinstance(place.entry, StepLineage) and not is_out_of_date(place.entry, found.cert):
            reader = place.entry.step_name
            pending.extend(_Found(source, reader, found) for source in place.entry.inputs)


class _Found(NamedTuple):
    """A version, the step that read it, and for what that step was run (None: for nothing else)."""

    cert: ResourceCert
    reader: str
    behind: _Found | None

    def __str__(self) -> str:
        """The way through the graph, from the step that asks."""
        parts: list[str] = []
        found: _Found | None = self
        while found is not None:
            step = found.reader if found.behind is None else f"step {found.reader}"
            parts += [str(found.cert.ref), step]
            found = found.behind
        return f"{_version(self.cert.certificate)} by {' <- '.join(reversed(parts))}"


def _version(certificate: Certificate) -> str:
    if isinstance(certificate, HashCertificate):
        return f"hash {certificate.hashval[:8]}"
    return f"version {certificate.version} ({certificate.comment})"
