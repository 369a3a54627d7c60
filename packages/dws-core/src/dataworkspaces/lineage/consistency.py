"""A step must not depend on two versions of one thing."""

from __future__ import annotations

from collections.abc import Sequence

from dataworkspaces.errors import LineageError
from dataworkspaces.lineage.model import Certificate, HashCertificate, ResourceCert, StepLineage
from dataworkspaces.lineage.places import Place, contradict, covering, is_out_of_date, places
from dataworkspaces.lineage.store import LineageStore
from dataworkspaces.workspace.resource_ref import ResourceRef

Path = tuple[str, ...]


def check_one_version_of_each(store: LineageStore, step_name: str, sources: Sequence[ResourceCert]) -> None:
    """Walk the graph behind ``sources``; raise LineageError, with both ways through the graph, if it holds two
    versions of one reference. A hash and a placeholder cannot be compared, and are no contradiction. Code is left out:
    who edits the last script of a pipeline need not run the first one again.

    Behind one source alone there is nothing to contradict it: whoever wrote it was checked."""
    if len(sources) < 2:
        return
    known: dict[str, dict[ResourceRef, Place]] = {}
    seen: dict[ResourceRef, list[tuple[Certificate, Path]]] = {}
    pending: list[tuple[ResourceCert, Path]] = [(cert, (step_name,)) for cert in sources]
    visited: set[tuple[ResourceRef, Certificate]] = set()
    while pending:
        cert, path = pending.pop()
        here = (*path, str(cert.ref))
        for other, other_path in seen.get(cert.ref, []):
            if contradict(cert.certificate, other):
                ways = f"{_way(other, other_path)}, and {_way(cert.certificate, here)}"
                raise LineageError(
                    f"Step {step_name} would depend on two versions of {cert.ref}: {ways}",
                    hint="Run the steps in between again, so that they read the same version",
                )
        if (cert.ref, cert.certificate) in visited:
            continue
        visited.add((cert.ref, cert.certificate))
        seen.setdefault(cert.ref, []).append((cert.certificate, here))
        if cert.ref.name not in known:
            known[cert.ref.name] = places(cert.ref.name, store.entries(cert.ref.name))
        place = covering(known[cert.ref.name], cert.ref)
        if place is not None and isinstance(place.entry, StepLineage) and not is_out_of_date(place.entry, cert):
            pending.extend((source, (*here, f"step {place.entry.step_name}")) for source in place.entry.inputs)


def _way(certificate: Certificate, path: Path) -> str:
    return f"{_version(certificate)} by {' <- '.join(path)}"


def _version(certificate: Certificate) -> str:
    if isinstance(certificate, HashCertificate):
        return f"hash {certificate.hashval[:8]}"
    return f"version {certificate.version} ({certificate.comment})"
