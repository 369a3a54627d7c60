"""Lineage in files below the workspace's metadata."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from dataworkspaces.errors import LineageError, MetadataError, kind_of_os_error
from dataworkspaces.lineage.from_json import entries_from_json
from dataworkspaces.lineage.kept_lineage import KeptInFiles, KeptLineage, file_name
from dataworkspaces.lineage.model import (
    HashCertificate,
    ResourceCert,
    StepLineage,
    entries_to_json,
    entry_outputs,
)
from dataworkspaces.lineage.renamed_lineage import rename_entries
from dataworkspaces.lineage.steps_in_progress import InterruptedStep, Writing
from dataworkspaces.lineage.store import NO_CONTENTS, Contents, Entries, LineageStore, ResourceLineage, unknown
from dataworkspaces.toolbox.atomic import explain_os_error, read_json_object_if_any, to_json, write_bytes
from dataworkspaces.workspace.resource_names import AS_STORED, ResourceNames
from dataworkspaces.workspace.resource_ref import ResourceRef

KnownLineage = dict[str, tuple[tuple[int, ...], ResourceLineage]]
"""The current lineage of resources, with what tells whether their files are still the same."""


class FileLineageStore(LineageStore):
    """``CURRENT/RESOURCE.json`` and ``SNAPSHOTS/HASH/RESOURCE.json``.

    :param snapshots: a directory, or where else the lineage of snapshots is kept.
    :param lock_path: a file that serialises the steps that finish at the same time. Beside it stands which steps are
        writing.
    :param names: what resources are called, and stored as, whenever it is asked.
    :param known: what was read before of the current lineage: one for all stores of a workspace."""

    def __init__(
        self,
        current: Path,
        snapshots: Path | KeptLineage,
        lock_path: Path,
        names: Callable[[], ResourceNames] = lambda: AS_STORED,
        known: KnownLineage | None = None,
    ) -> None:
        self._current = current
        self._kept = snapshots if isinstance(snapshots, KeptLineage) else KeptInFiles(snapshots)
        self._lock_path = lock_path
        self.names = names
        self._writing = Writing(lock_path.parent / "steps")
        self._is_settled = False
        self._known: KnownLineage = {} if known is None else known

    def entries(self, resource_name: str, snapshot_hash: str | None = None) -> Entries:
        if snapshot_hash is not None:
            names = self.names()
            stored = names.stored(resource_name)
            document = self._kept.read(snapshot_hash, stored)
            kept = _lineage(document, stored, self._kept.where(snapshot_hash, stored)).entries
            return kept if names.is_as_stored else rename_entries(kept, names.as_asked([resource_name]))
        self._settle()
        return self._read([resource_name])[resource_name].entries

    def _read(self, resource_names: Sequence[str]) -> dict[str, ResourceLineage]:
        """The current lineage of resources, in which these are called as they are asked for."""
        names = self.names()
        called = names.as_asked(resource_names)
        found = {}
        for name in resource_names:
            stored = self._read_stored(names.stored(name))
            found[name] = (
                stored
                if names.is_as_stored
                else ResourceLineage(rename_entries(stored.entries, called), stored.last_version)
            )
        return found

    def _read_stored(self, name: str) -> ResourceLineage:
        """One file, which is parsed again only when it is another: a command asks for the lineage of all resources
        several times. A file that was written just now may be written again without its time telling."""
        path = self._path(name)
        try:
            stat = os.stat(path, follow_symlinks=False)  # noqa: PTH116 - asked for each resource
        except FileNotFoundError:
            return ResourceLineage([])
        except OSError:
            stat = None  # told by the attempt to read it
        key = () if stat is None else (stat.st_mtime_ns, stat.st_size, stat.st_ino)
        known = self._known.get(name)
        if known is None or known[0] != key or not key:
            lineage = _lineage(read_json_object_if_any(path, "resource_name"), name, str(path))
            if stat is None or time.time_ns() - stat.st_mtime_ns < _CLOCK_TICK_NS:
                self._known.pop(name, None)
                return lineage
            known = self._known[name] = key, lineage
        return ResourceLineage(list(known[1].entries), known[1].last_version)

    def _path(self, stored: str) -> Path:
        return self._current / file_name(stored)

    def is_name_of(self, resource_name: str, name: object) -> bool:
        names = self.names()
        return isinstance(name, str) and names.present(name) == names.present(resource_name)

    def update_all(
        self,
        resource_names: Sequence[str],
        change: Callable[[Mapping[str, ResourceLineage]], Mapping[str, Entries]],
    ) -> None:
        self._settle()
        with self._lock():
            self._update_all(resource_names, change)

    def _update_all(
        self,
        resource_names: Sequence[str],
        change: Callable[[Mapping[str, ResourceLineage]], Mapping[str, Entries]],
    ) -> None:
        self._remove_half_written()
        names = self.names()
        old = self._read(resource_names)
        for name, entries in change(old).items():
            path = self._path(names.stored(name))
            if entries == old[name].entries and path.exists():
                continue
            try:
                write_bytes(path, _content(names, name, entries, old[name].last_version))
            except OSError as e:
                raise explain_os_error(e, f"Writing the lineage of resource '{name}'") from e

    def _remove_half_written(self) -> None:
        """What a write that was killed left: whoever holds the lock is the only one that writes."""
        for half_written in self._current.glob(".*.tmp"):
            with suppress(OSError):
                half_written.unlink()

    # -- steps that write ----------------------------------------------------------------------------------------

    def begin_writing(self, refs: Sequence[ResourceRef], step: StepLineage) -> Callable[[], None]:
        try:
            return self._writing.begin(refs, step)
        except OSError as e:
            raise explain_os_error(e, "Noting what a step writes") from e

    def _settle(self) -> None:
        """What killed steps were writing is unknown now. Looked for once in the life of this object."""
        if self._is_settled:
            return
        self._is_settled = True
        for interrupted in self._writing.interrupted():
            with interrupted as step, self._lock():
                names = list(dict.fromkeys(ref.name for ref in step.refs))
                self._update_all(names, lambda old, step=step: _made_unknown(old, step))  # type: ignore[misc]

    def snapshot(
        self,
        hashval: str,
        resource_names: Sequence[str],
        hashes: Mapping[str, str | None],
        contents: Contents = NO_CONTENTS,
    ) -> None:
        find = self.resolver(hashes, contents)

        def resolve(cert: ResourceCert) -> ResourceCert:
            certificate = find(cert).certificate
            if certificate.content is not None and certificate.content.startswith("size-and-time:"):
                certificate = replace(certificate, content=None)  # which says nothing on another machine
            if isinstance(certificate, HashCertificate):
                certificate = replace(certificate, version=None)
            return ResourceCert(cert.ref, certificate)

        current = {name: self.entries(name) for name in resource_names}
        resolved = {name: [entry.resolved(resolve) for entry in entries] for name, entries in current.items()}
        self._keep(hashval, resolved)

    def restore(self, snapshot_hash: str, resource_names: Sequence[str]) -> None:
        for name in resource_names:
            kept = self.entries(name, snapshot_hash)
            self.update(name, lambda _old, kept=kept: kept)  # type: ignore[misc]

    def delete_snapshot(self, hashval: str) -> None:
        self._kept.delete(hashval)

    def bring_back_snapshot(self, hashval: str, entries: Mapping[str, Entries]) -> None:
        self._keep(hashval, entries)

    def _keep(self, hashval: str, entries: Mapping[str, Entries]) -> None:
        names = self.names()
        self._kept.write(hashval, {names.stored(name): _content(names, name, each) for name, each in entries.items()})

    @contextmanager
    def _lock(self) -> Iterator[None]:
        from dataworkspaces.toolbox.lock import HeldByAnother, acquire

        try:
            self._lock_path.parent.mkdir(parents=True, exist_ok=True)
            lock = acquire(self._lock_path, _LOCK_SECONDS)
        except HeldByAnother as e:
            raise LineageError(
                f"Lineage could not be written for {_LOCK_SECONDS:.0f} s: {e.message}",
                hint="'dws unlock' removes a stale lock",
            ) from None
        except OSError as e:
            raise kind_of_os_error(e)(f"Lineage cannot be written: {self._lock_path}: {e.strerror or e}") from e
        try:
            yield
        finally:
            lock.release()


_LOCK_SECONDS = 30.0
_CLOCK_TICK_NS = 50_000_000


def _lineage(document: dict[str, Any] | None, resource_name: str, where: str) -> ResourceLineage:
    if document is None:
        return ResourceLineage([])
    if document.get("resource_name") != resource_name:
        raise MetadataError(f"{where} belongs to another resource, {document.get('resource_name')!r}")
    entries = entries_from_json(document, where)
    stored = document.get("last_version")
    last = stored if isinstance(stored, int) else 0
    return ResourceLineage(entries, max(last, _highest_version(resource_name, entries)))


def _content(names: ResourceNames, resource_name: str, entries: Entries, last_version: int | None = None) -> bytes:
    stored = names.stored(resource_name)
    if not names.is_as_stored:
        entries = rename_entries(entries, names.stored)
    data = {"resource_name": stored, **entries_to_json(entries)}
    if last_version is not None and last_version > _highest_version(stored, entries):
        data["last_version"] = last_version
    return to_json(data).encode("utf-8")


def _highest_version(resource_name: str, entries: Entries) -> int:
    certs = (cert for entry in entries for cert in entry_outputs(entry))
    return max((cert.certificate.version or 0 for cert in certs if cert.ref.name == resource_name), default=0)


def _made_unknown(old: Mapping[str, ResourceLineage], interrupted: InterruptedStep) -> dict[str, Entries]:
    """Nothing changes if the step was recorded whole before its process was gone."""
    step = interrupted.step
    if all(_has_step(lineage, step) for lineage in old.values()):
        return {}
    comment = f"Step {step.describe()} was killed"
    return {name: unknown(lineage, name, interrupted.refs, comment, step) for name, lineage in old.items()}


def _has_step(lineage: ResourceLineage, step: StepLineage) -> bool:
    """Whether the entries of a resource hold a step that has ended."""
    return any(
        isinstance(entry, StepLineage) and (entry.step_name, entry.start_time) == (step.step_name, step.start_time)
        for entry in lineage.entries
    )
