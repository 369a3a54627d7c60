"""Where lineage is kept: the current lineage of each resource, and that of each snapshot."""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, LineageError, MetadataError
from dataworkspaces.lineage.model import (
    CodeLineage,
    HashCertificate,
    ImportedLineage,
    LineageEntry,
    PlaceholderCertificate,
    Resolve,
    ResourceCert,
    SourceDataLineage,
    UnknownLineage,
    entries_to_json,
    entry_outputs,
    entry_sources,
)
from dataworkspaces.lineage.places import Place, covering, covers, imported_certificate, is_out_of_date, places
from dataworkspaces.lineage.reading import entries_from_json
from dataworkspaces.workspace.atomic import explain_os_error, read_json_object, to_json, write_bytes
from dataworkspaces.workspace.locking import acquire
from dataworkspaces.workspace.names import check_resource_name
from dataworkspaces.workspace.resource_ref import ResourceRef

Entries = list[LineageEntry]


class LineageStore(ABC):
    """The contract: what a backend keeps. Each method is atomic for each resource and may be called twice.

    A resource of which nothing is known has an empty list of entries."""

    @abstractmethod
    def entries(self, resource_name: str, snapshot_hash: str | None = None) -> Entries:
        """The entries of a resource: current, or of a snapshot."""

    @abstractmethod
    def update(self, resource_name: str, change: Callable[[Entries], Entries]) -> None:
        """Replace the current entries of a resource by what ``change`` makes of them. Nobody else's update comes in
        between; the cost does not depend on other resources."""

    @abstractmethod
    def snapshot(self, hashval: str, resource_names: Sequence[str], hashes: Mapping[str, str | None]) -> None:
        """Keep the current lineage of the resources for a snapshot, with hashes for placeholders. Current lineage stays
        as it is."""

    @abstractmethod
    def restore(self, snapshot_hash: str, resource_names: Sequence[str]) -> None:
        """Make the lineage that a snapshot keeps of the resources their current one."""

    @abstractmethod
    def delete_snapshot(self, hashval: str) -> None:
        """Forget the lineage of a snapshot."""

    # -- what follows from these ---------------------------------------------------------------------------------

    def resolve_current(self, hashes: Mapping[str, str | None]) -> None:
        """A snapshot gave these hashes: put them in the place of the placeholders of present content.

        After a crash a second call completes it: a hash in current lineage keeps its placeholder's version."""
        resolve = self.resolver(hashes)
        for name in hashes:
            self.update(name, lambda entries: [entry.resolved(resolve) for entry in entries])

    def resolver(self, hashes: Mapping[str, str | None]) -> Resolve:
        """Resolves placeholders of present content. One of an older version stays: no snapshot holds that content, and
        the hash of the newer one would be wrong for it."""
        present: dict[str, dict[ResourceRef, Place]] = {}

        def resolve(cert: ResourceCert) -> ResourceCert:
            if isinstance(cert.certificate, HashCertificate):
                return cert
            if cert.ref.name not in present:
                present[cert.ref.name] = places(cert.ref.name, self.entries(cert.ref.name))
            place = covering(present[cert.ref.name], cert.ref)
            if place is None:
                # Imported data: its version is that of the whole, and nothing here writes it.
                imported = any(isinstance(e, ImportedLineage) for e in self.entries(cert.ref.name))
                hashval = hashes.get(cert.ref.name) if imported else None
            elif isinstance(place.entry, UnknownLineage) or place.cert.certificate.version != cert.certificate.version:
                return cert
            elif isinstance(place.cert.certificate, HashCertificate):
                hashval = place.cert.certificate.hashval
            else:
                hashval = hashes.get(cert.ref.name)
            if hashval is None:
                return cert
            return ResourceCert(cert.ref, HashCertificate(hashval, cert.certificate.comment, cert.certificate.version))

        return resolve

    def store_imported(self, resource_name: str, data: dict[str, Any]) -> None:
        """Take over the ``lineage.json`` of a resource that another workspace exported."""
        entries = entries_from_json(data, f"lineage.json of resource '{resource_name}'")
        if data.get("resource_name") != resource_name:
            raise ConfigurationError(
                f"The imported lineage is that of a resource '{data.get('resource_name')}', not '{resource_name}'",
                hint=f"Give the resource the name '{data.get('resource_name')}', which it has where it is exported",
            )
        self.update(resource_name, lambda _old: [ImportedLineage(resource_name, tuple(entries))])

    def lineage_file(self, resource_name: str, snapshot_hash: str | None = None) -> dict[str, Any]:
        """What ``lineage.json`` of a resource holds: the whole graph behind it. ``complete`` says whether each version
        in it is known by its hash, and by an entry that says where it came from."""
        found: list[LineageEntry] = []
        complete = True
        pending = list(self.entries(resource_name, snapshot_hash))
        seen: set[str] = set()
        read: dict[str, Entries] = {resource_name: list(pending)}
        while pending:
            entry = pending.pop(0)
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
                    read[cert.ref.name] = self.entries(cert.ref.name, snapshot_hash)
                makers = [e for e in read[cert.ref.name] if covers(e, cert.ref) and not is_out_of_date(e, cert)]
                complete = complete and bool(makers)
                pending.extend(makers)
        return {
            "resource_name": resource_name,
            "complete": complete and bool(found),
            "lineages": [entry.to_json() for entry in found if not isinstance(entry, UnknownLineage)],
        }

    def current_cert(self, ref: ResourceRef) -> ResourceCert | None:
        """The current version of a reference: of the most specific entry that covers it, or None."""
        place = covering(places(ref.name, self.entries(ref.name)), ref)
        return None if place is None else place.cert

    def cert_to_read(self, ref: ResourceRef, *, is_code: bool, comment: str) -> ResourceCert:
        """The version of a reference that a step is about to read. What no step wrote since the last snapshot gets a
        placeholder, since it may have changed; the next snapshot gives it its hash."""
        make = CodeLineage if is_code else SourceDataLineage
        result: list[ResourceCert] = []

        def change(entries: Entries) -> Entries:
            place = covering(places(ref.name, entries), ref)
            if place is None:
                imported = next((e for e in entries if isinstance(e, ImportedLineage)), None)
                if imported is not None:
                    result.append(
                        ResourceCert(ref, imported_certificate(imported, ref) or PlaceholderCertificate(1, comment))
                    )
                    return entries
                result.append(ResourceCert(ref, PlaceholderCertificate(1, comment)))
                return [*entries, make(result[0])]
            is_source = isinstance(place.entry, (SourceDataLineage, CodeLineage))
            if not is_source or isinstance(place.cert.certificate, PlaceholderCertificate):
                result.append(place.cert)
                return entries
            version = (place.cert.certificate.version or 0) + 1
            result.append(ResourceCert(place.cert.ref, PlaceholderCertificate(version, comment)))
            return [make(result[0]) if entry is place.entry else entry for entry in entries]

        self.update(ref.name, change)
        return result[0]


