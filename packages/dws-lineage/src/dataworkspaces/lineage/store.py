"""Where lineage is kept: the current lineage of each resource, and that of each snapshot."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from dataworkspaces.errors import ConfigurationError, LineageError
from dataworkspaces.lineage.from_json import entries_from_json
from dataworkspaces.lineage.model import (
    CodeLineage,
    HashCertificate,
    ImportedLineage,
    LineageEntry,
    PlaceholderCertificate,
    Resolve,
    ResourceCert,
    SourceDataLineage,
    StepLineage,
    UnknownLineage,
    entries_to_json,
    entry_outputs,
    entry_sources,
)
from dataworkspaces.lineage.places import (
    Makers,
    Place,
    contains,
    covering,
    imported_place,
    is_out_of_date,
    overlap,
    places,
    same_content,
)
from dataworkspaces.lineage.renamed_lineage import rename_entries
from dataworkspaces.toolbox.atomic import to_json
from dataworkspaces.workspace.resource_ref import ResourceRef

__all__ = ["NO_CONTENTS", "Contents", "Entries", "LineageStore", "ResourceLineage", "unknown", "without"]

Entries = list[LineageEntry]
Contents = Mapping[ResourceRef, "str | None"]
"""What lies at references; None, or no entry, where nobody can tell."""
FORMER_NAMES = "former_names"
"""The key of an exported ``lineage.json`` under which workspaces that import the resource may know it."""
NO_CONTENTS: Contents = MappingProxyType({})


class ResourceLineage(NamedTuple):
    """The current entries of a resource, and the highest version that it has had; a new one is greater."""

    entries: Entries
    last_version: int = 0


class LineageStore(ABC):
    """The contract: what a backend keeps. Each method is atomic for each resource and may be called twice.

    A resource of which nothing is known has an empty list of entries."""

    @abstractmethod
    def entries(self, resource_name: str, snapshot_hash: str | None = None) -> Entries:
        """The entries of a resource: current, or of a snapshot.

        Raises MetadataError for what is damaged, UnavailableError for what cannot be read now."""

    @abstractmethod
    def update_all(
        self,
        resource_names: Sequence[str],
        change: Callable[[Mapping[str, ResourceLineage]], Mapping[str, Entries]],
    ) -> None:
        """Replace the current entries of resources by what ``change`` makes of them; those that it leaves out stay.

        Nobody else's update comes in between. If the process is killed, some resources may have the new entries and
        others the old ones. The cost does not depend on other resources.

        Raises StorageError if there is no room, UnavailableError if it cannot be reached."""

    @abstractmethod
    def snapshot(
        self,
        hashval: str,
        resource_names: Sequence[str],
        hashes: Mapping[str, str | None],
        contents: Contents = NO_CONTENTS,
    ) -> None:
        """Keep the current lineage of the resources for a snapshot, with hashes for placeholders (see
        :meth:`resolver`). Current lineage stays as it is.

        Raises what :meth:`update_all` does."""

    @abstractmethod
    def restore(self, snapshot_hash: str, resource_names: Sequence[str]) -> None:
        """Make the lineage that a snapshot keeps of the resources their current one.

        Raises what :meth:`update_all` does."""

    @abstractmethod
    def delete_snapshot(self, hashval: str) -> None:
        """Forget the lineage of a snapshot.

        Raises what :meth:`update_all` does. Idempotent."""

    def kept_document(self, hashval: str, resource_name: str) -> dict[str, Any]:
        """What :meth:`bring_back_snapshot` needs of a resource, as JSON."""
        return entries_to_json(self.entries(resource_name, hashval))

    def bring_back_snapshot(self, hashval: str, entries: Mapping[str, Entries]) -> None:
        """Undo :meth:`delete_snapshot`: ``entries`` are what there was, by resource. A store that cannot do that keeps
        a snapshot without lineage."""

    @abstractmethod
    def begin_writing(self, refs: Sequence[ResourceRef], step: StepLineage) -> Callable[[], None]:
        """A step of this process is about to write to places. If the process is gone before it calls what is returned,
        their lineage is unknown from then on.

        Raises StorageError if there is no room for that."""

    # -- what follows from these ---------------------------------------------------------------------------------

    def update(self, resource_name: str, change: Callable[[Entries], Entries]) -> None:
        """:meth:`update_all` of one resource."""
        self.update_all([resource_name], lambda old: {resource_name: change(old[resource_name].entries)})

    def current_documents(self, resource_names: Iterable[str]) -> dict[str, Any]:
        """The current lineage of resources, as :meth:`bring_back_current` takes it."""
        return {name: entries_to_json(self.entries(name)) for name in resource_names}

    def bring_back_current(self, documents: Mapping[str, Any]) -> None:
        """Undo what has become of current lineage since. Idempotent."""
        from dataworkspaces.lineage.from_json import entries_from_json

        for name, document in documents.items():
            entries = entries_from_json(document, f"The lineage of '{name}' before a restore")
            self.update(name, lambda _old, entries=entries: entries)  # type: ignore[misc]

    def forget_sources(self, certs: Collection[ResourceCert]) -> None:
        """These versions of source data are none that anything has read."""
        for name in {cert.ref.name for cert in certs}:
            self.update(
                name, lambda entries: [e for e in entries if not (isinstance(e, SourceDataLineage) and e.cert in certs)]
            )

    def resolve_current(self, hashes: Mapping[str, str | None], contents: Contents = NO_CONTENTS) -> None:
        """A snapshot gave these hashes: put them in the place of the placeholders of present content.

        After a crash a second call completes it: a hash in current lineage keeps its placeholder's version."""
        resolve = self.resolver(hashes, contents)
        for name in hashes:
            self.update(name, lambda entries: [entry.resolved(resolve) for entry in entries])

    def rename_resource(self, old: str, new: str, resource_names: Iterable[str]) -> None:
        """A resource has another name: in its own current entries, and in those of ``resource_names``. Idempotent."""

        def renamed(cert: ResourceCert) -> ResourceCert:
            return ResourceCert(ResourceRef(new, cert.ref.subpath), cert.certificate) if cert.ref.name == old else cert

        def move(before: Mapping[str, ResourceLineage]) -> dict[str, Entries]:
            own = before[old].entries or before[new].entries
            return {new: [entry.resolved(renamed) for entry in own], old: []}

        for name in {*resource_names} - {old, new}:
            self.update(name, lambda entries: [entry.resolved(renamed) for entry in entries])
        self.update_all([old, new], move)

    def written_places(self, resource_name: str) -> set[str]:
        """The places in a resource that steps wrote, or were writing when they failed; not the whole of it."""
        return {
            cert.ref.subpath
            for entry in self.entries(resource_name)
            if isinstance(entry, (StepLineage, UnknownLineage))
            for cert in entry_outputs(entry)
            if cert.ref.name == resource_name and cert.ref.subpath is not None
        }

    def refs_with_content(self, resource_names: Iterable[str]) -> list[ResourceRef]:
        """The references of which the current lineage says what lay there, and that have no hash yet."""
        found: dict[ResourceRef, None] = {}
        for name in resource_names:
            for entry in self.entries(name):
                for cert in (*entry_outputs(entry), *entry_sources(entry)):
                    if isinstance(cert.certificate, PlaceholderCertificate) and cert.certificate.content is not None:
                        found[cert.ref] = None
        return list(found)

    def resolver(self, hashes: Mapping[str, str | None], contents: Contents = NO_CONTENTS) -> Resolve:
        """Resolves placeholders of present content; ``contents`` says what the versions hold at references.

        Content that the snapshot does not hold must not get its hash: it gets its own, where that is one. Where
        nobody knows the content, the placeholder's version tells whether it is the present one; if it is not, it
        stays."""
        present: dict[str, dict[ResourceRef, Place]] = {}

        def hash_of(cert: ResourceCert) -> str | None:
            then = cert.certificate.content
            same = same_content(then, contents.get(cert.ref))
            own = None if then is None or then.startswith("size-and-time:") else then.rpartition(":")[2]
            if same:  # of a part of the resource its own hash, which changes with nothing else
                return hashes.get(cert.ref.name) if cert.ref.subpath is None else own or hashes.get(cert.ref.name)
            if same is False:
                return own
            if cert.ref.name not in present:
                present[cert.ref.name] = places(cert.ref.name, self.entries(cert.ref.name))
            place = covering(present[cert.ref.name], cert.ref)
            if place is None:
                # Imported data: its version is that of the whole, and nothing here writes it.
                imported = any(isinstance(e, ImportedLineage) for e in self.entries(cert.ref.name))
                return hashes.get(cert.ref.name) if imported else None
            if isinstance(place.entry, UnknownLineage) or place.cert.certificate.version != cert.certificate.version:
                return None
            if isinstance(place.cert.certificate, HashCertificate):
                return place.cert.certificate.hashval
            return hashes.get(cert.ref.name)

        def resolve(cert: ResourceCert) -> ResourceCert:
            if isinstance(cert.certificate, HashCertificate):
                return cert
            hashval = hash_of(cert)
            if hashval is None:
                return cert
            old = cert.certificate
            return ResourceCert(cert.ref, HashCertificate(hashval, old.comment, old.version, old.content))

        return resolve

    def store_imported(self, resource_name: str, data: dict[str, Any], content: str | None = None) -> None:
        """Take over the ``lineage.json`` of a resource that another workspace exported; ``content`` lies there."""
        entries = entries_from_json(data, f"lineage.json of resource '{resource_name}'")
        told = data.get("resource_name")
        if not self.is_name_of(resource_name, told):
            former = data.get(FORMER_NAMES)
            if not any(self.is_name_of(resource_name, name) for name in (former if isinstance(former, list) else ())):
                raise ConfigurationError(
                    f"The imported lineage belongs to a resource '{told}', not '{resource_name}'",
                    hint=f"Give the resource the name that it has in the exporting workspace: '{told}'",
                )
            # It has been renamed there since it was added here.
            entries = rename_entries(entries, lambda name: resource_name if name == told else name)
        self.update(resource_name, lambda _old: [ImportedLineage(resource_name, tuple(entries), content)])

    def is_name_of(self, resource_name: str, name: object) -> bool:
        """Whether a resource is called ``name``, too: it may have been renamed here."""
        return name == resource_name

    def lineage_file(self, resource_name: str, snapshot_hash: str | None = None) -> dict[str, Any]:
        """What ``lineage.json`` of a resource holds: the whole graph behind it. ``complete`` says whether each version
        in it is known by its hash, and by an entry that says where it came from."""
        found: list[LineageEntry] = []
        complete = True
        pending = list(self.entries(resource_name, snapshot_hash))
        seen: set[str] = set()
        read: dict[str, Makers] = {resource_name: Makers(resource_name, pending)}
        pending.reverse()
        pending_next: Entries = []
        while pending or pending_next:
            if not pending:
                pending, pending_next = pending_next[::-1], []
            entry = pending.pop()
            key = to_json(entry.to_json())
            if key in seen:
                continue
            seen.add(key)
            found.append(entry)
            for cert in (*entry_outputs(entry), *entry_sources(entry)):
                complete = complete and not isinstance(cert.certificate, PlaceholderCertificate)
            complete = complete and not isinstance(entry, UnknownLineage)
            for cert in entry_sources(entry):
                if cert.ref.name not in read:
                    read[cert.ref.name] = Makers(cert.ref.name, self.entries(cert.ref.name, snapshot_hash))
                makers = [e for e in read[cert.ref.name].of(cert.ref) if not is_out_of_date(e, cert)]
                complete = complete and bool(makers)
                pending_next.extend(makers)
        return {
            "resource_name": resource_name,
            "complete": complete and bool(found),
            "lineages": [entry.to_json() for entry in found if not isinstance(entry, UnknownLineage)],
        }

    def current_cert(self, ref: ResourceRef) -> ResourceCert | None:
        """The current version of a reference: of the most specific entry that covers it, or None."""
        place = covering(places(ref.name, self.entries(ref.name)), ref)
        return None if place is None else place.cert

    def certs_to_read(
        self, inputs: Sequence[ResourceRef], code: Sequence[ResourceRef], contents: Contents, comment: str
    ) -> dict[ResourceRef, ResourceCert]:
        """The versions of references that a step is about to read or run, ``contents`` being what lies there.

        Source data and code whose content is not that of the version that is known get a new one: a placeholder, to
        which the next snapshot gives a hash. Raises LineageError for a reference that holds what steps wrote to
        places inside it."""
        found: dict[ResourceRef, ResourceCert] = {}

        def change(old: Mapping[str, ResourceLineage]) -> dict[str, Entries]:
            new = {name: lineage.entries for name, lineage in old.items()}
            replaced: dict[ResourceRef, LineageEntry] = {}
            last = {name: lineage.last_version for name, lineage in old.items()}
            known = {name: places(name, entries) for name, entries in new.items()}
            for ref in dict.fromkeys((*inputs, *code)):
                is_code = ref not in inputs
                content = contents.get(ref)
                place = covering(known[ref.name], ref)
                if not is_code and (place is None or _is_source(place.entry)):
                    _check_no_part_was_written(known[ref.name], ref, comment)
                imported = next((e for e in old[ref.name].entries if isinstance(e, ImportedLineage)), None)
                cert = _known_cert(place, imported, ref, content, comment)
                if cert is not None and not _is_learnt(place, cert, content):
                    found[ref] = cert
                    continue
                if cert is None:
                    last[ref.name] += 1
                version = last[ref.name] if cert is None else cert.certificate.version or 0
                cert = ResourceCert(ref, PlaceholderCertificate(version, comment, content=content))
                source = CodeLineage(cert) if is_code else SourceDataLineage(cert)
                known[ref.name][ref] = Place(cert, source)
                replaced[ref] = source
                found[ref] = cert
            return {name: _with_sources(entries, replaced, name) for name, entries in new.items()}

        self.update_all(list(dict.fromkeys(ref.name for ref in (*inputs, *code))), change)
        return found


