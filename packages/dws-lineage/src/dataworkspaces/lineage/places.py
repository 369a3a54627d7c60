"""Places in resources: which entry says where each comes from, and how their versions compare."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from dataworkspaces.lineage.model import (
    Certificate,
    HashCertificate,
    ImportedLineage,
    LineageEntry,
    ResourceCert,
    StepLineage,
    UnknownLineage,
    entry_outputs,
)
from dataworkspaces.workspace.resource_ref import ResourceRef

__all__ = [
    "NOTHING",
    "Makers",
    "Place",
    "contains",
    "contradict",
    "covering",
    "group",
    "imported_certificate",
    "imported_place",
    "is_out_of_date",
    "overlap",
    "places",
    "refs_overlap",
    "same_content",
]


def contains(outer: str | None, inner: str | None) -> bool:
    """Whether the place ``outer`` is, or holds, the place ``inner`` of the same resource."""
    return outer is None or outer == inner or (inner is not None and inner.startswith(outer + "/"))


def overlap(one: str | None, other: str | None) -> bool:
    """Whether one of two places of the same resource holds the other."""
    return contains(one, other) or contains(other, one)


def refs_overlap(one: ResourceRef, other: ResourceRef) -> bool:
    """Whether one of two references holds the other."""
    return one.name == other.name and overlap(one.subpath, other.subpath)


class Place(NamedTuple):
    """A version of a place in a resource, and the entry that says where it came from."""

    cert: ResourceCert
    entry: LineageEntry


def places(resource_name: str, entries: Sequence[LineageEntry]) -> dict[ResourceRef, Place]:
    """The places of a resource of which something is known. Of two steps that wrote one place, the one that started
    later stands for it: release 1.6 lists a step once for each of its outputs, in any order."""
    found: dict[ResourceRef, Place] = {}
    for entry in sorted(entries, key=_order):
        for cert in entry_outputs(entry):
            if cert.ref.name == resource_name and not _is_newer(found.get(cert.ref), cert):
                found[cert.ref] = Place(cert, entry)
    return found


def _is_newer(known: Place | None, cert: ResourceCert) -> bool:
    """Versions tell which of two was written last; not who began last, nor a clock that was set back."""
    if known is None or known.cert.certificate.version is None or cert.certificate.version is None:
        return False
    return known.cert.certificate.version > cert.certificate.version


def covering(known: Mapping[ResourceRef, Place], ref: ResourceRef) -> Place | None:
    """The most specific place that is, or holds, a reference."""
    subpath = ref.subpath
    while subpath is not None:
        if (place := known.get(ResourceRef(ref.name, subpath))) is not None:
            return place
        subpath = subpath.rpartition("/")[0] or None
    return known.get(ResourceRef(ref.name))


def is_out_of_date(entry: LineageEntry, read: ResourceCert) -> bool:
    """Whether an entry says where another version came from than the one that was read."""
    if isinstance(entry, ImportedLineage):
        recorded = imported_certificate(places(entry.resource_name, entry.lineages), read.ref)
        if recorded is None and read.ref.subpath is None:
            return same_content(entry.content, read.certificate.content) is False
        return recorded is not None and contradict(recorded, read.certificate)
    mine = next((cert.certificate for cert in entry_outputs(entry) if cert.ref == read.ref), None)
    return mine is not None and contradict(mine, read.certificate)


def contradict(one: Certificate, other: Certificate) -> bool:
    """Whether two certificates of one place are two versions. The same content is one version, however often it was
    written; where it is unknown, hash and placeholder cannot be compared."""
    same = same_content(one.content, other.content)
    if same is not None:
        return not same
    if isinstance(one, HashCertificate) and isinstance(other, HashCertificate):
        return one.hashval != other.hashval
    if isinstance(one, HashCertificate) or isinstance(other, HashCertificate):
        return False
    return one.version != other.version


NOTHING = "nothing"
"""The content of a place at which nothing lies. It is never recorded: a step may read what is not there yet."""


def same_content(one: str | None, other: str | None) -> bool | None:
    """Whether two texts that stand for content say the same; None if they cannot be compared: one is missing, or they
    were not had in the same way (which is the part before a colon)."""
    if NOTHING in (one, other) and None not in (one, other):
        return one == other
    if one is None or other is None or one.rpartition(":")[0] != other.rpartition(":")[0]:
        return None
    return one == other


def group(refs: Iterable[ResourceRef]) -> dict[str, list[str | None]]:
    """The subpaths by resource, each once."""
    found: dict[str, dict[str | None, None]] = {}
    for ref in refs:
        found.setdefault(ref.name, {})[ref.subpath] = None
    return {name: list(subpaths) for name, subpaths in found.items()}


def _order(entry: LineageEntry) -> tuple[bool, str]:
    """What was read, steps by their start, what is unknown. Times with and without a zone are compared as texts."""
    start = entry.start_time.isoformat() if isinstance(entry, StepLineage) else ""
    return isinstance(entry, UnknownLineage), start


def imported_place(imported: Mapping[ResourceRef, Place], ref: ResourceRef) -> ResourceCert | None:
    """The place that is, or holds, a reference, and its version that the exporting workspace recorded, if it did.
    ``imported``: what it recorded of the resource, see :func:`places`.

    Who reads a part of a place has read that version of the place, as in one workspace."""
    place = covering(imported, ref)
    return place.cert if place is not None and isinstance(place.cert.certificate, HashCertificate) else None


def imported_certificate(imported: Mapping[ResourceRef, Place], ref: ResourceRef) -> HashCertificate | None:
    """The version of a reference that the exporting workspace recorded, if it did."""
    place = imported.get(ref)
    if place is not None and isinstance(place.cert.certificate, HashCertificate):
        return place.cert.certificate
    return None


class Makers:
    """The entries of a resource that say where its places came from, found without looking at all of them."""

    def __init__(self, resource_name: str, entries: Sequence[LineageEntry]) -> None:
        self._whole: list[int] = []
        self._above: dict[str, list[int]] = {}  # by a place, and by each place that holds it
        self._at: dict[str, list[int]] = {}
        self._entries = list(entries)
        self._all: list[int] = []
        for number, entry in enumerate(self._entries):
            if isinstance(entry, ImportedLineage):
                self._whole.append(number)
            subpaths = [cert.ref.subpath for cert in entry_outputs(entry) if cert.ref.name == resource_name]
            for subpath in subpaths:
                self._add(number, subpath)
            if subpaths or isinstance(entry, ImportedLineage):
                self._all.append(number)

    def _add(self, number: int, subpath: str | None) -> None:
        if subpath is None:
            self._whole.append(number)
            return
        self._at.setdefault(subpath, []).append(number)
        while subpath:
            self._above.setdefault(subpath, []).append(number)
            subpath = subpath.rpartition("/")[0]

    def of(self, ref: ResourceRef) -> list[LineageEntry]:
        if ref.subpath is None:
            return [self._entries[number] for number in self._all]
        found = {*self._whole, *self._above.get(ref.subpath, [])}
        above = ref.subpath.rpartition("/")[0]
        while above:
            found.update(self._at.get(above, []))
            above = above.rpartition("/")[0]
        return [self._entries[number] for number in sorted(found)]
