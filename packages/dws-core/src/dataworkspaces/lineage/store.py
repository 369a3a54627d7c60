"""Where lineage is kept: the current lineage of each resource, and that of each snapshot."""

from __future__ import annotations

import shutil
import tempfile
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from dataworkspaces.errors import ConfigurationError, LineageError
from dataworkspaces.lineage.model import (
    CodeLineage,
    ImportedLineage,
    LineageEntry,
    PlaceholderCertificate,
    ResourceCert,
    SourceDataLineage,
    entries_from_json,
    entry_outputs,
    entry_sources,
)
from dataworkspaces.workspace.atomic import read_json_object, to_json, write_bytes
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
        """A snapshot gave these hashes: put them in the place of current placeholders."""
        for name in hashes:
            self.update(name, lambda entries: [entry.resolved(hashes) for entry in entries])

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
            for cert in entry_sources(entry):
                if cert.ref.name not in read:
                    read[cert.ref.name] = self.entries(cert.ref.name, snapshot_hash)
                makers = [e for e in read[cert.ref.name] if covers(e, cert.ref)]
                complete = complete and bool(makers)
                pending.extend(makers)
        return {
            "resource_name": resource_name,
            "complete": complete and bool(found),
            "lineages": [entry.to_json() for entry in found],
        }

    def current_cert(self, ref: ResourceRef) -> ResourceCert | None:
        """The current version of a reference: of the most specific entry that covers it, or None."""
        best: tuple[int, ResourceCert] | None = None
        for entry in self.entries(ref.name):
            for cert in entry_outputs(entry):
                if cert.ref.name == ref.name and contains(cert.ref.subpath, ref.subpath):
                    depth = 0 if cert.ref.subpath is None else len(cert.ref.subpath)
                    if best is None or depth > best[0]:
                        best = (depth, cert)
        return None if best is None else best[1]

    def cert_to_read(self, ref: ResourceRef, *, is_code: bool, comment: str) -> ResourceCert:
        """The version of a reference that a step is about to read. What no step wrote since the last snapshot gets a
        placeholder, since it may have changed; the next snapshot gives it its hash."""
        make = CodeLineage if is_code else SourceDataLineage
        result: list[ResourceCert] = []

        def change(entries: Entries) -> Entries:
            kept = []
            for entry in entries:
                for cert in entry_outputs(entry):
                    if cert.ref.name == ref.name and contains(cert.ref.subpath, ref.subpath):
                        untouched = isinstance(entry, (SourceDataLineage, CodeLineage))
                        if not untouched or isinstance(cert.certificate, PlaceholderCertificate):
                            result.append(cert)
                    # Entries below the reference stay: they say more than one for the whole does.
                replaced = isinstance(entry, (SourceDataLineage, CodeLineage)) and entry.cert.ref == ref
                if not replaced or result:
                    kept.append(entry)
            if any(isinstance(entry, ImportedLineage) for entry in kept):
                result.append(ResourceCert(ref, PlaceholderCertificate(1, comment)))
            if result:
                return kept
            result.append(ResourceCert(ref, PlaceholderCertificate(1, comment)))
            return [*kept, make(result[0])]

        self.update(ref.name, change)
        return max(result, key=lambda cert: len(cert.ref.subpath or ""))


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
        return entries_from_json(read_json_object(path), str(path))

    def update(self, resource_name: str, change: Callable[[Entries], Entries]) -> None:
        with self._lock():
            old = self.entries(resource_name)
            new = change(old)
            if new != old or not (self._current / _file_name(resource_name)).exists():
                write_bytes(self._current / _file_name(resource_name), _content(resource_name, new))

    def snapshot(self, hashval: str, resource_names: Sequence[str], hashes: Mapping[str, str | None]) -> None:
        # Written beside and renamed, so that a snapshot's lineage is there whole or not at all.
        target = self._of_snapshot(hashval)
        self._snapshots.mkdir(parents=True, exist_ok=True)
        temporary = Path(tempfile.mkdtemp(prefix=".new-", suffix=".tmp", dir=self._snapshots))
        try:
            for name in resource_names:
                resolved: Entries = [entry.resolved(hashes) for entry in self.entries(name)]
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
        shutil.rmtree(self._of_snapshot(hashval), ignore_errors=True)

    def _of_snapshot(self, hashval: str) -> Path:
        if not hashval.isalnum():
            raise ConfigurationError(f"'{hashval}' is no snapshot hash")
        return self._snapshots / hashval

    @contextmanager
    def _lock(self) -> Iterator[None]:
        from filelock import SoftFileLock, Timeout

        try:
            self._lock_path.parent.mkdir(parents=True, exist_ok=True)
            lock = SoftFileLock(self._lock_path, timeout=_LOCK_SECONDS)
            lock.acquire(poll_interval=0.01)
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


def contains(outer: str | None, inner: str | None) -> bool:
    """Whether the place ``outer`` is, or holds, the place ``inner`` of the same resource."""
    return outer is None or outer == inner or (inner is not None and inner.startswith(outer + "/"))


def overlap(one: str | None, other: str | None) -> bool:
    """Whether one of two places of the same resource holds the other."""
    return contains(one, other) or contains(other, one)


def covers(entry: LineageEntry, ref: ResourceRef) -> bool:
    """Whether an entry says where a reference came from."""
    if isinstance(entry, ImportedLineage):
        return entry.resource_name == ref.name
    return any(cert.ref.name == ref.name and overlap(cert.ref.subpath, ref.subpath) for cert in entry_outputs(entry))


def _file_name(resource_name: str) -> str:
    check_resource_name(resource_name)
    return f"{resource_name}.json"


def _content(resource_name: str, entries: Entries) -> bytes:
    data = {"resource_name": resource_name, "lineages": [entry.to_json() for entry in entries]}
    return to_json(data).encode("utf-8")