def _known_cert(
    place: Place | None, imported: ImportedLineage | None, ref: ResourceRef, content: str | None, comment: str
) -> ResourceCert | None:
    """The version of a reference that lies at ``place``, if it is one that is known."""
    if place is not None and not _is_source(place.entry):
        return place.cert
    if place is None or place.cert.ref != ref:
        if imported is None:
            return None
        recorded = imported_place(places(imported.resource_name, imported.lineages), ref)
        return recorded or ResourceCert(ref, PlaceholderCertificate(1, comment, content=content))
    same = same_content(place.cert.certificate.content, content)
    is_present = isinstance(place.cert.certificate, PlaceholderCertificate) if same is None else same
    return place.cert if is_present else None


def _is_learnt(place: Place | None, cert: ResourceCert, content: str | None) -> bool:
    """Whether the content of a version of source data or code is known only now."""
    if content is None or cert.certificate.content is not None or isinstance(cert.certificate, HashCertificate):
        return False
    return place is not None and place.cert.ref == cert.ref and _is_source(place.entry)


def _with_sources(entries: Entries, sources: Mapping[ResourceRef, LineageEntry], name: str) -> Entries:
    """The entries of a resource, with those of source data and code replaced or added."""
    kept = [e for e in entries if not (isinstance(e, (SourceDataLineage, CodeLineage)) and e.cert.ref in sources)]
    return [*kept, *(source for ref, source in sources.items() if ref.name == name)]


