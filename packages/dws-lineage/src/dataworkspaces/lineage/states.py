"""Whether what steps wrote is still what they would write: the marks of reports and graphs, and what a rerun asks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Literal, NamedTuple

from dataworkspaces.lineage.model import (
    CodeLineage,
    HashCertificate,
    ImportedLineage,
    LineageEntry,
    ResourceCert,
    SourceDataLineage,
    StepLineage,
    UnknownLineage,
)
from dataworkspaces.lineage.places import (
    NOTHING,
    Place,
    contradict,
    covering,
    imported_certificate,
    places,
    same_content,
)
from dataworkspaces.workspace.resource_ref import ResourceRef

__all__ = ["CURRENT", "CodeChanges", "Contents", "State", "States", "refs_to_compare"]

Contents = Mapping[ResourceRef, "str | None"]
"""What lies at a reference now; None, or no entry, where nobody can tell."""


class State(NamedTuple):
    """``reasons`` say in a few words each why a place is out of date or unknown."""

    kind: Literal["current", "out of date", "unknown"]
    reasons: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.kind}: {'; '.join(self.reasons)}" if self.reasons else self.kind

    def to_json(self) -> dict[str, object]:
        return {"state": self.kind, "reasons": list(self.reasons)}


CURRENT = State("current")
CodeChanges = Callable[[StepLineage, ResourceRef], "list[str] | None"]


def refs_to_compare(lineages: Mapping[str, list[LineageEntry]]) -> list[ResourceRef]:
    """The references whose present content :class:`States` asks for: those that were recorded with theirs."""
    found: dict[ResourceRef, None] = {}
    for entries in lineages.values():
        for entry in entries:
            if isinstance(entry, StepLineage):
                certs: tuple[ResourceCert, ...] = (*entry.inputs, *entry.code, *entry.outputs)
            elif isinstance(entry, (SourceDataLineage, CodeLineage)):
                certs = (entry.cert,)
            else:
                certs = ()
                if isinstance(entry, ImportedLineage) and entry.content is not None:
                    found[ResourceRef(entry.resource_name)] = None
            for cert in certs:
                if cert.certificate.content is not None:
                    found[cert.ref] = None
    return list(found)


class States:
    """The state of each place.

    :param lineages: the entries by resource.
    :param contents: what lies at the references of :func:`refs_to_compare`; empty for a snapshot's lineage.
    :param hashes: for a snapshot's lineage: the compare hash of each resource in it.
    :param code_changes: which files of a place with code have changed on which a step depends; None where nobody can
        tell, and the whole place counts.
    """

    def __init__(
        self,
        lineages: Mapping[str, list[LineageEntry]],
        contents: Contents,
        hashes: Mapping[str, str | None] | None = None,
        code_changes: CodeChanges | None = None,
    ) -> None:
        self._code_changes = code_changes
        self._contents = contents
        self._hashes = hashes or {}
        self._known = {name: places(name, entries) for name, entries in lineages.items()}
        self._imported = {
            name: places(entry.resource_name, entry.lineages)
            for name, entries in lineages.items()
            for entry in entries
            if isinstance(entry, ImportedLineage)
        }
        self._states: dict[ResourceRef, State] = {}

    def of(self, ref: ResourceRef) -> State:
        """The state of a place, or of the one that holds it; what nobody wrote is current."""
        place = covering(self._known.get(ref.name, {}), ref)
        return CURRENT if place is None else self._state(place)

    def all(self) -> dict[ResourceRef, State]:
        """The states of all places."""
        return {ref: self._state(place) for known in self._known.values() for ref, place in known.items()}

    def _state(self, wanted: Place) -> State:
        """Depth first, without recursion: a pipeline may be longer than Python's stack."""
        begun: set[ResourceRef] = set()
        pending = [wanted]
        while pending:
            place = pending[-1]
            ref = place.cert.ref
            if ref in self._states:
                pending.pop()
                continue
            behind = [] if ref in begun else [p for p in self._behind(place) if p.cert.ref not in self._states]
            begun.add(ref)
            behind = [p for p in behind if p.cert.ref not in begun]
            if behind:
                pending.extend(behind)
            else:
                self._states[ref] = self._judge(place)
                pending.pop()
        return self._states[wanted.cert.ref]

    def _behind(self, place: Place) -> Iterator[Place]:
        if isinstance(place.entry, StepLineage):
            for cert in place.entry.inputs:
                found = covering(self._known.get(cert.ref.name, {}), cert.ref)
                if found is not None:
                    yield found

    def _judge(self, place: Place) -> State:
        entry = place.entry
        if isinstance(entry, UnknownLineage):
            return State("unknown", (entry.cert.certificate.comment,))
        if isinstance(entry, (SourceDataLineage, CodeLineage)):
            return self._state_of_source(place.cert)
        if not isinstance(entry, StepLineage):
            return CURRENT
        own = {cert.ref for cert in entry.outputs}
        reasons = [reason for cert in entry.inputs if cert.ref not in own for reason in self._input_reasons(cert)]
        reasons += [reason for cert in entry.code for reason in self._code_reasons(entry, cert)]
        reasons += self._parameter_reasons(entry)
        if self._contents.get(place.cert.ref) == NOTHING:
            reasons.append("it is gone")
        elif self._differs(place.cert):
            reasons.append("its content is no longer what the step wrote")
        return State("out of date", tuple(dict.fromkeys(reasons))) if reasons else CURRENT

    def imported(self, entry: ImportedLineage) -> State:
        """Whether imported lineage is that of what lies in the resource now."""
        now = self._contents.get(ResourceRef(entry.resource_name))
        if same_content(now, entry.content) is False:
            return State("out of date", ("it is gone" if now == NOTHING else "it has changed since",))
        return CURRENT

    def _state_of_source(self, cert: ResourceCert) -> State:
        """Whether the version that was read is the one that lies there."""
        if self._contents.get(cert.ref) == NOTHING:
            return State("out of date", ("it is gone",))
        certificate, in_snapshot = cert.certificate, self._hashes.get(cert.ref.name)
        is_other = False
        if cert.ref.subpath is None and in_snapshot is not None and isinstance(certificate, HashCertificate):
            is_other = certificate.hashval != in_snapshot
        if is_other or self._differs(cert):
            return State("out of date", ("it has changed since",))
        return CURRENT

    def _input_reasons(self, cert: ResourceCert) -> Iterator[str]:
        place = covering(self._known.get(cert.ref.name, {}), cert.ref)
        if place is None:
            certificate = imported_certificate(self._imported.get(cert.ref.name, {}), cert.ref)
            if certificate is not None and contradict(certificate, cert.certificate):
                yield f"the imported {cert.ref} has another version"
            elif self._differs(cert):
                yield f"{cert.ref} has changed"
            return
        if isinstance(place.entry, UnknownLineage):
            yield f"{cert.ref} is unknown"
        elif isinstance(place.entry, SourceDataLineage) and self._is_unchanged(cert):
            return  # even if another step has read something else meanwhile
        elif contradict(place.cert.certificate, cert.certificate):
            if isinstance(place.entry, StepLineage):
                yield f"{cert.ref} now has another version, from step {place.entry.describe()}"
            else:
                yield f"{cert.ref} has changed"
        elif self._differs(cert):
            yield f"{cert.ref} has changed"
        elif self._states.get(place.cert.ref, CURRENT).kind != "current":
            yield f"{cert.ref} is {self._states[place.cert.ref].kind}"

    def _code_reasons(self, entry: StepLineage, cert: ResourceCert) -> Iterator[str]:
        if not self._differs(cert) and not self._is_other_version(cert):
            return
        changed = None if self._code_changes is None else self._code_changes(entry, cert.ref)
        for place in [str(cert.ref)] if changed is None else changed:
            yield f"its code in {place} has changed"

    def _is_other_version(self, cert: ResourceCert) -> bool:
        """Of code whose content nobody can tell, or that of a snapshot."""
        certificate = cert.certificate
        if self._hashes:
            now = self._hashes.get(cert.ref.name)
            return now is not None and isinstance(certificate, HashCertificate) and certificate.hashval != now
        if certificate.content is not None:
            return False
        place = covering(self._known.get(cert.ref.name, {}), cert.ref)
        is_source = place is not None and isinstance(place.entry, (CodeLineage, SourceDataLineage))
        return place is not None and is_source and contradict(place.cert.certificate, certificate)

    def _is_unchanged(self, cert: ResourceCert) -> bool:
        return same_content(self._contents.get(cert.ref), cert.certificate.content) is True

    def _differs(self, cert: ResourceCert) -> bool:
        return same_content(self._contents.get(cert.ref), cert.certificate.content) is False

    def _parameter_reasons(self, entry: StepLineage) -> Iterator[str]:
        """A later execution wrote another of the step's outputs with other parameters, and left this one."""
        for cert in entry.outputs:
            place = self._known.get(cert.ref.name, {}).get(cert.ref)
            later = None if place is None else place.entry
            if not isinstance(later, StepLineage) or later.step_name != entry.step_name or later is entry:
                continue
            if later.start_time.isoformat() > entry.start_time.isoformat():
                names = sorted({*entry.parameters, *later.parameters})
                changed = [n for n in names if entry.parameters.get(n) != later.parameters.get(n)]
                if changed:
                    yield f"step {entry.step_name} has since run with other parameters: {', '.join(changed)}"