class FileLineageStore(LineageStore):
    """``CURRENT/RESOURCE.json`` and ``SNAPSHOTS/HASH/RESOURCE.json``.

    :param lock_path: a file that serialises the steps that finish at the same time."""

    def __init__(self, current: Path, snapshots: Path, lock_path: Path) -> None:
        self._current = current
        self._snapshots = snapshots
        self._lock_path = lock_path

    def entries(self, resource_name: str, snapshot_hash: str | None = None) -> Entries:
        directory = self._current if snapshot_hash is None else self._of_snapshot(snapshot_hash)
        path = directory / _file_name(resource_name)
        if not path.exists():
            return []
        data = read_json_object(path, "resource_name")
        if data["resource_name"] != resource_name:
            raise MetadataError(f"{path} holds the lineage of another resource, {data['resource_name']!r}")
        return entries_from_json(data, str(path))

    def update(self, resource_name: str, change: Callable[[Entries], Entries]) -> None:
        with self._lock():
            old = self.entries(resource_name)
            new = change(old)
            if new != old or not (self._current / _file_name(resource_name)).exists():
                try:
                    write_bytes(self._current / _file_name(resource_name), _content(resource_name, new))
                except OSError as e:
                    raise explain_os_error(e, f"Writing the lineage of resource '{resource_name}'") from e

    def snapshot(self, hashval: str, resource_names: Sequence[str], hashes: Mapping[str, str | None]) -> None:
        # Written beside and renamed, so that a snapshot's lineage is there whole or not at all.
        target = self._of_snapshot(hashval)
        self._snapshots.mkdir(parents=True, exist_ok=True)
        find = self.resolver(hashes)

        def resolve(cert: ResourceCert) -> ResourceCert:
            found = find(cert)
            if isinstance(found.certificate, HashCertificate):
                return replace(found, certificate=replace(found.certificate, version=None))
            return found

        temporary = Path(tempfile.mkdtemp(prefix=".new-", suffix=".tmp", dir=self._snapshots))
        try:
            for name in resource_names:
                resolved: Entries = [entry.resolved(resolve) for entry in self.entries(name)]
                (temporary / _file_name(name)).write_bytes(_content(name, resolved))
            temporary.chmod(0o755)
            if target.exists():
                shutil.rmtree(target)
            temporary.rename(target)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def restore(self, snapshot_hash: str, resource_names: Sequence[str]) -> None:
        for name in resource_names:
            kept = self.entries(name, snapshot_hash)
            self.update(name, lambda _old, kept=kept: kept)  # type: ignore[misc]

    def delete_snapshot(self, hashval: str) -> None:
        try:
            shutil.rmtree(self._of_snapshot(hashval))
        except FileNotFoundError:
            return
        except OSError as e:
            raise explain_os_error(e, f"Deleting the lineage of snapshot {hashval}") from e

    def _of_snapshot(self, hashval: str) -> Path:
        if not hashval.isalnum():
            raise ConfigurationError(f"'{hashval}' is no snapshot hash")
        return self._snapshots / hashval

    @contextmanager
    def _lock(self) -> Iterator[None]:
        from filelock import Timeout

        try:
            self._lock_path.parent.mkdir(parents=True, exist_ok=True)
            lock = acquire(self._lock_path, _LOCK_SECONDS)
        except Timeout:
            raise LineageError(
                f"Another process has been writing lineage for {_LOCK_SECONDS:.0f} s ({self._lock_path})",
                hint="If no step is running, remove that file",
            ) from None
        except OSError as e:
            raise ConfigurationError(f"Lineage cannot be written: {self._lock_path}: {e.strerror or e}") from e
        try:
            yield
        finally:
            lock.release()


_LOCK_SECONDS = 30.0


def _file_name(resource_name: str) -> str:
    check_resource_name(resource_name)
    return f"{resource_name}.json"


def _content(resource_name: str, entries: Entries) -> bytes:
    return to_json({"resource_name": resource_name, **entries_to_json(entries)}).encode("utf-8")