def _is_source(entry: LineageEntry) -> bool:
    return isinstance(entry, (SourceDataLineage, CodeLineage))


def _check_no_part_was_written(known: Mapping[ResourceRef, Place], ref: ResourceRef, comment: str) -> None:
    for part, place in known.items():
        if isinstance(place.entry, StepLineage) and part != ref and contains(ref.subpath, part.subpath):
            raise LineageError(
                f"{comment} would read {ref}, which overlaps with {part}, the output of step {place.entry.describe()}",
                hint=f"Name the parts that it reads, such as {part}",
            )


def unknown(
    lineage: ResourceLineage, resource_name: str, refs: Sequence[ResourceRef], comment: str, step: StepLineage | None
) -> Entries:
    """The entries of a resource once nothing is known any more of the places that ``refs`` name in it: ``step`` was
    writing them when it failed."""
    mine = [ref for ref in refs if ref.name == resource_name]
    certificate = PlaceholderCertificate(lineage.last_version + 1, comment, is_output=True)
    return [
        *without(lineage.entries, mine),
        *(UnknownLineage(ResourceCert(ref, certificate), step) for ref in mine),
    ]


def without(entries: Entries, refs: Sequence[ResourceRef]) -> Entries:
    """The entries that say something of other places than the references, all of which are of one resource."""

    def is_rewritten(entry: LineageEntry) -> bool:
        mine = [cert.ref for cert in entry_outputs(entry) if cert.ref.name == refs[0].name]
        # What is left of an unknown place, of which a part was written, is as unknown as before.
        gone = contains if isinstance(entry, UnknownLineage) else overlap
        return bool(mine) and all(any(gone(ref.subpath, own.subpath) for ref in refs) for own in mine)

    return [entry for entry in entries if not is_rewritten(entry)]
